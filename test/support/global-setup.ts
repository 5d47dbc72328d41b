import { createRequire } from 'node:module';

const { ROOT, compile } = createRequire(import.meta.url)('../../bin/compile.cjs') as {
  ROOT: string;
  compile(root: string): number;
};

/** Tests that start the program start what is shipped: `dist`, made of the sources as they are now. */
export const setup = (): void => {
  compile(ROOT);
};
