export interface TestPictureOptions {
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number;
  readonly totalKbps: number;
  /** The stream ends by itself after this long; undefined = never. */
  readonly seconds?: number;
}

export const DEFAULT_TEST_PICTURE: TestPictureOptions = {
  width: 1280,
  height: 720,
  framesPerSecond: 30,
  totalKbps: 4_000,
};

const AUDIO_KBPS = 128;
/** What MPEG-TS adds to audio and video. */
const CONTAINER_SHARE = 0.04;
const KEYFRAME_SECONDS = 2;

/**
 * Arguments for ffmpeg: a moving picture with a running clock and a tone, H.264 + AAC in MPEG-TS on standard output, in real time,
 * at a constant rate and with a keyframe each 2 s.
 */
export const testPictureArguments = (options: TestPictureOptions = DEFAULT_TEST_PICTURE): string[] => {
  const { width, height, framesPerSecond, totalKbps, seconds } = options;
  const videoKbps = Math.round(totalKbps * (1 - CONTAINER_SHARE) - AUDIO_KBPS);
  const frames = framesPerSecond * KEYFRAME_SECONDS;
  return [
    ['-hide_banner', '-nostdin', '-loglevel', 'error'],
    ['-re', '-f', 'lavfi', '-i', `testsrc2=size=${width}x${height}:rate=${framesPerSecond}`],
    ['-re', '-f', 'lavfi', '-i', 'sine=frequency=440:beep_factor=2:sample_rate=48000'],
    seconds === undefined ? [] : ['-t', String(seconds)],
    ['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p'],
    ['-g', String(frames), '-keyint_min', String(frames), '-x264-params', 'nal-hrd=cbr:force-cfr=1:scenecut=0'],
    ['-b:v', `${videoKbps}k`, '-minrate', `${videoKbps}k`, '-maxrate', `${videoKbps}k`, '-bufsize', `${videoKbps}k`],
    ['-c:a', 'aac', '-b:a', `${AUDIO_KBPS}k`, '-ac', '2'],
    ['-f', 'mpegts', '-flush_packets', '1', 'pipe:1'],
  ].flat();
};
