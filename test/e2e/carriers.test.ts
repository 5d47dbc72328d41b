import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, onTestFinished } from 'vitest';
import type { LinksAnswer } from '../../src/stats/compat-links.ts';
import { testClip } from '../support/media.ts';
import { IPINFO_LITE, ipinfoRecord, mmdbFile } from '../support/mmdb-writer.ts';
import { type Program, TestNode, tributary, until } from '../support/processes.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'tributary-carriers-'));
const programs: Program[] = [];
let node: TestNode | undefined;
afterAll(async () => {
  await Promise.all(programs.map((program) => program.stop('SIGKILL')));
  await node?.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

const TMOBILE = ipinfoRecord(21_928, 'T-Mobile USA, Inc.');
const NETWORKS = {
  '127.0.1.0/24': TMOBILE,
  '127.0.2.0/24': TMOBILE,
  '127.0.3.0/24': ipinfoRecord(14_593, 'Space Exploration Technologies Corporation'),
};

/** Offers a file, as its vendor does; `./tributary asn update` is to fetch it. */
const vendor = async (file: Buffer): Promise<string> => {
  const server = createServer((_request, response) => response.end(file));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/ipinfo_lite.mmdb?token=not_to_be_seen`;
};
const command = async (...args: string[]): Promise<string> => {
  const program = tributary(['asn', ...args], { DATA_DIR: dataDir });
  programs.push(program);
  await program.success(20_000);
  return program.output;
};

it('a bonded stream shows who carries its links, and follows the database', { timeout: 90_000 }, async () => {
  mkdirSync(join(dataDir, 'asn'));
  writeFileSync(join(dataDir, 'asn', 'ipinfo_lite.mmdb'), mmdbFile({ type: IPINFO_LITE, networks: NETWORKS }));
  node = await TestNode.start({}, dataDir);
  const { links, adminKey } = node;
  const [row] = await node.rows();
  const sender = tributary([
    ...['send', '--to', `127.0.0.1:${node.ports.srtla[0]}`, '--links', '127.0.1.1,127.0.2.1,127.0.3.1,127.0.4.1'],
    ...['--input', testClip(20), '--streamid', row!.publisher, '--latency', '500'],
  ]);
  programs.push(sender);
  const ask = async (headers: Record<string, string> = {}): Promise<LinksAnswer> =>
    (await (await fetch(links, { headers })).json()) as LinksAnswer;
  const answer = await until('four links with traffic', async () => {
    const asked = await ask({ authorization: `Bearer ${adminKey}` });
    const connections = asked.groups[0]?.connections ?? [];
    return connections.length === 4 && connections.every(({ share_pct }) => share_pct > 0) ? asked : undefined;
  });
  const shown = answer.groups[0]!.connections.map(({ addr, asn_org, asn, label, kind, country }) => ({
    ...{ addr: addr.replace(/:\d+$/, ''), asn_org, asn, label, kind, country },
  }));
  // Links come in the order in which they have registered.
  const first = shown.findIndex(({ asn_org }) => asn_org === 'T-Mobile USA, Inc.');
  expect(['127.0.1.1', '127.0.2.1']).toContain(shown[first]?.addr);
  const unknown = shown.findIndex(({ addr }) => addr === '127.0.4.1');
  const tmobile = { asn: 21_928, kind: 'cellular', country: 'US' };
  expect(shown).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ ...tmobile, asn_org: 'T-Mobile USA, Inc.', label: 'T-Mobile' }),
      expect.objectContaining({ ...tmobile, asn_org: 'T-Mobile USA, Inc. (2)', label: 'T-Mobile (2)' }),
      expect.objectContaining({ addr: '127.0.3.1', asn: 14_593, label: 'Starlink', kind: 'satellite' }),
      expect.objectContaining({ asn_org: `Link-${unknown + 1}`, label: 'This machine', kind: 'private' }),
    ]),
  );
  expect(answer.attribution).toEqual([expect.stringContaining('IPinfo')]);

  // Nobody without a key sees an address, on this machine either; nor does the log.
  const masked = JSON.stringify(await ask());
  expect(masked).toContain('"127.0.3.x:');
  expect(masked).not.toMatch(/127\.0\.[1234]\.1\b/);
  expect(node.program.output).toContain('link-joined');
  expect(node.program.output).not.toMatch(/"address":"127\.0\.[1234]\.1"/);

  expect(await command('status')).toMatch(
    /ipinfo_lite\.mmdb: ipinfo bundle_location_lite\.mmdb of 2026-09-21, tells carriers and countries\. /,
  );
  const networks = { ...NETWORKS, '127.0.4.0/24': ipinfoRecord(20_057, 'AT&T Enterprises, LLC') };
  const url = await vendor(mmdbFile({ type: IPINFO_LITE, networks, buildEpoch: 1_791_000_000 }));
  const fetched = await command('update', url);
  expect(fetched).toMatch(/^Fetched .*ipinfo_lite\.mmdb: .* of 2026-10-03, tells carriers and countries\.$/m);
  expect(fetched).not.toContain('not_to_be_seen');
  const namesNow = async (): Promise<string[]> =>
    (await ask()).groups[0]?.connections.map(({ asn_org }) => asn_org) ?? [];
  await until('the new database', async () => (await namesNow()).includes('AT&T Enterprises, LLC'));
  expect(await namesNow()).toEqual(
    expect.arrayContaining(['T-Mobile USA, Inc.', 'T-Mobile USA, Inc. (2)', 'AT&T Enterprises, LLC']),
  );
});
