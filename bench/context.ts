import type { Cores } from './machine.ts';

/** How this run was asked for. */
export interface BenchOptions {
  /** Of each measuring window. */
  seconds: number;
  /** Every kernel buffer of the relays is limited to what an untuned machine grants. */
  smallBuffers: boolean;
  streams: number;
  /** Undefined: as the scenario likes. */
  mbps: number | undefined;
  players: number;
  rounds: number;
  maxStreams: number;
  /** SRT engine of the nodes; with `direct` a chain has the node on libsrt beside it. */
  engine: Engine;
  /** Bond: of its scenarios this one alone. */
  only: string | undefined;
}

export const SMALL_BUFFER_BYTES = 212_992;

/** Of both hops. Short, so that runs are; long enough for libsrt to work as it does in the field. */
export const LATENCY_MS = 400;

/** Share of the core that others may use before a result says so. It is sampled by clock ticks, and so a tenth says nothing. */
export const FOREIGN = 0.2;

/** SRT data packets per second of one stream. */
export const packetsPerSecond = (mbps: number): number => Math.round((mbps * 1e6) / (1316 * 8));

/** What scenarios are given. */
export interface BenchContext {
  options: BenchOptions;
  cores: Cores;
  /** One short line: what is being done now. */
  progress: (text: string) => void;
}

/** Environment of the node and of `tributary srtla`. */
export const bufferEnvironment = ({ smallBuffers }: BenchOptions): Record<string, string> =>
  smallBuffers ? { TRIBUTARY_UDP_BUFFER_MAX: String(SMALL_BUFFER_BYTES) } : {};

/** The node's SRT engine, and with our own whether both latencies count, or one for both ways. */
export type Engine = 'libsrt' | 'direct' | 'shared';
export const ENGINES: readonly Engine[] = ['libsrt', 'direct', 'shared'];

export const engineEnvironment = (engine: Engine): Record<string, string> =>
  engine === 'libsrt'
    ? {}
    : {
        TRIBUTARY_SRT_ENGINE_PUBLISH: 'direct',
        TRIBUTARY_SRT_ENGINE_BOND: 'direct',
        TRIBUTARY_SRT_ENGINE_PLAY: 'direct',
        TRIBUTARY_LATENCY_MODE: engine === 'shared' ? 'shared' : 'additive',
      };
