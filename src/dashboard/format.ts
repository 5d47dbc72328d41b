/** `5.83` and `Mbit/s`, `640` and `kbit/s`. */
export const bitrate = (kbps: number): { value: string; unit: string } =>
  kbps < 1_000
    ? { value: String(Math.round(kbps)), unit: 'kbit/s' }
    : { value: (kbps / 1_000).toFixed(kbps < 100_000 ? 2 : 1), unit: 'Mbit/s' };

export const bitrateText = (kbps: number): string => {
  const { value, unit } = bitrate(kbps);
  return `${value} ${unit}`;
};

/** Always in Mbit/s: a column of them keeps its width. */
export const mbps = (kbps: number): string => (kbps / 1_000).toFixed(2);

/** `41 ms`, `2.1 ms`; a dash where it is not known. */
export const ms = (value: number | null): string =>
  value === null ? '–' : value < 10 ? `${value.toFixed(1)} ms` : `${Math.round(value)} ms`;

/** `0.1 s`, `14 s`. */
export const ago = (milliseconds: number): string =>
  milliseconds < 9_950 ? `${(milliseconds / 1_000).toFixed(1)} s` : `${Math.round(milliseconds / 1_000)} s`;

const JUST_NOW_MS = 1_000;

/** `now`, `2.4 s ago`. */
export const since = (milliseconds: number): string =>
  milliseconds < JUST_NOW_MS ? 'now' : `${ago(milliseconds)} ago`;

export const percent = (value: number, decimals = 1): string => `${value.toFixed(decimals)} %`;

const two = (value: number): string => String(value).padStart(2, '0');

/** `4:07`, `1:02:15`, `3 d 04:10`. */
export const uptime = (milliseconds: number): string => {
  const seconds = Math.floor(milliseconds / 1_000);
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3_600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  if (days > 0) return `${days} d ${two(hours)}:${two(minutes)}`;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
};

/** `14:03` in the time zone of the browser. */
export const hourMinute = (unixMs: number): string => clock(unixMs).slice(0, 5);

/** `14:03:27` in the time zone of the browser. */
export const clock = (unixMs: number): string => {
  const date = new Date(unixMs);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
};

export const dateText = (unixMs: number): string =>
  new Date(unixMs).toLocaleDateString(undefined, { day: 'numeric', month: 'short', year: 'numeric' });

/** Texts of the terminal begin small; the name of a library stays as it is. */
export const capital = (text: string): string =>
  text.startsWith('libsrt') ? text : text.charAt(0).toUpperCase() + text.slice(1);

export const count = (number: number, word: string): string => `${number} ${word}${number === 1 ? '' : 's'}`;

const DOTS = '••••••••';

/** A secret as it may be on a screen that others see: of a URL the secret parts are hidden, of anything else the whole. */
export const concealed = (secret: string): string =>
  /^(?:[a-z]+:\/\/|ffplay )/.test(secret)
    ? secret.replace(/((?:streamid|passphrase)=|^moblin:\/\/\?)[^&']*/g, `$1${DOTS}`)
    : DOTS;
