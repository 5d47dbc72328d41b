import { sequenceDistance } from '../srtla/repair/sequence-window.ts';

/** Sequence numbers of data packets: 31 bits on a circle. A distance is right as long as it is under half of it, 2³⁰. */
export { sequenceDistance, sequencePlus } from '../srtla/repair/sequence-window.ts';

export const LARGEST_SEQUENCE = 0x7fffffff;

export const laterSequence = (a: number, b: number): number => (sequenceDistance(a, b) >= 0 ? a : b);
export const earlierSequence = (a: number, b: number): number => (sequenceDistance(a, b) <= 0 ? a : b);
