/**
 * Prints what the engine does on impaired links: `.runtime/node_modules/.bin/node test/srt/run.ts [seeds] [seconds] [direct|libsrt]`. The
 * last one is the player's receiver.
 */
import { SCENARIOS, table } from './scenarios.ts';

const [seeds = '3', seconds = '60', player = 'direct'] = process.argv.slice(2);
process.stdout.write(table(SCENARIOS, Number(seeds), Number(seconds), player === 'libsrt' ? 'libsrt' : 'direct'));
