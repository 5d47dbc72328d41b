import type { DataPlaneSnapshot } from '../data-plane/snapshot.ts';
import { maskedAddress } from '../shared/masked-address.ts';
import { type AddressView, publicStreamName, shortenId } from '../shared/redact.ts';

/**
 * The snapshot for the checklist and for `doctor`: publisher ids under their public names, player ids shortened (the plugin's one
 * gives the publisher id away), addresses as the caller may see them.
 */
export const doctorView = (snapshot: DataPlaneSnapshot, addresses: AddressView): DataPlaneSnapshot => ({
  ...snapshot,
  srtla: {
    ...snapshot.srtla,
    groups: snapshot.srtla.groups.map((group) => ({
      ...group,
      streamId: group.streamId === undefined ? undefined : publicStreamName(group.streamId),
      links: group.links.map((link) => ({ ...link, address: maskedAddress(link.address, addresses) })),
    })),
  },
  publishers: snapshot.publishers.map((publisher) => ({
    ...publisher,
    publisherId: publicStreamName(publisher.publisherId),
    address: maskedAddress(publisher.address, addresses),
  })),
  players: snapshot.players.map((player) => ({
    ...player,
    playerId: shortenId(player.playerId),
    publisherId: publicStreamName(player.publisherId),
    address: maskedAddress(player.address, addresses),
  })),
});
