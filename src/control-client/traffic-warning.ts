import type { Logger } from '../shared/logger.ts';
import { countedBytes, type TrafficCount, type TrafficState, trafficStateOf } from '../shared/traffic-period.ts';
import type { Traffic } from './monthly-traffic.ts';

/** Says in the log when a node has come to 70 % and to 95 % of the traffic that it may have, once each, and when it is counted anew. */
export class TrafficWarning {
  readonly #logger: Logger;
  #state: TrafficState = 'ok';

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** @param capGb 10^9 bytes a month; 0 = without limit */
  look(traffic: Traffic, count: TrafficCount, capGb: number): void {
    const usedBytes = countedBytes(traffic, count);
    const state = trafficStateOf(usedBytes, capGb > 0 ? capGb * 1e9 : undefined);
    if (state === this.#state) return;
    this.#state = state;
    const fields = { usedGb: Math.round(usedBytes / 1e9), capGb };
    if (state === 'warning') this.#logger.warn('70 % of the traffic that the node may have is used', fields);
    else if (state === 'drain')
      this.#logger.error(
        '95 % of the traffic that the node may have is used: its control plane gives it nothing new',
        fields,
      );
    else this.#logger.info('the traffic of the node is counted anew', fields);
  }
}
