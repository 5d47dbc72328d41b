/**
 * Prints what payloads cost under keys, for each packet of 1,316 bytes: in order, as a player's are and hardly differently a publisher's, and
 * far behind the newest, as what is sent again: `.runtime/node_modules/.bin/node --expose-gc test/srt/cipher-bench.ts`.
 */
import { createCipheriv } from 'node:crypto';
import { createSrtCrypto } from '../../src/srt/crypto-shell.ts';
import { sequencePlus } from '../../src/srt/sequence.ts';
import { SessionCipher } from '../../src/srt/session-cipher.ts';

const PACKETS = 100_000;
const ROUNDS = 5;
const collect = (globalThis as { gc?: () => void }).gc;

const measure = (name: string, step: (i: number) => void): void => {
  let best = Number.POSITIVE_INFINITY;
  let i = 0;
  for (let round = 0; round < ROUNDS; round++) {
    collect?.();
    const start = process.cpuUsage();
    for (let each = 0; each < PACKETS; each++) step(i++);
    // With what the collector has left for later.
    collect?.();
    const { user, system } = process.cpuUsage(start);
    best = Math.min(best, ((user + system) * 1_000) / PACKETS);
  }
  console.log(`${name}: ${best.toFixed(0)} ns`);
};

for (const lengthBytes of [16, 32] as const) {
  const keys = { lengthBytes, salt: new Uint8Array(16).fill(3), even: new Uint8Array(lengthBytes), odd: undefined };
  const make = (): SessionCipher => new SessionCipher(keys, '', createSrtCrypto());
  const [from, into] = [new Uint8Array(1_500), new Uint8Array(1_500)];
  const name = `AES-${8 * lengthBytes}`;
  const [ordered, repeated, single] = [make(), make(), make()];
  measure(`${name}, in order`, (i) => ordered.encrypt(from, into, i, 16, 1_316));
  measure(`${name}, 1 % again, 200 later`, (i) =>
    repeated.encrypt(from, into, i % 100 === 50 ? Math.max(0, i - 200) : i, 16, 1_316),
  );
  measure(`${name}, each alone`, (i) => single.encrypt(from, into, sequencePlus(0x7fffffff, -64 * i), 16, 1_316));
  const key = new Uint8Array(lengthBytes);
  const iv = new Uint8Array(16);
  measure(`${name}, Node's own CTR, a cipher for each`, () => {
    into.set(createCipheriv(`aes-${8 * lengthBytes}-ctr`, key, iv).update(from.subarray(16, 1_332)));
  });
}
