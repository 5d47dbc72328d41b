import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

/** What is wrong with an archive, in words. */
export class UnpackError extends Error {}

const BLOCK = 512;
const NAME = { at: 0, bytes: 100 } as const;
const SIZE = { at: 124, bytes: 12 } as const;
const CHECKSUM = { at: 148, bytes: 8 } as const;
const TYPE_AT = 156;
const MAGIC = { at: 257, text: 'ustar' } as const;

type Chunks = AsyncIterable<Buffer>;

/**
 * A file as it is: gzip is undone, and of a tar archive comes the first `.mmdb` file.
 * @param maxBytes of all that is unpacked, what an archive has before the file included
 * @throws UnpackError
 */
export async function* unpacked(chunks: Chunks, maxBytes: number): AsyncGenerator<Buffer, void, undefined> {
  const packed = new Bytes(chunks);
  const isPacked = (await packed.peek(2)).equals(Buffer.from([0x1f, 0x8b]));
  const plain = new Bytes(bounded(isPacked ? gunzipped(packed.rest()) : packed.rest(), maxBytes));
  const head = await plain.peek(BLOCK);
  const isTar = head.toString('latin1', MAGIC.at, MAGIC.at + MAGIC.text.length) === MAGIC.text;
  yield* isTar ? untarred(plain) : plain.rest();
}

async function* bounded(chunks: Chunks, maxBytes: number): AsyncGenerator<Buffer, void, undefined> {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new UnpackError(`it is larger than ${maxBytes} bytes when unpacked`);
    yield chunk;
  }
}

async function* gunzipped(chunks: Chunks): AsyncGenerator<Buffer, void, undefined> {
  const source = Readable.from(chunks);
  const gunzip = createGunzip();
  source.on('error', (error) => gunzip.destroy(error));
  try {
    for await (const chunk of source.pipe(gunzip) as Chunks) yield chunk;
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    // zlib's own failures; those of the source stay what they are.
    throw typeof code === 'string' && code.startsWith('Z_') ? new UnpackError(`its gzip is damaged (${code})`) : error;
  } finally {
    source.destroy();
  }
}

async function* untarred(archive: Bytes): AsyncGenerator<Buffer, void, undefined> {
  for (;;) {
    const header = await archive.take(BLOCK);
    if (header.length < BLOCK || header.every((byte) => byte === 0))
      throw new UnpackError('there is no .mmdb file in the archive');
    if (!hasChecksum(header)) throw new UnpackError('the archive is damaged');
    const size = octal(header, SIZE);
    const padding = (BLOCK - (size % BLOCK)) % BLOCK;
    const name = header.toString('latin1', NAME.at, NAME.at + NAME.bytes).split('\0')[0]!;
    const isFile = header[TYPE_AT] === 0x30 || header[TYPE_AT] === 0;
    if (isFile && name.endsWith('.mmdb')) return yield* archive.run(size);
    for await (const _ of archive.run(size + padding));
  }
}

const octal = (header: Buffer, { at, bytes }: { at: number; bytes: number }): number => {
  const text = header
    .toString('latin1', at, at + bytes)
    .replace(/[\0 ]+$/, '')
    .trim();
  if (!/^[0-7]+$/.test(text)) throw new UnpackError('the archive is damaged');
  return Number.parseInt(text, 8);
};

/** The sum of the header's bytes, its own field taken for spaces. */
const hasChecksum = (header: Buffer): boolean => {
  const sum = header.reduce(
    (total, byte, at) => total + (at >= CHECKSUM.at && at < CHECKSUM.at + CHECKSUM.bytes ? 0x20 : byte),
    0,
  );
  return octal(header, CHECKSUM) === sum;
};

/** Chunks of any length, read by number of bytes. */
class Bytes {
  readonly #chunks: AsyncIterator<Buffer>;
  #held: Buffer = Buffer.alloc(0);

  constructor(chunks: Chunks) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** The next bytes, which stay; fewer at the end. */
  async peek(bytes: number): Promise<Buffer> {
    while (this.#held.length < bytes) {
      const next = await this.#chunks.next();
      if (next.done) break;
      this.#held = Buffer.concat([this.#held, next.value]);
    }
    return this.#held.subarray(0, bytes);
  }

  async take(bytes: number): Promise<Buffer> {
    const taken = await this.peek(bytes);
    this.#held = this.#held.subarray(taken.length);
    return taken;
  }

  /** @throws UnpackError where there are fewer */
  async *run(bytes: number): AsyncGenerator<Buffer, void, undefined> {
    for (let left = bytes; left > 0; ) {
      const chunk = this.#held.length > 0 ? await this.take(Math.min(left, this.#held.length)) : await this.take(1);
      if (chunk.length === 0) throw new UnpackError('the archive is cut off');
      left -= chunk.length;
      yield chunk;
    }
  }

  async *rest(): AsyncGenerator<Buffer, void, undefined> {
    for (;;) {
      const chunk = await this.take(Math.max(1, this.#held.length));
      if (chunk.length === 0) return;
      yield chunk;
    }
  }
}
