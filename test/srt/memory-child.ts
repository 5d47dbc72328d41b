/** Run with --expose-gc: prints by how many bytes the heap has grown, before and after a collection, over 300,000 datagrams. */
import { SRT_STATS_FIELDS } from '../../src/shared/addon.ts';
import { Load } from './load.ts';

const collect = (globalThis as { gc?: () => void }).gc;
if (collect === undefined) throw new Error('run with --expose-gc');

const load = new Load(3);
load.run(300_000);
collect();
// The collection throws some compiled code away.
load.run(50_000);
const before = process.memoryUsage().heapUsed;
const { delivered, sent } = load;
load.run(300_000);
const allocated = process.memoryUsage().heapUsed - before;
collect();
collect();
const kept = process.memoryUsage().heapUsed - before;
const stats = new Float64Array(SRT_STATS_FIELDS.length);
load.receiver.stats(stats, load.now);
const stat = (field: (typeof SRT_STATS_FIELDS)[number]): number => stats[SRT_STATS_FIELDS.indexOf(field)]!;
console.log(
  JSON.stringify({
    allocated,
    kept,
    delivered: load.delivered - delivered,
    sent: load.sent - sent,
    naks: stat('pktSentNakTotal'),
    held: load.store.usedCount,
  }),
);
