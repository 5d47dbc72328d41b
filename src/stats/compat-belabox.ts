import { bitrateOrOne } from './compat-sls.ts';
import { decimal, int32 } from './numbers.ts';
import type { ShownPublisher } from './timeline.ts';

/**
 * `{"publishers":{"live":{…}}}` in the shape of BELABOX's cloud, for NOALBS's type Belabox with publisher `live`: kbit/s, packets, ms. An
 * offline stream has no entry.
 */
export const belaboxStats = (live: ShownPublisher | undefined): object => ({
  publishers: live
    ? {
        live: {
          bitrate: bitrateOrOne(live),
          dropped_pkts: int32(live.publisher.stats.pktRcvDropTotal),
          rtt: decimal(live.publisher.stats.rttMs),
        },
      }
    : {},
});
