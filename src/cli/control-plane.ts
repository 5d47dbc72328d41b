import { setFlagsFromString } from 'node:v8';

/**
 * Requests are few and wait for the database: compiling hot code would cost more memory than it saves time (20 MiB after a few thousand
 * requests). To be said before the parts are loaded.
 */
const FLAGS = ['--no-opt', '--no-maglev', '--no-sparkplug', '--max-lazy'];

/** `./tributary control-plane`, until a signal. @returns the exit code @throws TributaryError */
export const runControlPlane = async (argv: readonly string[]): Promise<number> => {
  for (const flag of FLAGS) setFlagsFromString(flag);
  const { servePlane } = await import('./serve-plane.ts');
  return servePlane(argv);
};
