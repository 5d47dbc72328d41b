import type { Millis } from '../shared/clock.ts';
import type { LatencyMode } from '../shared/latency-budget.ts';
import type { Redaction } from '../shared/redact.ts';
import type { BridgeSettings } from '../sls-bridge/bridge.ts';
import type { HopLossShares, UdpTransport } from '../srtla/index.ts';
import type { SrtlaSettings } from '../srtla/types.ts';

/** What the data plane needs to know; plain values, so that they can cross a thread. */
export interface DataPlaneSettings {
  /** Addresses, `::` (dual-stack) or `auto`. */
  bind: readonly string[];
  srtla: SrtlaSettings & { ports: readonly number[]; transport: 'auto' | UdpTransport; coalesceMs: Millis };
  bridge: BridgeSettings;
  latencyMode: LatencyMode;
  /** Receive buffer asked for on the SRTLA sockets. */
  udpBufferBytes: number;
  /** Of what the thread says. */
  redaction: Redaction;
  /** Debug lines are wanted; else they do not leave the thread. */
  debugLog: boolean;
  /** For tests. */
  hopLoss?: HopLossShares | undefined;
}
