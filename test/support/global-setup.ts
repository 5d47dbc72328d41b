import { createRequire } from 'node:module';

const { ROOT, compile } = createRequire(import.meta.url)('../../bin/compile.cjs') as {
  ROOT: string;
  compile(root: string): number;
};

const { arePagesBuilt, buildPages } = createRequire(import.meta.url)('../../bin/pages.cjs') as {
  arePagesBuilt(root: string): boolean;
  buildPages(root: string): Promise<void>;
};

/** Tests that start the program start what is shipped: `dist`, made of the sources as they are now. */
export const setup = async (): Promise<void> => {
  compile(ROOT);
  if (!arePagesBuilt(ROOT)) await buildPages(ROOT);
};
