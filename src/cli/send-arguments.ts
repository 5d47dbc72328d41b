import { isIP } from 'node:net';
import { parseArgs } from 'node:util';
import { type DestinationText, parseDestination } from '../sender/destination.ts';
import { IMPAIR_HELP, type LinkImpairment, parseImpairments } from '../sender/impair/impairment-spec.ts';
import { type LinkSource, linkSourceOf } from '../sender/link-list.ts';
import { type KeepaliveRules, PROFILES, type Profile, withKeepalive } from '../sender/profile.ts';
import type { Endpoint } from '../sender/uplink-socket.ts';
import { parseEndpoint } from '../shared/address.ts';
import { messageOf, TributaryError } from '../shared/errors.ts';

export const SEND_HELP = `Usage: ./tributary send --to HOST:PORT [--listen PORT] [--input FILE|-|test] [options]

Sends one SRT stream over several links (SRTLA). The stream comes from any SRT encoder that calls
the local UDP port (--listen), or from this program itself (--input).

  --to HOST:PORT        the receiver; also srtla://HOST:PORT?streamid=ID, as a node prints it
  --listen [HOST:]PORT  local UDP port for the encoder (HOST: 127.0.0.1; PORT 0: a free one, printed)
  --links A,B,C | FILE  source addresses of this machine, one link each, or a file with one a line
                        (read again at SIGHUP). Default: every address of an interface. Each address
                        needs a route of its own to the receiver
  --profile NAME        how the sender behaves on the wire: bel (BELABOX and what is built on it; default),
                        moblin (Moblin on iOS), snd (the Rust srtla_send in its enhanced mode)
  --keepalive BYTES     other keepalives than the profile's: 2, 10, 38 or 42
  --via H:P,H:P         sends link 1, 2, … to these places instead of --to (through link emulators)
  --control unix:PATH   line protocol: add ADDR, remove ADDR, block ADDR, unblock ADDR, rebind ADDR,
                        impair ADDR SPEC, priority ADDR N (1 is usual; a larger share for 2 and above),
                        list, status, impairment
  --command TEXT        gives one such command to the sender that runs with this --control, and ends
  --json                one JSON object a line on standard output: events, and the status each second
  --quiet               nothing but errors

Sending by itself:
  --input FILE|-|test   MPEG-TS from a file (paced by its clock), from standard input, or a test picture
  --streamid ID         the publisher id (live_…)
  --latency MS          SRT latency, 20 to 30000 (default 2000)
  --passphrase TEXT     encrypts; 10 to 79 characters
  --reconnect           connect again when the connection fails or breaks

Impairing the links (for tests; both directions of each, in real time):
  --impair SPEC         for every link, or 'SPEC;SPEC;…' for link 1, 2, … (the last one also for those beyond).
                        A SPEC is a list with commas of (more in docs/impairments.md):
${IMPAIR_HELP.map(([word, meaning]) => `      ${word.padEnd(22)}${meaning}`).join('\n')}
  --seed N              of its randomness (default 1)

  --help                this text
`;

export interface SendArguments {
  readonly to: DestinationText;
  readonly listen: Endpoint;
  /** In place of `to` for the first links. */
  readonly via: readonly Endpoint[];
  /** Undefined: the addresses of the interfaces. */
  readonly links: LinkSource | undefined;
  readonly profile: Profile;
  /** For link 1, 2, …; empty = none. */
  readonly impairments: readonly LinkImpairment[];
  readonly seed: number;
  readonly control: string | undefined;
  readonly output: 'text' | 'json' | 'quiet';
  readonly input: SendInput | undefined;
}

export interface SendInput {
  readonly from: string;
  readonly streamId: string;
  readonly latencyMs: number;
  readonly passphrase: string | undefined;
  readonly reconnect: boolean;
}

const bad = (message: string, mend?: string): TributaryError =>
  new TributaryError('TRIBUTARY_BAD_ARGUMENT', message, mend ?? 'see ./tributary send --help');

const parseListen = (text: string): Endpoint => {
  const host = '127.0.0.1';
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return { host, port: Number(text) };
  // parseEndpoint knows no port 0, which here means a free one.
  const anyPort = /^(.+):0$/.exec(text);
  const endpoint = anyPort ? parseEndpoint(`${anyPort[1]}:1`) : parseEndpoint(text);
  if (endpoint === undefined || isIP(endpoint.host) === 0) {
    throw bad(`--listen "${text}" is no UDP port`, 'write PORT or ADDRESS:PORT');
  }
  return anyPort ? { host: endpoint.host, port: 0 } : endpoint;
};

