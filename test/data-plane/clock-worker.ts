// Tells what its common clock shows, whenever it is asked. Runs in a thread of its own.
import { workerData } from 'node:worker_threads';
import { commonNow } from '../../src/data-plane/common-clock.ts';

const { shared, time } = workerData as { shared: Int32Array; time: Float64Array };
for (;;) {
  Atomics.wait(shared, 0, 0);
  if (Atomics.load(shared, 0) === 2) break;
  time[0] = commonNow();
  Atomics.store(shared, 0, 0);
  Atomics.store(shared, 1, 1);
  Atomics.notify(shared, 1);
}
