// npm run quality: half an hour of each trace under each set of rules, as tables.
import { comparisons } from './plant.ts';

process.stdout.write(comparisons());
