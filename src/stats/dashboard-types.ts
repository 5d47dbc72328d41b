/*
 * What the server of the dashboard tells its pages; the pages import these types and nothing else of the node.
 */

/** A link of a bonded stream at one moment. */
export interface LinkView {
  /** 0 … : names the link's colour and its line in charts; a link that comes back from the same address has the same one. */
  slot: number;
  /** For people: the carrier where it is known, else `Link 1`. */
  label: string;
  kind: 'cellular' | 'fixed' | 'satellite' | 'hosting' | 'private' | 'unknown';
  /** Country of the carrier, two letters. */
  country?: string;
  /** `198.51.100.7:40000`; absent on shared pages. */
  address?: string;
  /** `quiet`: registered, and nothing has come for a while. `gone`: it has left, at most a minute ago. */
  state: 'active' | 'quiet' | 'gone';
  /** Percent of what all links brought in the last second, one decimal; they total 100 or 0. */
  share: number;
  /** Over the last second. */
  kbps: number;
  rttMs: number | null;
  jitterMs: number | null;
  /** Percent of its packets over the last 10 s. */
  lossPct: number;
  lastHeardMs: number;
  uptimeMs: number;
}

export type StreamState = 'live' | 'stalled' | 'waiting';

/** A stream with somebody on it. */
export interface StreamView {
  /** `stream-1a2b3c`: names it in URLs. Never its publisher id. */
  name: string;
  label?: string;
  /** `stalled`: nothing for two seconds. `waiting`: players, and no publisher. */
  state: StreamState;
  /** `srtla`: bonded. */
  source?: 'srtla' | 'srt' | 'pull';
  encrypted: boolean;
  kbps: number;
  rttMs: number;
  /** Percent of the packets that were lost on the way, whether repaired or not, over the last 10 s. */
  lossPct: number;
  /** Packets lost for good, over the last 10 s. */
  dropped: number;
  /** Percent of the packets that came were retransmissions, over the last 10 s. */
  resentPct: number;
  bufferMs: number;
  latencyMs: number;
  uptimeMs: number;
  /** Those that are being served, and those that wait for the publisher. */
  players: number;
  waiting: number;
  /** `latency-short`, `bitrate-exceeded`. */
  warnings: readonly string[];
  /** Absent while nothing can be said. Levels: HIGH, MEDIUM, LOW, VERY_LOW; states: those, RECOVERY, ERROR. */
  quality?: { level: string; advice: string | null; state: string; reason: string };
  links: readonly LinkView[];
}

export type Tone = 'good' | 'neutral' | 'warn' | 'bad';

/** Something that has happened to a stream, in words. */
export interface EventView {
  /** Counts up. */
  id: number;
  /** Unix ms. */
  atMs: number;
  stream: string;
  /** `link-joined`, … : docs/events.md. */
  type: string;
  tone: Tone;
  text: string;
}

export interface ChecklistView {
  step: 'waiting' | 'packets' | 'registered' | 'refused' | 'live' | 'playing';
  text: string;
  causes: readonly string[];
  forMs: number;
}

/** One message of the feed, twice a second. */
export interface LiveView {
  /** Unix ms. */
  atMs: number;
  uptimeMs: number;
  /** The data plane runs. */
  up: boolean;
  draining: boolean;
  streams: readonly StreamView[];
  checklist: ChecklistView;
  /** The latest, newest first. */
  events: readonly EventView[];
}

/** The last minute of a stream and its links before a page was opened: kbit/s, a value for every two seconds, oldest first. */
export type TrailsView = readonly {
  name: string;
  total: readonly number[];
  links: readonly { slot: number; kbps: readonly number[] }[];
}[];

/** The feed of a page that was shared: one stream, undefined while nobody is on it. */
export interface SharedView {
  atMs: number;
  title: string;
  stream?: StreamView;
  events: readonly EventView[];
}

/** One line in a chart: a value for each step, `null` where there is none. */
export type Series = readonly (number | null)[];

/** The last 30 minutes of a stream. */
export interface HistoryView {
  stepMs: number;
  /** Unix ms of the last step. */
  endMs: number;
  kbps: Series;
  rttMs: Series;
  bufferMs: Series;
  lossPct: Series;
  resentPct: Series;
  /** Packets lost for good in each step. */
  dropped: Series;
  links: readonly { slot: number; label: string; kbps: Series; rttMs: Series; jitterMs: Series; lossPct: Series }[];
}

export interface PlayerView {
  /** Names the connection, to end it. */
  key: string;
  /** The player id, shortened. */
  player: string;
  address: string;
  state: 'waiting' | 'joining' | 'playing';
  uptimeMs: number;
  latencyMs: number;
  rttMs: number;
  bufferMs: number;
  sentMessages: number;
  droppedMessages: number;
  resentPackets: number;
  mbps: number;
}

/** What to paste into one program: the fields as it names them. */
export interface PasteCard {
  program: string;
  /** What it is for. */
  note: string;
  fields: readonly {
    name: string;
    value: string;
    /** It is useful as a QR code. */
    scan?: boolean;
    /** Hidden until it is asked for. */
    secret?: boolean;
    /** A switch or a number to set by hand: nothing to copy. */
    plain?: boolean;
  }[];
}

export interface StreamDetails {
  name: string;
  label?: string;
  /** It is in the directory; else its id was deleted and the stream plays out. */
  listed: boolean;
  /** A secret: the right to go live. */
  publisher: string;
  senders: readonly PasteCard[];
  players: readonly PasteCard[];
  connected: readonly PlayerView[];
  events: readonly EventView[];
  shares: readonly ShareView[];
  /** A viewer may be opened on it. */
  preview: boolean;
}

/** A link that shows one stream to whoever has it. */
export interface ShareView {
  id: string;
  /** Unix ms. */
  createdMs: number;
  /** Unix ms. */
  expiresMs: number;
}

/** A row of the stream directory. */
export interface IdView {
  /** Of the stream: its address in the dashboard. */
  name: string;
  /** A secret. */
  publisher: string;
  player: string;
  label?: string;
  description?: string;
  passphrase: boolean;
  maxPlayers?: number;
  maxBitrateKbps?: number;
  latencyMs?: number;
  playerLatencyMs?: number;
  expiresAt?: number;
  owner?: string;
  /** Somebody sends on it. */
  live: boolean;
  /** The player id gives the publisher id away: for the OBS plugin only. */
  forPlugin: boolean;
}

export interface SettingView {
  path: string;
  value: string;
  /** Empty where there is none. */
  byDefault: string;
  changed: boolean;
  doc: string;
  env: string;
  /** When a new value counts. */
  reload: 'live' | 'next-session' | 'restart';
}

export interface CheckView {
  fine: boolean;
  text: string;
}

export interface DoctorView {
  checks: readonly CheckView[];
  /** What a firewall must let in: `5000/udp`, and what for. */
  firewall: readonly { port: string; what: string }[];
}

export interface SessionView {
  signedIn: boolean;
  /** Of the key. */
  permissions?: 'admin' | 'write' | 'read';
  /** Of Tributary. */
  version?: string;
  /** The host in the URLs to paste. */
  node?: string;
  /** Lines that the databases of carriers want to be shown with their data. */
  attributions?: readonly string[];
}
