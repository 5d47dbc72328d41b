/*
 * A walk through the search tree of a MaxMind DB file, to see whether it is whole. The format: maxmind.github.io/MaxMind-DB, version 2.0;
 * a node is two records of 24, 28 or 32 bits, and a record is a node, the number of nodes ("nothing is known") or a place in the data.
 */

export interface TreeShape {
  readonly nodeCount: number;
  readonly recordSize: number;
  readonly ipVersion: number;
}

/** Between the tree and the data. */
export const SEPARATOR_BYTES = 16;

/** @param side 0 left, 1 right */
export const recordAt = (bytes: Buffer, { recordSize }: TreeShape, node: number, side: 0 | 1): number => {
  const at = (node * recordSize) / 4;
  if (recordSize === 24) return bytes.readUIntBE(at + side * 3, 3);
  if (recordSize === 32) return bytes.readUInt32BE(at + side * 4);
  const middle = bytes[at + 3]!;
  return side === 0
    ? (middle >> 4) * 2 ** 24 + bytes.readUIntBE(at, 3)
    : (middle & 15) * 2 ** 24 + bytes.readUIntBE(at + 4, 3);
};

/** The first record from a node on that points outside the file, in words; undefined where there is none up to `end`. */
export const brokenRecord = (
  bytes: Buffer,
  shape: TreeShape,
  dataEnd: number,
  from: number,
  end: number,
): string | undefined => {
  const { nodeCount } = shape;
  const treeBytes = (nodeCount * shape.recordSize) / 4;
  const limit = nodeCount + (dataEnd - treeBytes);
  for (let node = from; node < Math.min(end, nodeCount); node++)
    for (const side of [0, 1] as const) {
      const record = recordAt(bytes, shape, node, side);
      if (record >= limit || (record > nodeCount && record < nodeCount + SEPARATOR_BYTES))
        return `node ${node} points outside the file`;
    }
  return undefined;
};

/**
 * Addresses that the tree knows something of, from all over it.
 * @param pick whole numbers from 0, below 2 ** 32
 */
export const sampleAddresses = (bytes: Buffer, shape: TreeShape, count: number, pick: () => number): string[] => {
  const found = new Set<string>();
  const bits = shape.ipVersion === 4 ? 32 : 128;
  for (let n = 0; n < count; n++) {
    // Of IPv6 trees the first 96 zeros lead to what is known of IPv4.
    const zeros = bits === 128 && n % 2 === 0 ? 96 : 0;
    const address = descend(bytes, shape, bits, zeros, pick);
    if (address !== undefined) found.add(address);
  }
  return [...found];
};

const descend = (
  bytes: Buffer,
  shape: TreeShape,
  bits: number,
  zeros: number,
  pick: () => number,
): string | undefined => {
  const path: number[] = [];
  let at = 0;
  while (at < shape.nodeCount && path.length < bits) {
    const wanted = path.length < zeros ? 0 : ((pick() >>> 16) & 1) === 0 ? 0 : 1;
    const next = recordAt(bytes, shape, at, wanted);
    const turns = next === shape.nodeCount && path.length >= zeros;
    const side = turns ? ((1 - wanted) as 0 | 1) : wanted;
    path.push(side);
    at = turns ? recordAt(bytes, shape, at, side) : next;
  }
  if (at <= shape.nodeCount) return undefined;
  while (path.length < bits) path.push(0);
  return addressText(path);
};

const addressText = (path: readonly number[]): string => {
  const groupBits = path.length === 32 ? 8 : 16;
  const groups: number[] = [];
  for (let at = 0; at < path.length; at += groupBits)
    groups.push(path.slice(at, at + groupBits).reduce((sum, bit) => sum * 2 + bit, 0));
  if (groupBits === 8) return groups.join('.');
  if (groups.slice(0, 6).every((group) => group === 0))
    return groups
      .slice(6)
      .flatMap((group) => [group >> 8, group & 255])
      .join('.');
  return groups.map((group) => group.toString(16)).join(':');
};
