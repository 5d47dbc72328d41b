import { execFileSync } from 'node:child_process';
import { request as open, type RequestOptions } from 'node:https';

/** Writes a certificate for localhost and its key. */
export const writeCertificate = (certPath: string, keyPath: string): void => {
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  execFileSync('openssl', ['req', ...kind, '-subj', '/CN=localhost', '-keyout', keyPath, '-out', certPath], {
    stdio: 'ignore',
  });
};

export interface HttpsAnswer {
  readonly status: number | undefined;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly text: string;
  /** Of the certificate that the server has shown. */
  readonly fingerprint: string;
}

/** On a connection of its own, whoever has signed the certificate. */
export const httpsGet = (url: string, options: RequestOptions & { body?: string } = {}): Promise<HttpsAnswer> =>
  new Promise((done, failed) => {
    const { body, ...rest } = options;
    const request = open(url, { rejectUnauthorized: false, agent: false, ...rest }, async (answer) => {
      const { fingerprint256 } = (answer.socket as import('node:tls').TLSSocket).getPeerCertificate();
      let text = '';
      for await (const chunk of answer) text += chunk;
      done({ status: answer.statusCode, headers: answer.headers, text, fingerprint: fingerprint256 });
    });
    request.on('error', failed);
    request.end(body);
  });
