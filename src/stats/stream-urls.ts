import { formatEndpoint } from '../shared/address.ts';

/** Ports that people and programs outside use. */
export interface NodePorts {
  srtla: readonly number[];
  publish: number;
  play: number;
  /** TCP, 8090 by default. */
  stats: number;
  /** TCP, 5080 by default. */
  links: number;
  /** TCP, 3000 by default; undefined where there is no dashboard. */
  dashboard?: number | undefined;
}

/** Of a row of the stream directory, what URLs are made of. */
export interface UrlIds {
  /** A secret. */
  readonly publisher: string;
  readonly player: string;
}

/** ms: ffmpeg's and OBS's default of 120 ms is too little over a wide-area network. */
export const PLAYER_LATENCY_MS = 2_000;

/** An id within a URL: what would end it there, or mean something else, is escaped. */
export const escapeId = (id: string): string =>
  id.replace(/[^\w.~/:,!=@-]/g, (character) => encodeURIComponent(character));

/** The OBS plugin derives `play_T` from `live_T`; so can anybody who sees it. */
export const revealsPublisher = (ids: UrlIds): boolean =>
  ids.publisher.startsWith('live_') && ids.player === `play_${ids.publisher.slice('live_'.length)}`;

/** `streamid` comes first in every query, because some programs cut a URL there. */
export const bondedSenderUrl = (host: string, port: number, publisherId: string): string =>
  `srtla://${formatEndpoint(host, port)}?streamid=${escapeId(publisherId)}`;

export const plainSenderUrl = (host: string, port: number, publisherId: string): string =>
  `srt://${formatEndpoint(host, port)}?streamid=${escapeId(publisherId)}`;

/** @param latency in the unit of the program: ffmpeg and OBS count microseconds, everybody else milliseconds */
export const playerUrl = (
  host: string,
  port: number,
  playerId: string,
  latency: number = PLAYER_LATENCY_MS * 1_000,
): string => `srt://${formatEndpoint(host, port)}?streamid=${escapeId(playerId)}&mode=caller&latency=${latency}`;