const parseLatency = (text: string): number => {
  const latencyMs = Number(text);
  if (/^\d+$/.test(text) && latencyMs >= 20 && latencyMs <= 30_000) return latencyMs;
  throw bad(`--latency "${text}" is out of range`, 'give milliseconds from 20 to 30000');
};

const parseSeed = (text: string): number => {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw bad(`--seed "${text}" is no number`, 'give a whole number below a thousand million');
};

const checkPassphrase = (text: string | undefined): string | undefined => {
  const bytes = text === undefined ? 10 : Buffer.byteLength(text);
  if (bytes < 10 || bytes > 79) throw bad('--passphrase has the wrong length', 'SRT wants 10 to 79 bytes');
  return text;
};

const read = (argv: readonly string[]) => {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        to: { type: 'string' },
        listen: { type: 'string' },
        links: { type: 'string' },
        profile: { type: 'string', default: 'bel' },
        keepalive: { type: 'string' },
        via: { type: 'string' },
        command: { type: 'string' },
        control: { type: 'string' },
        impair: { type: 'string' },
        seed: { type: 'string', default: '1' },
        json: { type: 'boolean', default: false },
        quiet: { type: 'boolean', default: false },
        input: { type: 'string' },
        streamid: { type: 'string' },
        latency: { type: 'string', default: '2000' },
        passphrase: { type: 'string' },
        reconnect: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    // Only the first sentence: the rest explains Node's own rules.
    throw bad(messageOf(error).split('. ')[0]!);
  }
};

const KEEPALIVES: ReadonlyMap<string, KeepaliveRules['bytes']> = new Map([
  ['2', 2],
  ['10', 10],
  ['38', 38],
  ['42', 42],
]);

const parseProfile = (name: string, keepalive: string | undefined): Profile => {
  const profile = PROFILES.get(name);
  if (profile === undefined) throw bad(`there is no profile "${name}"`, `known: ${[...PROFILES.keys()].join(', ')}`);
  if (keepalive === undefined) return profile;
  const bytes = KEEPALIVES.get(keepalive);
  if (bytes === undefined) {
    throw bad(`there is no keepalive of "${keepalive}" bytes`, `known: ${[...KEEPALIVES.keys()].join(', ')}`);
  }
  return withKeepalive(profile, bytes);
};

const parseVia = (text: string): Endpoint[] =>
  text.split(',').map((part) => {
    const endpoint = parseEndpoint(part.trim());
    if (endpoint === undefined || isIP(endpoint.host) === 0) throw bad(`--via "${part}" is not ADDRESS:PORT`);
    return endpoint;
  });

/** One command for a sender that is running. */
export interface ControlArguments {
  readonly control: string;
  readonly command: string;
}

/**
 * Undefined: help was asked for.
 * @throws TributaryError TRIBUTARY_BAD_ARGUMENT
 */
export const parseSendArguments = (argv: readonly string[]): SendArguments | ControlArguments | undefined => {
  const values = read(argv);
  if (values.help) return undefined;
  if (values.command !== undefined) {
    if (values.control === undefined) throw bad('--command needs --control', 'write --control unix:PATH');
    return { control: values.control, command: values.command };
  }
  if (values.to === undefined) throw bad('--to is missing', 'write --to HOST:PORT');
  if (values.listen === undefined && values.input === undefined) {
    throw bad('there is nothing to send', 'give --listen PORT for an encoder, or --input FILE|-|test');
  }
  const profile = parseProfile(values.profile, values.keepalive);
  const to = parseDestination(values.to);
  const streamId = values.streamid ?? to.streamId;
  if (values.input !== undefined && streamId === undefined) {
    throw bad('--input needs a stream id', 'give --streamid ID or --to srtla://HOST:PORT?streamid=ID');
  }
  return {
    to,
    listen: parseListen(values.listen ?? '0'),
    links: values.links === undefined ? undefined : linkSourceOf(values.links),
    via: values.via === undefined ? [] : parseVia(values.via),
    profile,
    impairments: values.impair === undefined ? [] : parseImpairments(values.impair),
    seed: parseSeed(values.seed),
    control: values.control,
    output: values.quiet ? 'quiet' : values.json ? 'json' : 'text',
    input:
      values.input === undefined
        ? undefined
        : {
            from: values.input,
            streamId: streamId!,
            latencyMs: parseLatency(values.latency),
            passphrase: checkPassphrase(values.passphrase),
            reconnect: values.reconnect,
          },
  };
};
