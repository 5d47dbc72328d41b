import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OBSWebSocket from 'obs-websocket-js/json';
import { Program, until } from '../support/processes.ts';
import { freePort } from '../system/free-port.ts';

const PASSWORD = 'a-password-of-obs';
const [WIDTH, HEIGHT] = [640, 360];

const sceneOf = (name: string, items: readonly string[]): object => ({
  ...{ id: 'scene', versioned_id: 'scene', name },
  settings: {
    ...{ custom_size: false, id_counter: items.length },
    items: items.map((item, index) => ({
      ...{ name: item, id: index + 1, visible: true, align: 5, pos: { x: 0, y: 0 }, scale: { x: 1, y: 1 } },
      ...{ bounds_type: 2, bounds: { x: WIDTH, y: HEIGHT } },
    })),
  },
});

/**
 * OBS of the distribution under a display of its own, with scenes `Live`, `Low` (both with the media source `Relay`) and `BRB`, and
 * its websocket server.
 */
export class ObsStudio {
  readonly url: string;
  readonly password = PASSWORD;
  readonly socket = new OBSWebSocket();
  readonly #home: string;
  readonly #programs: Program[] = [];

  private constructor(home: string, port: number) {
    this.#home = home;
    this.url = `ws://127.0.0.1:${port}`;
  }

  /** @param input what `Relay` plays, a URL of ffmpeg */
  static async start(input: string): Promise<ObsStudio> {
    const home = mkdtempSync(join(tmpdir(), 'tributary-obs-'));
    const port = await freePort();
    const folder = join(home, '.config/obs-studio');
    mkdirSync(join(folder, 'basic/scenes'), { recursive: true });
    mkdirSync(join(folder, 'basic/profiles/Untitled'), { recursive: true });
    writeFileSync(
      join(folder, 'global.ini'),
      [
        ...[
          '[General]',
          'FirstRun=true',
          'EnableAutoUpdates=false',
          '[Basic]',
          'Profile=Untitled',
          'ProfileDir=Untitled',
        ],
        ...['SceneCollection=Untitled', 'SceneCollectionFile=Untitled', '[OBSWebSocket]', 'FirstLoad=false'],
        ...['ServerEnabled=true', `ServerPort=${port}`, 'AuthRequired=true', `ServerPassword=${PASSWORD}`, ''],
      ].join('\n'),
    );
    writeFileSync(
      join(folder, 'basic/profiles/Untitled/basic.ini'),
      `[General]\nName=Untitled\n[Video]\nBaseCX=${WIDTH}\nBaseCY=${HEIGHT}\nOutputCX=${WIDTH}\nOutputCY=${HEIGHT}\nFPSCommon=30\n`,
    );
    const relay = {
      ...{ id: 'ffmpeg_source', versioned_id: 'ffmpeg_source', name: 'Relay' },
      settings: {
        ...{ is_local_file: false, input, input_format: 'mpegts', reconnect_delay_sec: 1 },
        ...{ restart_on_activate: false, close_when_inactive: false },
      },
    };
    const scenes = { Live: ['Relay'], Low: ['Relay'], BRB: [] };
    writeFileSync(
      join(folder, 'basic/scenes/Untitled.json'),
      JSON.stringify({
        ...{ name: 'Untitled', current_scene: 'BRB', current_program_scene: 'BRB' },
        scene_order: Object.keys(scenes).map((name) => ({ name })),
        sources: [...Object.entries(scenes).map(([name, items]) => sceneOf(name, items)), relay],
      }),
    );
    const obs = new ObsStudio(home, port);
    try {
      await obs.#run();
      return obs;
    } catch (error) {
      await obs.stop();
      throw error;
    }
  }

  async #run(): Promise<void> {
    // It takes the first display that is free and tells its number.
    const screen = new Program('Xvfb', ['-displayfd', '1', '-screen', '0', '1024x768x24', '-nolisten', 'tcp']);
    this.#programs.push(screen);
    const display = await until('a display', () => /^\d+$/m.exec(screen.output)?.[0], 20_000);
    const env = {
      ...{ HOME: this.#home, XDG_RUNTIME_DIR: this.#home, XDG_CONFIG_HOME: join(this.#home, '.config') },
      ...{ DISPLAY: `:${display}`, LIBGL_ALWAYS_SOFTWARE: '1', QT_QPA_PLATFORM: 'xcb' },
    };
    const program = new Program('obs', ['--multi', '--disable-updater', '--collection', 'Untitled'], { env });
    this.#programs.push(program);
    await until(
      'OBS to answer',
      async () => {
        if (program.exitCode !== undefined) throw new Error(`OBS has ended:\n${program.output.slice(-2_000)}`);
        return await this.socket.connect(this.url, PASSWORD).then(
          () => true,
          () => false,
        );
      },
      60_000,
    );
  }

  async scene(): Promise<string> {
    return (await this.socket.call('GetCurrentProgramScene')).currentProgramSceneName;
  }

  /** A PNG, as a data URL. */
  async picture(): Promise<string> {
    const { imageData } = await this.socket.call('GetSourceScreenshot', {
      ...{ sourceName: 'Relay', imageFormat: 'png', imageWidth: WIDTH / 2, imageHeight: HEIGHT / 2 },
    });
    return imageData;
  }

  /** Resolves with the second of two pictures that differ. */
  async moves(withinMs: number): Promise<string> {
    let before: string | undefined;
    return await until(
      'the picture to move',
      async () => {
        const now = await this.picture().catch(() => undefined);
        const hasMoved = before !== undefined && now !== undefined && now !== before;
        before = now ?? before;
        return hasMoved ? now : undefined;
      },
      withinMs,
    );
  }

  async stop(): Promise<void> {
    await this.socket.disconnect().catch(() => {});
    for (const program of this.#programs.splice(0).reverse()) await program.stop();
    rmSync(this.#home, { recursive: true, force: true });
  }
}
