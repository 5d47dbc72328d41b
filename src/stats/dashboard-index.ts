import { createHash } from 'node:crypto';
import { publicStreamName } from '../shared/redact.ts';
import type { StreamDirectory } from '../sls-bridge/directory.ts';

/** SHA-256, hex: what stands for a publisher id where it must not be. */
export const publisherDigest = (publisherId: string): string => createHash('sha256').update(publisherId).digest('hex');

/** Publisher ids by what stands for them in addresses of pages. Ids that are gone stay: whoever asks looks whether there is one. */
export class PublisherIndex {
  readonly #byName = new Map<string, string>();
  readonly #byDigest = new Map<string, string>();

  constructor(directory: StreamDirectory) {
    for (const { publisher } of directory.admitted()) this.add(publisher);
    directory.onChange(({ type, row }) => {
      if (type === 'added') this.add(row.publisher);
      else if (type === 'removed' && !directory.hasPublisher(row.publisher)) this.#remove(row.publisher);
    });
  }

  add(publisherId: string): void {
    this.#byName.set(publicStreamName(publisherId), publisherId);
    this.#byDigest.set(publisherDigest(publisherId), publisherId);
  }

  /** @param name `stream-1a2b3c` */
  named(name: string): string | undefined {
    return this.#byName.get(name);
  }

  withDigest(digest: string): string | undefined {
    return this.#byDigest.get(digest);
  }

  #remove(publisherId: string): void {
    this.#byName.delete(publicStreamName(publisherId));
    this.#byDigest.delete(publisherDigest(publisherId));
  }
}
