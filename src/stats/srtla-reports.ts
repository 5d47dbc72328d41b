import { addressView } from '../shared/redact.ts';
import { type SrtlaDocument, srtlaDocument } from './compat-vvlive.ts';
import type { StatsDeps } from './deps.ts';
import { qualityView } from './quality-view.ts';
import { SrtlaFile } from './srtla-file.ts';
import { SrtlaWindows } from './srtla-windows.ts';

const LOOK_EVERY_MS = 1_000;

type ReportDeps = Pick<StatsDeps, 'snapshot' | 'settings' | 'quality' | 'clock' | 'unixNow' | 'logger'>;

/** The documents of streams for VVLIVE's adapter: on request, and each second as files where the settings name a folder. */
export class SrtlaReports {
  readonly #deps: ReportDeps;
  readonly #windows = new SrtlaWindows();
  #timer: NodeJS.Timeout | undefined;
  #folder: string | undefined;
  #files: { port: number; file: SrtlaFile }[] = [];

  constructor(deps: ReportDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#timer = setInterval(() => this.look(), LOOK_EVERY_MS).unref();
  }

  /** The last document of each file has no links; then it is gone. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#end(this.#files.splice(0));
  }

  look(): void {
    this.#windows.look(this.#deps.snapshot());
    this.#changeFolder(this.#deps.settings.stats.srtlaFolder);
    for (const { port, file } of this.#files) void file.write(this.#of(this.#latest(), port));
  }

  /** @param publisherId undefined for the stream that has come last */
  document(publisherId: string | undefined): { document: SrtlaDocument; isBonded: boolean } {
    const stream =
      publisherId === undefined ? this.#latest() : this.#stream(publisherId, this.#windows.of(publisherId));
    const [port = 0] = this.#deps.snapshot().ports.srtla;
    return { document: this.#of(stream, port), isBonded: stream?.window.publisher.source !== 'srt' };
  }

  #latest() {
    const latest = this.#windows.latest();
    return latest && this.#stream(latest.publisherId, latest.window);
  }

  #stream(publisherId: string, window: ReturnType<SrtlaWindows['of']>) {
    if (!window) return undefined;
    const { quality, clock } = this.#deps;
    return { publisherId, window, quality: qualityView(quality(publisherId), clock()) };
  }

  #of(stream: Parameters<typeof srtlaDocument>[0], port: number): SrtlaDocument {
    return srtlaDocument(stream, { port, unixMs: this.#deps.unixNow(), addresses: addressView() });
  }

  #changeFolder(folder: string | undefined): void {
    if (folder === this.#folder) return;
    this.#folder = folder;
    void this.#end(this.#files);
    const ports = folder === undefined ? [] : this.#deps.snapshot().ports.srtla;
    this.#files = ports.map((port) => ({ port, file: new SrtlaFile(folder!, port, this.#deps.logger) }));
  }

  async #end(files: readonly { port: number; file: SrtlaFile }[]): Promise<void> {
    await Promise.all(files.map(({ port, file }) => file.remove(this.#of(undefined, port))));
  }
}
