import { isIP } from 'node:net';
import { parseArgs } from 'node:util';
import { messageOf, TributaryError } from '../shared/errors.ts';
import type { LogLevel } from '../shared/logger.ts';
import { ADDRESS_VIEWS, type AddressView } from '../shared/redact.ts';
import type { ServerWay, UdpTransport } from '../srtla/index.ts';

export const SRTLA_HELP = `Usage: ./tributary srtla [options]

Gathers the links of bonded senders and passes their SRT streams on to an SRT server. Takes the options of srtla_rec; they may be
written with - or _.

  --srtla_port PORT[,PORT…]   UDP ports for bonded senders (5000; 0 = a free one)
  --srt_hostname HOST         where the SRT server is (127.0.0.1)
  --srt_port PORT             its UDP port (4001)
  --log_level LEVEL           trace, debug, info, warn, error or critical (info)
  --verbose                   the same as --log_level debug
  --stats_port PORT           HTTP port for statistics of links; without it there are none
  --stats_bind ADDRESS        its address (127.0.0.1)
  --geoip_db FILE             database of networks (.mmdb): names the carrier of each link; may be replaced while it runs
  --addresses VIEW            how statistics and log show senders' addresses: prefix (203.0.113.x), hash or full (prefix)
  --bind ADDRESS[,ADDRESS…]   addresses for bonded senders (::)
  --udp_transport NAME        auto, batched or dgram (auto)
  --udp_buffer BYTES          kernel buffers to ask for (8388608)
  --coalesce_ms MS            distance of batches while it is busy (2)
  --server_way NAME           how sessions are told apart at the server: socket, address or shared (shared for a server on this
                              machine, else socket)
`;

export interface SrtlaArguments {
  readonly ports: readonly number[];
  readonly bind: readonly string[];
  /** Name or address. */
  readonly serverHost: string;
  readonly serverPort: number;
  readonly logLevel: LogLevel;
  readonly stats: { readonly port: number; readonly bind: string } | undefined;
  readonly geoipDb: string | undefined;
  readonly addresses: AddressView;
  readonly transport: 'auto' | UdpTransport;
  readonly udpBufferBytes: number;
  readonly coalesceMs: number;
  readonly serverWay: ServerWay | undefined;
}

const bad = (text: string, mend = 'see ./tributary srtla --help'): TributaryError =>
  new TributaryError('TRIBUTARY_BAD_ARGUMENT', text, mend);

const LEVELS: Readonly<Record<string, LogLevel>> = {
  trace: 'trace',
  debug: 'debug',
  info: 'info',
  warn: 'warn',
  error: 'error',
  critical: 'error',
};

const numberOf = (name: string, text: string, least: number, most: number): number => {
  const value = Number(text);
  if (/^\d{1,10}$/.test(text) && value >= least && value <= most) return value;
  throw bad(`--${name} "${text}" is out of range`, `give a whole number from ${least} to ${most}`);
};

const oneOf = <const T extends string>(name: string, text: string, choices: readonly T[]): T => {
  const found = choices.find((choice) => choice === text);
  if (found === undefined) throw bad(`--${name} "${text}" is not known`, `give one of ${choices.join(', ')}`);
  return found;
};

const addressesOf = (name: string, text: string): string[] => {
  const addresses = text.split(',').map((part) => part.trim());
  const wrong = addresses.find((address) => isIP(address) === 0);
  if (wrong !== undefined)
    throw bad(`--${name} "${wrong}" is no numeric address`, 'give addresses such as 0.0.0.0 or ::');
  return addresses;
};

const read = (argv: readonly string[]) => {
  const args = argv.map((argument) => {
    const [, name, rest = ''] = /^--([a-z-_]+)(=.*)?$/.exec(argument) ?? [];
    return name === undefined ? argument : `--${name.replaceAll('-', '_')}${rest}`;
  });
  try {
    return parseArgs({
      args,
      options: {
        srtla_port: { type: 'string', default: '5000' },
        srt_hostname: { type: 'string', default: '127.0.0.1' },
        srt_port: { type: 'string', default: '4001' },
        log_level: { type: 'string', default: 'info' },
        verbose: { type: 'boolean', default: false },
        stats_port: { type: 'string' },
        stats_bind: { type: 'string', default: '127.0.0.1' },
        geoip_db: { type: 'string' },
        addresses: { type: 'string', default: 'prefix' },
        bind: { type: 'string', default: '::' },
        udp_transport: { type: 'string', default: 'auto' },
        udp_buffer: { type: 'string', default: String(8 * 1024 * 1024) },
        coalesce_ms: { type: 'string', default: '2' },
        server_way: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    // Only the first sentence: the rest explains Node's own rules.
    throw bad(messageOf(error).split('. ')[0]!);
  }
};

const statsOf = (port: string | undefined, bind: string): SrtlaArguments['stats'] => {
  // srtla_rec's default, 0, is off.
  if (port === undefined || port === '' || port === '0') return undefined;
  const host = bind === 'localhost' ? '127.0.0.1' : addressesOf('stats_bind', bind)[0]!;
  return { port: numberOf('stats_port', port, 1, 65_535), bind: host };
};

/**
 * Undefined: help was asked for.
 * @throws TributaryError TRIBUTARY_BAD_ARGUMENT
 */
export const parseSrtlaArguments = (argv: readonly string[]): SrtlaArguments | undefined => {
  const values = read(argv);
  if (values.help) return undefined;
  const level = LEVELS[values.log_level];
  if (level === undefined)
    throw bad(`--log_level "${values.log_level}" is not known`, `give one of ${Object.keys(LEVELS).join(', ')}`);
  const way = values.server_way;
  return {
    ports: values.srtla_port.split(',').map((port) => numberOf('srtla_port', port.trim(), 0, 65_535)),
    bind: addressesOf('bind', values.bind),
    serverHost: values.srt_hostname,
    serverPort: numberOf('srt_port', values.srt_port, 1, 65_535),
    logLevel: values.verbose ? 'debug' : level,
    stats: statsOf(values.stats_port, values.stats_bind),
    geoipDb: values.geoip_db || undefined,
    addresses: oneOf('addresses', values.addresses, ADDRESS_VIEWS),
    transport: oneOf('udp_transport', values.udp_transport, ['auto', 'batched', 'dgram']),
    udpBufferBytes: numberOf('udp_buffer', values.udp_buffer, 65_536, 256 * 1024 * 1024),
    coalesceMs: numberOf('coalesce_ms', values.coalesce_ms, 0, 20),
    serverWay: way === undefined ? undefined : oneOf('server_way', way, ['socket', 'address', 'shared']),
  };
};
