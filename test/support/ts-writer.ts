/** Builds MPEG-TS packets and messages for tests: enough of the format for what the relay reads. */
export const PMT_PID = 0x1000;
export const VIDEO_PID = 0x100;
export const AUDIO_PID = 0x101;

const packet = (pid: number, start: boolean, body: readonly number[], randomAccess = false): Uint8Array => {
  const bytes = new Uint8Array(188).fill(0xff);
  bytes[0] = 0x47;
  bytes[1] = (start ? 0x40 : 0) | (pid >> 8);
  bytes[2] = pid & 0xff;
  bytes[3] = randomAccess ? 0x30 : 0x10;
  let at = 4;
  if (randomAccess) {
    bytes[4] = 1;
    bytes[5] = 0x40;
    at = 6;
  }
  bytes.set(body, at);
  return bytes;
};

const section = (tableId: number, body: readonly number[]): number[] => {
  const length = body.length + 9;
  return [0, tableId, 0xb0 | (length >> 8), length & 0xff, 0, 1, 0xc1, 0, 0, ...body, 0, 0, 0, 0];
};

export const pat = (pmtPid = PMT_PID): Uint8Array =>
  packet(0, true, section(0, [0, 1, 0xe0 | (pmtPid >> 8), pmtPid & 0xff]));

/** `streams`: pairs of stream type and PID. */
export const pmt = (
  streams: readonly (readonly [number, number])[] = [
    [0x1b, VIDEO_PID],
    [0x0f, AUDIO_PID],
  ],
  pid = PMT_PID,
): Uint8Array =>
  packet(
    pid,
    true,
    section(2, [
      0xe0 | (VIDEO_PID >> 8),
      VIDEO_PID & 0xff,
      0xf0,
      0,
      ...streams.flatMap(([type, at]) => [type, 0xe0 | (at >> 8), at & 0xff, 0xf0, 0]),
    ]),
  );

export const video = (tag: number, keyFrame = false): Uint8Array =>
  packet(VIDEO_PID, true, [0, 0, 1, 0xe0, tag & 0xff, tag >> 8], keyFrame);
/** A packet of the video that begins an access unit with these bytes of the elementary stream, or goes on with them. */
export const videoBytes = (elementary: readonly number[], begins = true): Uint8Array =>
  packet(VIDEO_PID, begins, begins ? [0, 0, 1, 0xe0, 0, 0, 0x80, 0, 0, ...elementary] : elementary);
export const audio = (tag: number): Uint8Array => packet(AUDIO_PID, true, [0, 0, 1, 0xc0, tag & 0xff, tag >> 8]);

/** One SRT message of these packets. */
export const message = (...packets: readonly Uint8Array[]): Uint8Array => {
  const bytes = new Uint8Array(packets.length * 188);
  for (const [index, one] of packets.entries()) bytes.set(one, index * 188);
  return bytes;
};
