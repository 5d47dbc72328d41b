// Writes one counter record over and over, for an ever new owner, until it is told to stop. Runs in a thread of its own.
import { workerData } from 'node:worker_threads';
import { CounterTable } from '../../src/data-plane/counter-table.ts';
import { fieldValue, generationOf, HAMMER } from './hammer.ts';

const { memory, shared } = workerData as { memory: SharedArrayBuffer; shared: Int32Array };
const table = new CounterTable(memory, HAMMER);
const values = new Float64Array(HAMMER.fields);
for (let writing = 0; Atomics.load(shared, 1) === 0; writing++) {
  for (let field = 0; field < values.length; field++) values[field] = fieldValue(writing, field);
  table.write(0, generationOf(writing), values);
  Atomics.store(shared, 0, generationOf(writing));
}
