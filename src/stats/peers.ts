import { hash, randomBytes } from 'node:crypto';
import type { DataPlaneSnapshot, PublisherSnapshot } from '../data-plane/snapshot.ts';
import type { LinkSnapshot } from '../srtla/types.ts';
import { type CarrierFields, carrierFields, type LinkNames } from './link-names.ts';
import { decimal, int32, wholeSeconds } from './numbers.ts';

/** A link of a bonded publisher. NOALBS wants `bitrate` whole and `rtt` there in every entry, or it takes the stream for offline. */
export interface Peer extends CarrierFields {
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
const SALT = randomBytes(16).toString('hex');

/** Of a link: 8 hex digits. @param group its id */
export const linkName = (group: string, { address, port, telemetry }: LinkSnapshot): string =>
  telemetry && telemetry.connectionId !== 0
    ? (telemetry.connectionId >>> 0).toString(16).padStart(8, '0')
    : hash('sha256', `${SALT} ${group} ${address} ${port}`).slice(0, 8);

/** The links of a publisher; empty where it is not bonded. */
export const peersOf = (
  { srtla }: Pick<DataPlaneSnapshot, 'srtla'>,
  publisher: PublisherSnapshot,
  names: LinkNames,
): Peer[] => {
  const group = publisher.group === undefined ? undefined : srtla.groups.find(({ id }) => id === publisher.group);
  if (!group) return [];
  const named = names.of(group);
  return group.links.map((link, index) => {
    const { asn, label, kind, country } = carrierFields(named[index]!);
    return {
      ...(asn === undefined ? {} : { asn }),
      bitrate: int32(link.bitrateKbps),
      connection_id: linkName(group.id, link),
      ...(country === undefined ? {} : { country }),
      ...(link.jitterMs === undefined ? {} : { jitter: decimal(link.jitterMs) }),
      kind,
      label,
      rtt: decimal(link.roundTrip?.ms ?? publisher.stats.rttMs),
      uptime: wholeSeconds(link.uptimeMs),
    };
  });
};
