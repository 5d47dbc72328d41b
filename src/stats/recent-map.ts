/**
 * A map that keeps at least the `most` keys used last, and at most twice as many: two generations, of which the older one is dropped as a
 * whole. (Taking the first key of a `Map` again and again looks at every one that was deleted before it.)
 */
export class RecentMap<K, V> {
  readonly #most: number;
  #young = new Map<K, V>();
  #old = new Map<K, V>();

  constructor(most: number) {
    this.#most = most;
  }

  has(key: K): boolean {
    return this.#young.has(key) || this.#old.has(key);
  }

  get(key: K): V | undefined {
    if (this.#young.has(key) || !this.#old.has(key)) return this.#young.get(key);
    const value = this.#old.get(key) as V;
    this.set(key, value);
    return value;
  }

  set(key: K, value: V): void {
    if (this.#young.size >= this.#most && !this.#young.has(key)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }
}
