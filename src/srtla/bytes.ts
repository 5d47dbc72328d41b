/** Big-endian reads and writes. The caller has checked the length; int32 results stay unboxed, so ids are compared as int32. */

export const readU16 = (bytes: Uint8Array, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!;

export const readI32 = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;

export const readU32 = (bytes: Uint8Array, at: number): number => readI32(bytes, at) >>> 0;

/** Exact up to 2⁵³. */
export const readU64 = (bytes: Uint8Array, at: number): number =>
  readU32(bytes, at) * 0x1_0000_0000 + readU32(bytes, at + 4);

export const writeU16 = (bytes: Uint8Array, at: number, value: number): void => {
  bytes[at] = value >> 8;
  bytes[at + 1] = value;
};

/** Takes int32 and uint32 alike. */
export const writeU32 = (bytes: Uint8Array, at: number, value: number): void => {
  bytes[at] = value >> 24;
  bytes[at + 1] = value >> 16;
  bytes[at + 2] = value >> 8;
  bytes[at + 3] = value;
};

/** Compares `length` bytes without telling by its duration where they differ. */
export const equalBytes = (a: Uint8Array, aAt: number, b: Uint8Array, bAt: number, length: number): boolean => {
  if (a.length < aAt + length || b.length < bAt + length) return false;
  let difference = 0;
  for (let i = 0; i < length; i++) difference |= a[aAt + i]! ^ b[bAt + i]!;
  return difference === 0;
};
