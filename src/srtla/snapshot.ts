import type { Millis } from '../shared/clock.ts';
import { NEVER } from './constants.ts';
import type { Group } from './group.ts';
import type { Link } from './link.ts';
import type { GroupSnapshot, LinkSnapshot } from './types.ts';

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
    rebinds: group.rebinds,
    links,
  };
};

const snapshotLink = (link: Link, smallestDelayMs: Millis, now: Millis): LinkSnapshot => {
  const largestDelayMs = link.delay.largestMs(now);
  return {
    address: link.address,
    port: link.port,
    state: link.isActive(now) ? 'active' : 'quiet',
    bytes: link.bytes,
    packets: link.packets,
    dataPackets: link.dataPackets,
    retransmittedPackets: link.retransmittedPackets,
    windowBytes: link.window.total(now),
    bitrateKbps: (link.window.perSecond(now, link.joinedMs) * 8) / 1000,
    lastHeardMs: now - link.lastHeardMs,
    uptimeMs: now - link.joinedMs,
    skewMs: largestDelayMs === NEVER ? undefined : largestDelayMs - smallestDelayMs,
    rebinds: link.rebinds,
    telemetry: link.telemetryMs === NEVER ? undefined : { ...link.telemetry, ageMs: now - link.telemetryMs },
  };
};
