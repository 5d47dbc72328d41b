import { type Millis, monotonicNow } from '../shared/clock.ts';
import { BondMeter, type BondReport } from './impair/bond-meter.ts';
import type { LinkImpairment } from './impair/impairment-spec.ts';
import { type EmulatorLateness, LinkEmulator } from './impair/link-emulator.ts';
import type { LinkTotals } from './impair/link-model.ts';
import type { LinkId } from './sender-types.ts';

export interface ImpairmentReport {
  bond: BondReport;
  /** What the emulator itself added to the delays. */
  lateness: EmulatorLateness;
  links: { address: string; up: LinkTotals; down: LinkTotals }[];
}

export interface ImpairedBondOptions {
  /** For link 1, 2, …; the last one for those beyond. */
  readonly impairments: readonly LinkImpairment[];
  readonly seed?: number;
  readonly deliverUp: (link: LinkId, bytes: Uint8Array) => void;
  readonly deliverDown: (link: LinkId, bytes: Uint8Array) => void;
  /** A NAT would give the link another port now. */
  readonly rebind: (link: LinkId) => void;
}

interface Impaired {
  readonly address: string;
  impairment: LinkImpairment;
  reboundMs: Millis;
}

/** The emulated links of one sender, and what is measured on them. */
export class ImpairedBond {
  readonly #options: ImpairedBondOptions;
  readonly #emulator: LinkEmulator;
  readonly #meter = new BondMeter();
  readonly #links = new Map<LinkId, Impaired>();
  /** A link that is removed and added again is what it was. */
  readonly #byAddress = new Map<string, LinkImpairment>();

  constructor(options: ImpairedBondOptions) {
    this.#options = options;
    this.#emulator = new LinkEmulator({
      deliverUp: options.deliverUp,
      deliverDown: options.deliverDown,
      onUp: (bytes, arrives, dueMs) => this.#meter.onLink(bytes, arrives, dueMs),
      clock: monotonicNow,
      ...(options.seed === undefined ? {} : { seed: options.seed }),
    });
  }

  add(link: LinkId, address: string, now: Millis): void {
    const { impairments } = this.#options;
    const known = this.#byAddress.get(address);
    const impairment = known ?? impairments[Math.min(this.#byAddress.size, impairments.length - 1)]!;
    this.#byAddress.set(address, impairment);
    this.#links.set(link, { address, impairment, reboundMs: now });
    this.#emulator.add(link, impairment);
  }

  remove(link: LinkId): void {
    this.#links.delete(link);
    this.#emulator.remove(link);
  }

  change(link: LinkId, impairment: LinkImpairment): void {
    const impaired = this.#links.get(link);
    if (impaired === undefined) return;
    impaired.impairment = impairment;
    this.#byAddress.set(impaired.address, impairment);
    this.#emulator.change(link, impairment);
  }

  fromEncoder(bytes: Uint8Array, now: Millis): void {
    this.#meter.fromEncoder(bytes, now);
  }

  sendUp(link: LinkId, bytes: Uint8Array): void {
    this.#emulator.sendUp(link, bytes);
  }

  fromReceiver(link: LinkId, bytes: Uint8Array): void {
    this.#meter.fromReceiver(bytes, monotonicNow());
    this.#emulator.sendDown(link, bytes);
  }

  tick(now: Millis): void {
    for (const [link, impaired] of this.#links) {
      const { rebindMs } = impaired.impairment;
      if (rebindMs === 0 || now - impaired.reboundMs < rebindMs) continue;
      impaired.reboundMs = now;
      this.#options.rebind(link);
    }
  }

  report(): ImpairmentReport {
    return {
      bond: this.#meter.report(monotonicNow()),
      lateness: this.#emulator.lateness(),
      links: [...this.#links].map(([link, { address }]) => ({ address, ...this.#emulator.totals(link)! })),
    };
  }

  close(): void {
    this.#emulator.close();
  }
}
