/** A value, or what reads the one of now: most settings may change while a node runs. `T` is no function. */
export type Current<T> = T | (() => T);

export const reading = <T>(value: Current<T>): (() => T) =>
  typeof value === 'function' ? (value as () => T) : () => value;
