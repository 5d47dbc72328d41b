import type { Settings } from '../config/schema.ts';
import type { DataPlaneSnapshot } from '../data-plane/snapshot.ts';
import type { HookFacts } from '../hooks/web-hooks.ts';
import type { StreamQuality } from '../quality/types.ts';
import type { Millis } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import type { StreamDirectory } from '../sls-bridge/directory.ts';
import type { DirectoryStore } from '../sls-bridge/directory-file.ts';
import type { StreamEvent } from '../sls-bridge/stream-event.ts';
import type { CarrierLookup } from './carrier.ts';
import type { ControlStatus } from './control-status.ts';
import type { HistoryView } from './dashboard-types.ts';
import type { DocsLibrary } from './docs/library.ts';
import type { KeyStore } from './key-store.ts';
import type { LinkNames } from './link-names.ts';
import type { PlainHttpWarning } from './plain-http-warning.ts';

/** What the management API does to running streams. Commands: nothing is answered, and what is not there is no error. */
export interface StreamControl {
  /** Ends the publisher's session. Its id stays: it may come back. */
  kickPublisher(publisherId: string): void;
  /** Ends every player on a player id. */
  kickPlayers(playerId: string): void;
  /** Ends one player. @param key `PlayerSnapshot.key` */
  kickSocket(key: string): void;
  /** On: no new publisher is admitted; players are, and what runs goes on. */
  drain(on: boolean): void;
}

/** One thing that has happened to a stream; the words of its type are further fields. */
export interface StreamEventView {
  /** Unix ms. */
  readonly wallMs: number;
  readonly type: string;
}

/** The last 200 events of each stream. */
export interface StreamEvents {
  of(publisherId: string): readonly StreamEventView[];
  /** Called for each new event of any stream. @returns what ends it */
  onEvent(listener: (event: StreamEvent) => void): () => void;
}

/** How good the stream of a publisher id is; undefined where it is not live or not judged. */
export type QualityLookup = (publisherId: string) => StreamQuality | undefined;

/** What became of the settings that were last read: `refused` ones are wrong, and others are in effect. */
export type SettingsState = 'ok' | 'refused' | 'restart needed';

/** What the HTTP servers of a node need of it. */
export interface StatsDeps {
  /** The latest view of the data plane. Called for every request: it must be at hand. */
  snapshot: () => DataPlaneSnapshot;
  control: StreamControl;
  events: StreamEvents;
  directory: StreamDirectory;
  store: DirectoryStore;
  keys: KeyStore;
  /** Who carries a link. */
  carriers: CarrierLookup;
  quality: QualityLookup;
  /** How webhooks are served; absent, or undefined, where nobody is told anything. */
  hookFacts?: (() => HookFacts | undefined) | undefined;
  /** The last 30 minutes of a stream; absent where nobody keeps them. */
  historyOf?: ((publisherId: string) => HistoryView | undefined) | undefined;
  /** What links are called, wherever they are shown. */
  linkNames: LinkNames;
  /** Read anew for each use: they may change. */
  settings: Pick<Settings, 'http' | 'stats' | 'streams' | 'srtla' | 'srt' | 'latency' | 'metrics'>;
  logger: Logger;
  clock: () => Millis;
  /** Unix ms. */
  unixNow: () => number;
  /** How the node stands with its control plane; undefined where it has none. */
  controlStatus: () => ControlStatus | undefined;
  /** Lets rows of these player ids pass to the control plane; false where none governs the node. Absent: it has none. */
  handOver?: ((players: readonly string[]) => Promise<boolean>) | undefined;
  plainHttp?: PlainHttpWarning | undefined;
  /** Absent: of a node that reads them once. */
  settingsState?: () => SettingsState;
  /** Of Tributary. */
  version: string;
  /** What is served below /docs. */
  docs: DocsLibrary;
  /** The package that libsrt is from, such as `libsrt1.5-openssl 1.5.1-1+deb12u2`; absent where it is from none. */
  srtPackage?: string | undefined;
  /** Opens `/v1/doctor` to programs of this machine's user; new at every start. */
  runtimeToken: string;
}
