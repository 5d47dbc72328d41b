// npm run quality: half an hour of each trace under each set of rules, as tables.
import { comparison } from './plant.ts';

process.stdout.write(
  `The sender tells its capacity:\n\n${comparison(true)}\n\nOnly what arrives is known:\n\n${comparison(false)}\n`,
);
