import type { DataPlaneSnapshot } from '../data-plane/snapshot.ts';
import { publicStreamName, shortenId } from '../shared/redact.ts';

/**
 * The snapshot for the checklist and for `doctor`: publisher ids under their public names, player ids shortened (the plugin's one
 * gives the publisher id away).
 */
export const doctorView = (snapshot: DataPlaneSnapshot): DataPlaneSnapshot => ({
  ...snapshot,
  srtla: {
    ...snapshot.srtla,
    groups: snapshot.srtla.groups.map((group) => ({
      ...group,
      streamId: group.streamId === undefined ? undefined : publicStreamName(group.streamId),
    })),
  },
  publishers: snapshot.publishers.map((publisher) => ({
    ...publisher,
    publisherId: publicStreamName(publisher.publisherId),
  })),
  players: snapshot.players.map((player) => ({
    ...player,
    playerId: shortenId(player.playerId),
    publisherId: publicStreamName(player.publisherId),
  })),
});
