import { formatEndpoint } from '../shared/address.ts';
import {
  bondedSenderUrl,
  escapeId,
  type NodePorts,
  plainSenderUrl,
  playerUrl,
  revealsPublisher,
} from '../stats/stream-urls.ts';
import type { PublicHost } from './public-host.ts';

export interface UrlRow {
  /** A secret; the print-out is for the owner's terminal. */
  readonly publisher: string;
  readonly player: string;
  readonly description?: string | undefined;
  readonly passphrase?: string | undefined;
}

export interface UrlInput {
  host: PublicHost;
  ports: NodePorts;
  rows: readonly UrlRow[];
  /** Publisher ids to print; the rest is counted. Default: all. */
  limit?: number | undefined;
}

const playerRemark = (row: UrlRow): string => {
  const whose = revealsPublisher(row)
    ? 'for the OBS plugin only: it gives away the publisher id'
    : 'the one to share: it only lets people watch';
  return row.passphrase === undefined ? whose : `${whose}; encrypted, add &passphrase=…`;
};

const byPublisher = (rows: readonly UrlRow[]): UrlRow[][] => {
  const groups = new Map<string, UrlRow[]>();
  for (const row of rows) {
    const group = groups.get(row.publisher);
    if (group) group.push(row);
    else groups.set(row.publisher, [row]);
  }
  return [...groups.values()];
};

const publisherLines = (rows: readonly UrlRow[], host: string, ports: NodePorts): string[] => {
  const publisher = rows[0]!.publisher;
  const [first, ...others] = ports.srtla;
  // The one to share comes first: it is what gets copied.
  const players = [...rows].sort((a, b) => Number(revealsPublisher(a)) - Number(revealsPublisher(b)));
  const lines = ['Sender, bonded (IRL Pro, Moblin, BELABOX):'];
  if (first !== undefined) lines.push(`  ${bondedSenderUrl(host, first, publisher)}`);
  if (others.length > 0) lines.push(`  or the same with port ${others.join(', ')}`);
  lines.push('Sender, plain SRT over one link:', `  ${plainSenderUrl(host, ports.publish, publisher)}`);
  lines.push('Player (OBS media source, VLC, ffmpeg):');
  for (const row of players) {
    lines.push(`  ${playerUrl(host, ports.play, row.player)}`, `    ${playerRemark(row)}`);
  }
  lines.push('Statistics of the stream:');
  lines.push(`  http://${formatEndpoint(host, ports.stats)}/stats/${escapeId(players[0]!.player)}?legacy=1`);
  return lines;
};

/** What a firewall must let in, with the ports in use. */
export const firewallLine = (ports: NodePorts): string => {
  const needed = [
    ...ports.srtla.map((port) => `${port}/udp`),
    `${ports.play}/udp`,
    `${ports.stats}/tcp`,
    `${ports.links}/tcp`,
  ];
  return `Open in the firewall: ${needed.join(' ')} (and ${ports.publish}/udp for plain SRT senders)`;
};

/** Set-up scripts look for these very words on standard output. */
export const keyLine = (key: string): string => `Generated default admin API key: ${key}`;

const localNote = (host: string, ports: NodePorts): string =>
  `${host} is reachable only in this network; for a phone on cellular forward UDP ${ports.srtla[0] ?? ports.publish} and set TRIBUTARY_PUBLIC_HOST`;

/**
 * What a person pastes, line by line: sender, player and statistics URLs, and the ports to open. `streamid` comes first in every
 * query, because some programs cut a URL there.
 */
export const urlLines = ({ host, ports, rows, limit = Number.POSITIVE_INFINITY }: UrlInput): string[] => {
  const groups = byPublisher(rows);
  const lines: string[] = [''];
  for (const group of groups.slice(0, limit)) lines.push(...publisherLines(group, host.host, ports), '');
  if (groups.length > limit) lines.push(`… and ${groups.length - limit} more: ./tributary urls`, '');
  if (groups.length === 0) lines.push('There is no stream id yet: POST /api/stream-ids makes one.', '');
  lines.push('Statistics of links:', `  http://${formatEndpoint(host.host, ports.links)}/stats`, '');
  if (ports.dashboard !== undefined)
    lines.push(
      'Dashboard (sign in with the admin key):',
      `  http://${formatEndpoint(host.host, ports.dashboard)}/`,
      '',
    );
  if (host.local) lines.push(localNote(host.host, ports));
  lines.push(firewallLine(ports), '');
  return lines;
};
