import type { LiveSettings } from './config/live-settings.ts';
import { testHopLoss } from './config/load.ts';
import { planReload, type SettingChange } from './config/reload.ts';
import type { LoadedSettings, SettingProblems } from './config/resolve.ts';
import type { SettingPath, Settings } from './config/schema.ts';
import type { DataPlaneHost } from './data-plane/host.ts';
import type { DataPlaneSettings } from './data-plane/settings.ts';
import type { AccessHook } from './hooks/access-hook.ts';
import type { WebHooks } from './hooks/web-hooks.ts';
import type { NodeControl } from './node-control.ts';
import type { QualityBook } from './quality/quality-book.ts';
import { qualityRulesOf } from './quality/settings.ts';
import { messageOf } from './shared/errors.ts';
import { sharedSources } from './shared/latency-budget.ts';
import type { Logger } from './shared/logger.ts';
import { type Redaction, setRedaction } from './shared/redact.ts';
import type { NodeCarriers } from './stats/asn-node.ts';
import type { SettingsState } from './stats/deps.ts';
import type { KeyStore } from './stats/key-store.ts';

/** What has to be told that settings have changed; everything else reads them when it needs them. */
export interface SettingUsers {
  readonly plane: DataPlaneHost;
  /** Of the node, for `Redaction`. */
  readonly salt: string;
  readonly hooks: WebHooks;
  readonly access: AccessHook;
  readonly quality: QualityBook;
  readonly carriers: NodeCarriers;
  readonly keys: KeyStore;
  readonly control: () => NodeControl | undefined;
  readonly onGeneratedKey: (key: string) => void;
  readonly logger: Logger;
}

export const redactionOf = ({ privacy }: Settings, salt: string): Redaction => ({ salt, addresses: privacy.addresses });

/** @param salt of the node */
export const dataPlaneSettings = (settings: Settings, salt: string): DataPlaneSettings => {
  const cap = settings.udp.bufferMaxBytes || Number.POSITIVE_INFINITY;
  const udpBufferBytes = Math.min(settings.srt.udpBufferBytes, cap);
  return {
    bind: settings.bind,
    srtla: settings.srtla,
    udpBufferBytes,
    latencyMode: settings.latency.mode,
    redaction: redactionOf(settings, salt),
    debugLog: settings.log.level === 'debug' || settings.log.level === 'trace',
    hopLoss: testHopLoss(),
    bridge: {
      ...settings.srt,
      sharesLatency: sharedSources(settings.latency.mode, settings.srt.engine),
      udpBufferBytes,
      asksAccess: settings.hooks.authUrl !== undefined,
      playerWaitMs: settings.player.waitSeconds * 1_000,
      playersPerId: settings.player.maxPerId,
      playerSlow: settings.player.slow,
      playerJoin: settings.player.join,
      gopMaxBytes: settings.player.gopMaxBytes,
      gopMaxMs: settings.player.gopMaxMs,
    },
  };
};

/** What the control plane is told of the node. */
const TOLD_TO_PLANE: readonly string[] = ['publicHost', 'publicIp', 'publicIp6', 'control.', 'traffic.'];

/** What the thread of the packets is told. */
const TOLD_TO_DATA_PLANE: readonly string[] = ['srtla.', 'srt.', 'player.', 'privacy.', 'log.', 'hooks.authUrl'];

const tellUsers = (users: SettingUsers, settings: Settings, changed: ReadonlySet<SettingPath>): void => {
  const has = (...starts: readonly string[]): boolean =>
    [...changed].some((path) => starts.some((start) => path.startsWith(start)));
  if (has('privacy.')) setRedaction(redactionOf(settings, users.salt));
  if (has(...TOLD_TO_DATA_PLANE)) users.plane.configure(dataPlaneSettings(settings, users.salt));
  if (has('hooks.')) users.hooks.configure(settings.hooks);
  if (has('hooks.auth', 'hooks.secret')) users.access.settingsChanged();
  if (has('quality.')) users.quality.configure(settings.quality.mode, qualityRulesOf(settings.quality));
  if (has('asn.')) users.carriers.configure(settings.asn);
  if (changed.has('api.key'))
    users.keys.setPreset(settings.api.key).then(
      (generated) => {
        if (generated !== undefined) users.onGeneratedKey(generated);
      },
      (error: unknown) => users.logger.error('no API key is left, and none could be made', { error: messageOf(error) }),
    );
  if (has(...TOLD_TO_PLANE)) users.control()?.settingsChanged();
};

const listed = (changes: readonly SettingChange[]): string | undefined =>
  changes.length === 0 ? undefined : changes.map(({ path, from, to }) => `${path}: ${from} -> ${to}`).join('; ');

/** Takes new settings while the node runs. */
export class NodeSettings {
  readonly #live: LiveSettings;
  readonly #logger: Logger;
  #state: SettingsState = 'ok';
  /** What was last said of changes that wait. */
  #waiting: string | undefined;

  constructor(live: LiveSettings, logger: Logger) {
    this.#live = live;
    this.#logger = logger;
  }

  get state(): SettingsState {
    return this.#state;
  }

  tell(users: SettingUsers): void {
    this.#live.onChange((settings, changed) => tellUsers(users, settings, changed));
  }

  /** Takes what can be taken, and says the rest in the log. Settings that are wrong change nothing. */
  take(loaded: LoadedSettings | SettingProblems): void {
    const plan = 'problems' in loaded ? loaded : planReload(this.#live.now, loaded);
    if ('problems' in plan) {
      this.#state = 'refused';
      this.#logger.error('the new settings are not right: the node goes on with those that it has', {
        problems: plan.problems.join('; '),
      });
      return;
    }
    const { settings, applied } = plan;
    const waiting = listed(plan.waiting);
    const isNews = applied.length > 0 || waiting !== this.#waiting || this.#state === 'refused';
    this.#state = waiting === undefined ? 'ok' : 'restart needed';
    this.#waiting = waiting;
    const paths = applied.map(({ path }) => path);
    if (paths.length > 0) this.#live.replace(settings, paths);
    if (!isNews) {
      this.#logger.info('the settings are as they were');
      return;
    }
    const fields = { changed: listed(applied), needsRestart: waiting };
    if (waiting === undefined) this.#logger.info('new settings are in effect', fields);
    else this.#logger.warn('settings have changed, and some of them need a restart', fields);
  }
}
