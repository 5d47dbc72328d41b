import { openControl } from '../sender/control.ts';
import { askSender } from '../sender/control-client.ts';
import { resolveDestination } from '../sender/destination.ts';
import { defaultLinkSource } from '../sender/link-list.ts';
import type { SenderEvent } from '../sender/sender-types.ts';
import { callerEngine, SrtCaller } from '../sender/srt-caller.ts';
import { SrtInput } from '../sender/srt-input.ts';
import { openTsSource } from '../sender/ts-source.ts';
import { Sender } from '../sender/udp-shell.ts';
import { loadAddon } from '../shared/addon.ts';
import type { Millis } from '../shared/clock.ts';
import { TributaryError } from '../shared/errors.ts';
import {
  type ControlArguments,
  parseSendArguments,
  SEND_HELP,
  type SendArguments,
  type SendInput,
} from './send-arguments.ts';
import { jsonReport, quietReport, type SendReport, textReport } from './send-report.ts';
import { onStopSignals } from './stop-signals.ts';

const STATUS_MS: Millis = 1_000;
const FIRST_LINK_MS: Millis = 10_000;
/** For the SHUTDOWN to come out of libsrt, and then for the links to carry it away. */
const SHUTDOWN_MS: Millis = 500;
const LINGER_MS: Millis = 200;

/** Resolves true when `happen` is called, false when the time is over first. */
const latch = (): { happen(): void; within(ms: Millis): Promise<boolean> } => {
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    happen: resolve,
    within: (ms) =>
      new Promise((done) => {
        const timer = setTimeout(() => done(false), ms);
        void promise.then(() => {
          clearTimeout(timer);
          done(true);
        });
      }),
  };
};

class SendSession {
  readonly #args: SendArguments;
  readonly #report: SendReport;
  readonly #firstLink = latch();
  readonly #encoderShutdown = latch();
  readonly #stopped = Promise.withResolvers<void>();
  #input: SrtInput | undefined;
  #stopping = false;

  constructor(args: SendArguments, report: SendReport) {
    this.#args = args;
    this.#report = report;
  }

  async run(): Promise<void> {
    const { to, listen, via, profile, impairments, seed, control } = this.#args;
    // Loaded first: a missing addon must not show after the links have been set up.
    const engine = this.#args.input === undefined ? undefined : callerEngine(loadAddon());
    const destination = await resolveDestination(to.host, to.port);
    const source = this.#args.links ?? defaultLinkSource(destination);
    const sender = await Sender.start({
      listen,
      to: destination,
      links: source.read(),
      targets: via,
      profile,
      impairments,
      seed,
      onEvent: (event, address) => this.#onEvent(event, address),
    });
    const reload = (): void => this.#reload(sender, () => source.read());
    const status = setInterval(() => this.#report.status(sender.status()), STATUS_MS);
    let door: { close(): void } | undefined;
    process.on('SIGHUP', reload);
    try {
      if (control !== undefined) door = await openControl(control, sender);
      this.#report.listening(listen.host, sender.port);
      if (this.#args.input === undefined || engine === undefined) await this.#stopped.promise;
      else await this.#feed(sender, this.#args.input, new SrtCaller(engine));
    } finally {
      process.off('SIGHUP', reload);
      clearInterval(status);
      door?.close();
      this.#report.status(sender.status());
      if (impairments.length > 0) this.#report.impairment(sender.impairment());
      sender.close();
      this.#report.end();
    }
  }

  stop(): void {
    this.#stopping = true;
    this.#input?.stop();
    this.#firstLink.happen();
    this.#stopped.resolve();
  }

  async #feed(sender: Sender, options: SendInput, caller: SrtCaller): Promise<void> {
    try {
      if (!(await this.#firstLink.within(FIRST_LINK_MS)) && !options.reconnect) {
        throw new TributaryError(
          'TRIBUTARY_SRTLA_NO_LINK',
          `no link reached ${this.#args.to.host}:${this.#args.to.port} within ${FIRST_LINK_MS / 1000} s`,
          'check --to, the firewall (UDP) and the route of each link',
        );
      }
      if (this.#stopping) return;
      const { host } = this.#args.listen;
      const at = { host: host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host, port: sender.port };
      const { streamId, latencyMs, passphrase, reconnect } = options;
      this.#input = new SrtInput(caller, {
        at,
        streamId,
        latencyMs,
        reconnect,
        ...(passphrase === undefined ? {} : { passphrase }),
        onNotice: (text) => this.#report.notice(text),
      });
      await this.#input.run(() => openTsSource(options.from));
      await this.#encoderShutdown.within(SHUTDOWN_MS);
      await new Promise((resolve) => setTimeout(resolve, LINGER_MS));
    } finally {
      caller.dispose();
    }
  }

  #onEvent(event: SenderEvent, address: string | undefined): void {
    if (event.type === 'link-up') this.#firstLink.happen();
    if (event.type === 'encoder-shutdown') this.#encoderShutdown.happen();
    this.#report.event(event, address);
  }

  #reload(sender: Sender, read: () => string[]): void {
    try {
      const { added, removed } = sender.setLinks(read());
      this.#report.notice(`links read again: ${added.length} added, ${removed.length} removed`);
    } catch (error) {
      if (!(error instanceof TributaryError)) throw error;
      this.#report.notice(error.line);
    }
  }
}

const control = async (args: ControlArguments): Promise<number> => {
  const { line, answer } = await askSender(args.control, args.command);
  process.stdout.write(`${line}\n`);
  return answer.ok ? 0 : 1;
};

const reportOf = (output: SendArguments['output']): SendReport => {
  if (output === 'quiet') return quietReport;
  return output === 'json' ? jsonReport(process.stdout) : textReport(process.stdout);
};

/**
 * `./tributary send`: runs until its input ends or it is told to stop: by `stop`, or without it by SIGINT or SIGTERM (one more than a
 * second later ends at once).
 * @returns the exit code: 0 done, 1 failed, 2 wrong arguments
 */
export const runSend = async (argv: readonly string[], stop?: AbortSignal): Promise<number> => {
  let session: SendSession | undefined;
  const onAbort = (): void => session?.stop();
  const giveBack = stop === undefined ? onStopSignals(['SIGINT', 'SIGTERM'], onAbort) : undefined;
  stop?.addEventListener('abort', onAbort);
  try {
    const args = parseSendArguments(argv);
    if (args === undefined) {
      process.stdout.write(SEND_HELP);
      return 0;
    }
    if ('command' in args) return await control(args);
    session = new SendSession(args, reportOf(args.output));
    if (stop?.aborted) session.stop();
    await session.run();
    return 0;
  } catch (error) {
    if (!(error instanceof TributaryError)) throw error;
    process.stderr.write(`tributary send: ${error.line}\n`);
    return error.code === 'TRIBUTARY_BAD_ARGUMENT' ? 2 : 1;
  } finally {
    giveBack?.();
    stop?.removeEventListener('abort', onAbort);
  }
};
