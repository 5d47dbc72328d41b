import { formatEndpoint } from '../../shared/address.ts';
import { playerIdOf, publisherIdOf } from '../nodes/desired.ts';
import { provisionStep } from './provision-step.ts';
import type { PlacedSession } from './session-rows.ts';

/** How long a stream may go on after its session was stopped, s. */
export const GRACE_WINDOW_SECONDS = 600;
/** Told to clients, and not enforced. */
const MAX_SESSION_SECONDS = 57_600;

/** A session as the API shows it; nothing of a node where it has none at the moment. */
export const sessionView = (session: PlacedSession): object => {
  const { server_id, ip, srtla_port, play_port, stream_token, connection_id, status } = session;
  const host = session.host_name ?? session.host ?? ip;
  const isPlaced = server_id !== null && host !== null;
  return {
    session_id: session.session_id,
    status,
    region: session.region,
    provision_step: provisionStep(session),
    ...(isPlaced ? { instance_id: server_id } : {}),
    ...(connection_id === '' ? {} : { connection_id }),
    ...(isPlaced ? { relay: { public_ip: ip, srt_port: srtla_port, relay_hostname: host } } : {}),
    credentials: { pair_token: session.pair_token, relay_ws_token: session.relay_ws_token, stream_token },
    timers: { grace_window_seconds: GRACE_WINDOW_SECONDS, max_session_seconds: MAX_SESSION_SECONDS },
    ...(isPlaced && session.dns_ok !== null ? { dns_ok: session.dns_ok === 1 } : {}),
    ...(isPlaced
      ? {
          // The plugin takes everything behind `?streamid=` for the id: it is the only parameter.
          sender_url: `srtla://${formatEndpoint(host, srtla_port ?? 0)}?streamid=${publisherIdOf(stream_token)}`,
          media_source_url: `srt://${formatEndpoint(host, play_port ?? 0)}?streamid=${playerIdOf(stream_token)}`,
        }
      : {}),
  };
};

/** The answer to a stop. */
export const stoppedView = ({ session_id, stopped_ms }: PlacedSession): object => ({
  session_id,
  status: 'stopped',
  stopped_at: new Date(stopped_ms ?? 0).toISOString(),
});
