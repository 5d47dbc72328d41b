/** A parser, and what it must keep to whatever it is given. */
export interface FuzzTarget {
  readonly name: string;
  /** Well-formed inputs, to be changed a little. */
  readonly seeds: readonly Uint8Array[];
  readonly maxBytes: number;
  /** Throws where the parser does not keep to it. Each call is independent of the others. */
  run(input: Uint8Array): void | Promise<void>;
}
