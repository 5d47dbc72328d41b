import { createHmac, randomBytes } from 'node:crypto';
import type { DataPlaneSnapshot, PublisherSnapshot } from '../data-plane/snapshot.ts';
import type { LinkSnapshot } from '../srtla/types.ts';
import { decimal, int32, wholeSeconds } from './numbers.ts';

/** A link of a bonded publisher. NOALBS wants `bitrate` whole and `rtt` there in every entry, or it takes the stream for offline. */
export interface Peer {
  /** kbit/s. */
  bitrate: number;
  /** 8 hex digits: the same while the link lasts, and no address. */
  connection_id: string;
  /** ms, where it is known. */
  jitter?: number;
  /** ms: of the link where it is known, else of the SRT session. */
  rtt: number;
  /** s. */
  uptime: number;
}

/** Names must not lead back to addresses, which are few enough to be tried. */
const SALT = randomBytes(16);

/** Of a link: 8 hex digits. @param group its id */
export const linkName = (group: string, { address, port, telemetry }: LinkSnapshot): string =>
  telemetry && telemetry.connectionId !== 0
    ? (telemetry.connectionId >>> 0).toString(16).padStart(8, '0')
    : createHmac('sha256', SALT).update(`${group} ${address} ${port}`).digest('hex').slice(0, 8);

/** The links of a publisher; empty where it is not bonded. */
export const peersOf = ({ srtla }: Pick<DataPlaneSnapshot, 'srtla'>, publisher: PublisherSnapshot): Peer[] => {
  if (publisher.group === undefined) return [];
  const group = srtla.groups.find(({ id }) => id === publisher.group);
  return (group?.links ?? []).map((link) => ({
    bitrate: int32(link.bitrateKbps),
    connection_id: linkName(publisher.group!, link),
    ...(link.jitterMs === undefined ? {} : { jitter: decimal(link.jitterMs) }),
    rtt: decimal(link.roundTrip?.ms ?? publisher.stats.rttMs),
    uptime: wholeSeconds(link.uptimeMs),
  }));
};
