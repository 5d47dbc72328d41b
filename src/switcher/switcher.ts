import { type Millis, monotonicNow } from '../shared/clock.ts';
import { messageOf } from '../shared/errors.ts';
import { MediaWatch } from './media-watch.ts';
import { askStats } from './node-stats.ts';
import { connectObs, type Obs } from './obs.ts';
import { type Answer, Readings } from './reading.ts';
import { SceneDecider } from './scene-decider.ts';
import type { SwitcherSettings } from './settings.ts';
import type { Reading } from './types.ts';

const LOOK_EVERY_MS: Millis = 1_000;
const RECONNECT_FIRST_MS: Millis = 1_000;
const RECONNECT_MOST_MS: Millis = 10_000;

/** Says each thing once, until there is another one to say about the same. */
class Told {
  readonly #say: (line: string) => void;
  readonly #last = new Map<string, string>();

  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  /** @param line undefined where there is nothing to say any more */
  about(what: string, line: string | undefined): void {
    if (this.#last.get(what) === line) return;
    if (line === undefined) this.#last.delete(what);
    else {
      this.#last.set(what, line);
      this.#say(line);
    }
  }
}

const words = (reading: Reading): string =>
  reading.kind === 'live' ? `the stream is ${reading.level}` : reading.kind === 'gone' ? 'the stream is gone' : '';

/** Looks at the node and at OBS once a second and shows the scene that fits. Ends with `stop`. */
export class Switcher {
  readonly #settings: SwitcherSettings;
  readonly #say: (line: string) => void;
  readonly #told: Told;
  readonly #decider: SceneDecider;
  readonly #media = new MediaWatch();
  readonly #readings: Readings;
  #obs: Obs | undefined;
  #connectAtMs: Millis = 0;
  #pauseMs = RECONNECT_FIRST_MS;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  /** @param say one line for people */
  constructor(settings: SwitcherSettings, say: (line: string) => void) {
    this.#settings = settings;
    this.#say = say;
    this.#told = new Told(say);
    this.#decider = new SceneDecider(settings);
    this.#readings = new Readings(settings.unknownAfterSeconds * 1_000);
  }

  start(): void {
    void this.#turn();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#obs?.close().catch(() => {});
  }

  /** One look; the next one comes a second after it has begun. */
  async #turn(): Promise<void> {
    const startMs = monotonicNow();
    const { node, stream } = this.#settings;
    const [answer] = await Promise.all([askStats(node, stream), this.#connect()]);
    try {
      await this.#act(answer);
    } catch (error) {
      this.#told.about('call', `OBS: ${messageOf(error)}`);
    }
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => void this.#turn(), Math.max(0, startMs + LOOK_EVERY_MS - monotonicNow()));
  }

  async #connect(): Promise<void> {
    if (this.#obs || this.#isStopped || monotonicNow() < this.#connectAtMs) return;
    const { url, password } = this.#settings.obs;
    try {
      const obs = await connectObs(url, password, () => {
        if (this.#obs !== obs) return;
        this.#obs = undefined;
        if (!this.#isStopped) this.#told.about('obs', 'OBS has ended the connection; trying again');
      });
      if (this.#isStopped) return await obs.close();
      this.#obs = obs;
      this.#pauseMs = RECONNECT_FIRST_MS;
      this.#told.about('obs', `connected to OBS at ${url}`);
      const scenes = await obs.scenes();
      const missing = [...new Set(Object.values(this.#settings.scenes))].filter((scene) => !scenes.includes(scene));
      this.#told.about(
        'scenes',
        missing.length === 0
          ? undefined
          : `OBS has no scene named ${missing.map((scene) => JSON.stringify(scene)).join(', ')}; it has ${scenes.map((scene) => JSON.stringify(scene)).join(', ')}`,
      );
    } catch (error) {
      this.#told.about('obs', `OBS cannot be reached at ${url} (${messageOf(error)}); trying again`);
      this.#connectAtMs = monotonicNow() + this.#pauseMs;
      this.#pauseMs = Math.min(this.#pauseMs * 2, RECONNECT_MOST_MS);
    }
  }

  async #act(answer: Answer): Promise<void> {
    const now = monotonicNow();
    const reading = this.#readings.take(answer, now);
    this.#told.about('node', answer.ok ? undefined : answer.why);
    const obs = this.#obs;
    if (!obs) return;
    const { onlyWhileStreaming } = this.#settings.obs;
    await this.#watchMedia(obs, reading, now);
    if (onlyWhileStreaming && !(await obs.isStreaming())) {
      this.#told.about('streaming', 'OBS does not stream: scenes are left as they are');
      return;
    }
    this.#told.about('streaming', undefined);
    const current = await obs.currentScene();
    const scene = this.#decider.take(reading, current);
    if (scene !== undefined) {
      await obs.show(scene);
      this.#say(`${current} → ${scene}: ${words(reading)}`);
    }
    this.#told.about('call', undefined);
  }

  async #watchMedia(obs: Obs, reading: Reading, now: Millis): Promise<void> {
    const { mediaSource } = this.#settings;
    if (mediaSource === undefined) return;
    try {
      const status = await obs.mediaStatus(mediaSource);
      this.#told.about('media', undefined);
      if (!this.#media.take(status, reading.kind === 'live', now)) return;
      await obs.restartMedia(mediaSource);
      this.#say(`started ${JSON.stringify(mediaSource)} anew: the stream is there, and it did not play it`);
    } catch (error) {
      this.#told.about('media', `OBS: the media source ${JSON.stringify(mediaSource)}: ${messageOf(error)}`);
    }
  }
}
