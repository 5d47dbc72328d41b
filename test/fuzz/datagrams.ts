/** The bytes as datagrams: each begins with its length in two bytes. */
export const datagrams = (input: Uint8Array): Uint8Array[] => {
  const found: Uint8Array[] = [];
  for (let at = 0; at + 2 <= input.length && found.length < 64; ) {
    const length = ((input[at]! << 8) | input[at + 1]!) % 1_501;
    found.push(input.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return found;
};
export const asDatagrams = (...parts: Uint8Array[]): Uint8Array =>
  Buffer.concat(parts.flatMap((part) => [Buffer.from([part.length >> 8, part.length & 255]), part]));
