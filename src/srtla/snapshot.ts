import type { Millis } from '../shared/clock.ts';
import { NEVER, STATS_WINDOW_MS } from './constants.ts';
import type { Group } from './group.ts';
import type { Link } from './link.ts';
import type { GroupSnapshot, LinkRoundTrip, LinkSnapshot } from './types.ts';

const TELEMETRY_FRESH_MS: Millis = 10_000;

export const snapshotGroup = (group: Group, now: Millis): GroupSnapshot => {
  const smallestDelayMs = group.smallestDelayMs(now);
  const links = group.links.map((link) => snapshotLink(link, smallestDelayMs, now));
  return {
    id: group.name,
    streamId: group.streamId,
    session: group.current?.id,
    sessionAccepted: group.current?.state === 'accepted',
    totalBytes: group.totalBytes,
    windowBytes: links.reduce((sum, link) => sum + link.windowBytes, 0),
    lastHeardMs: now - group.lastHeardMs,
    uptimeMs: now - group.createdMs,
    lastDataMs: group.lastDataMs === NEVER ? undefined : now - group.lastDataMs,
    losses: { ...group.losses },
    lossesExact: group.current?.repair !== undefined,
    rebinds: group.rebinds,
    links,
  };
};

const kbpsOf = (link: Link, spanMs: Millis, now: Millis): number =>
  (link.window.perSecond(now, link.joinedMs, spanMs) * 8) / 1000;

/** The sender's own measurement while it is fresh: it is of this link alone. */
const roundTripOf = (link: Link, now: Millis): LinkRoundTrip | undefined => {
  const { telemetry } = link;
  if (now - link.telemetryMs <= TELEMETRY_FRESH_MS && telemetry.rttMs > 0)
    return { ms: telemetry.rttMs, source: telemetry.inMicroseconds ? 'keepalive42' : 'keepalive38' };
  return Number.isNaN(link.roundTrip.ms) ? undefined : { ms: link.roundTrip.ms, source: 'srt' };
};

const snapshotLink = (link: Link, smallestDelayMs: Millis, now: Millis): LinkSnapshot => {
  const { flow } = link;
  const largestDelayMs = flow.delay.largestMs(now);
  return {
    address: link.address,
    port: link.port,
    state: link.isActive(now) ? 'active' : 'quiet',
    bytes: link.bytes,
    packets: link.packets,
    dataPackets: link.dataPackets,
    retransmittedPackets: link.retransmittedPackets,
    uniquePackets: link.uniquePackets,
    duplicatePackets: link.duplicatePackets,
    lostPackets: link.lostPackets,
    falselyLostPackets: link.falselyLostPackets,
    windowBytes: link.window.total(now, STATS_WINDOW_MS),
    bitrateKbps: kbpsOf(link, STATS_WINDOW_MS, now),
    bitrate1sKbps: kbpsOf(link, 1_000, now),
    bitrate10sKbps: kbpsOf(link, 10_000, now),
    lastHeardMs: now - link.lastHeardMs,
    uptimeMs: now - link.joinedMs,
    skewMs: largestDelayMs === NEVER ? undefined : largestDelayMs - smallestDelayMs,
    jitterMs: flow.isKnown ? flow.jitterMs : undefined,
    reorderMs: flow.reorderMs,
    roundTrip: roundTripOf(link, now),
    rebinds: link.rebinds,
    telemetry: link.telemetryMs === NEVER ? undefined : { ...link.telemetry, ageMs: now - link.telemetryMs },
  };
};
