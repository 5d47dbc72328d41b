/**
 * Numbers as the readers of these pages need them: Qt takes a number that is not whole or not within int32 for 0, and NOALBS gives
 * up on a whole response for one.
 */
const MAX_INT32 = 2_147_483_647;

const whole = (value: number, most: number): number =>
  Number.isNaN(value) ? 0 : Math.min(Math.max(Math.round(value), 0), most);

/** A whole number from 0 to 2^31 − 1. */
export const int32 = (value: number): number => whole(value, MAX_INT32);

/** A whole number from 0 to 65,535. */
export const uint16 = (value: number): number => whole(value, 65_535);

/** A whole number from 0 to 2^53 − 1, for byte counts, which readers take as 64 bits. */
export const count = (value: number): number => whole(value, Number.MAX_SAFE_INTEGER);

/** Seconds that have passed, whole. */
export const wholeSeconds = (ms: number): number => int32(Math.floor(ms / 1_000));

const MAX_DECIMAL = 1e9;

/** A number from 0 to 10^9 with at most three decimals: never an exponent. */
export const decimal = (value: number): number =>
  Number.isNaN(value) ? 0 : Math.round(Math.min(Math.max(value, 0), MAX_DECIMAL) * 1_000) / 1_000;
