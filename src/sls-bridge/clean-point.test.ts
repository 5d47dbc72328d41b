import { describe, expect, it } from 'vitest';
import { audio, message, pat, pmt, VIDEO_PID, video, videoBytes } from '../../test/support/ts-writer.ts';
import { CLEAN_POINT_WAIT_MS, CleanPoint, HOLD_MESSAGES } from './clean-point.ts';

/** Offers messages one millisecond apart (or at `times`); answers what the player would get, or undefined. */
const run = (messages: readonly Uint8Array[], stepMs = 1): { at: number; held: Uint8Array[] } | undefined => {
  const clean = new CleanPoint();
  for (const [index, bytes] of messages.entries()) {
    const arena = new Uint8Array(3000);
    arena.set(bytes, 1500);
    if (!clean.offer(arena, 1500, bytes.length, index * stepMs)) continue;
    return { at: index, held: Array.from({ length: clean.heldMessages }, (_, i) => clean.heldMessage(i).slice()) };
  }
  return undefined;
};

describe('CleanPoint', () => {
  it('begins at the message whose PAT precedes the key frame, and leaves nothing out between them', () => {
    const first = message(pat(), pmt(), audio(1));
    const second = message(audio(2));
    const third = message(video(1, true), video(2));
    expect(run([first, second, third])).toEqual({ at: 2, held: [first, second, third] });
  });

  it('passes over pictures that cannot be decoded: a newer PAT begins the hold anew', () => {
    const old = message(pat(), pmt(), video(1));
    const tables = message(pat(), pmt());
    const key = message(video(9, true));
    expect(run([message(video(0)), old, message(video(2)), tables, key])).toEqual({ at: 4, held: [tables, key] });
  });

  it('keeps sound that came before the first key frame across a second PAT', () => {
    const first = message(pat(), pmt(), audio(1));
    const second = message(pat(), pmt(), audio(2));
    const key = message(video(1, true));
    expect(run([first, second, key])?.held).toEqual([first, second, key]);
  });

  it('counts a key frame only behind the tables that describe it', () => {
    const early = message(video(1, true), pat(), pmt());
    const key = message(video(2, true));
    expect(run([early, key])).toEqual({ at: 1, held: [early, key] });
  });

  it('takes a PAT alone where the programme has no video', () => {
    const tables = message(pat(), pmt([[0x0f, 0x101]]), audio(1));
    expect(run([message(audio(0)), tables])).toEqual({ at: 1, held: [tables] });
  });

  it('takes the newest PAT after two seconds without a key frame', () => {
    const tables = message(pat(), pmt(), video(0));
    const later = message(pat(), pmt(), video(5));
    const plain = message(video(1));
    const found = run([tables, plain, later, plain], CLEAN_POINT_WAIT_MS / 3);
    expect(found).toEqual({ at: 3, held: [later, plain] });
  });

  it('begins at a message boundary after two seconds without any PAT', () => {
    const plain = message(video(1));
    expect(run([plain, plain, plain], CLEAN_POINT_WAIT_MS / 2)).toEqual({ at: 2, held: [plain] });
  });

  it('begins at once with anything that is no transport stream', () => {
    const text = new TextEncoder().encode('hello');
    expect(run([text])).toEqual({ at: 0, held: [text] });
    const odd = message(pat()).subarray(0, 187);
    expect(run([odd])?.at).toBe(0);
  });

  it('keeps the tables and what is newest when more is held than fits', () => {
    const tables = message(pat());
    const map = message(pmt());
    const pictures = Array.from({ length: HOLD_MESSAGES + 50 }, (_, i) => message(video(i)));
    const key = message(video(999, true));
    const found = run([tables, map, ...pictures, key]);
    expect(found?.held.slice(0, 2)).toEqual([tables, map]);
    expect(found?.held.at(-1)).toEqual(key);
    expect(found?.held.at(-2)).toEqual(pictures.at(-1));
    expect(found?.held.length).toBeLessThanOrEqual(HOLD_MESSAGES);
  });

  it('is not disturbed by damaged tables', () => {
    const broken = pat();
    broken[4] = 250;
    const truncated = pmt();
    truncated[3] = 0x30;
    truncated[4] = 183;
    expect(run([message(broken), message(truncated), message(pat(), pmt()), message(video(1, true))])?.at).toBe(3);
  });
});

describe('a key frame without a random access indicator', () => {
  const H264_UNITS = { delimiter: 9, parameters: 7, message: 6, idr: 0x65, slice: 0x41 };
  const nal = (header: number, ...rest: number[]) => [0, 0, 1, header, ...rest];
  const hevc = (type: number) => nal(type << 1, 1);
  const filler = Array<number>(120).fill(0x55);
  const h264 = message(pat(), pmt());
  const h265 = message(pat(), pmt([[0x24, VIDEO_PID]]));
  const units = (...unit: number[][]) => message(videoBytes(unit.flat()));

  it('is told by the type of its first NAL units: H.264', () => {
    const { delimiter, parameters, message: sei, idr, slice } = H264_UNITS;
    const other = units(nal(delimiter), nal(sei, 1, 2), nal(slice, 3));
    for (const key of [units(nal(delimiter), nal(parameters)), units(nal(sei), nal(idr)), units(nal(idr))])
      expect(run([h264, other, other, key])?.at).toBe(3);
    expect(run([h264, other, other, other])).toBeUndefined();
    // What follows the first slice is of the same picture.
    expect(run([h264, units(nal(slice), nal(idr)), other])).toBeUndefined();
  });

  it('is told by the type of its first NAL units: HEVC', () => {
    const other = units(hevc(35), hevc(1));
    for (const type of [16, 19, 20, 21]) expect(run([h265, other, units(hevc(35), hevc(32), hevc(type))])?.at).toBe(2);
    expect(run([h265, other, units(hevc(32), hevc(39)), units(hevc(9))])).toBeUndefined();
  });

  it('is found where its first slice lies in a later packet, and its start code in two', () => {
    const { delimiter, message: sei, idr } = H264_UNITS;
    const long = videoBytes([...nal(delimiter), ...nal(sei), ...filler]);
    const cut = new Uint8Array(videoBytes(filler, false));
    cut.set([0, 0], 186);
    const rest = videoBytes([1, idr, 0x88], false);
    expect(run([h264, message(long, cut), message(rest)])?.at).toBe(2);
    // A unit that began before the tables does not begin behind them.
    expect(run([message(pat(), pmt()), message(long), message(pat(), pmt()), message(cut, rest)])).toBeUndefined();
  });

  it('is not looked for in other video', () => {
    expect(run([message(pat(), pmt([[0x02, VIDEO_PID]])), units(nal(H264_UNITS.idr))])).toBeUndefined();
  });
});
