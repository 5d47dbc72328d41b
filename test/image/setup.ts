import { buildImage } from './images.ts';
import { missingTools } from './podman.ts';
import { printReport, resetReport } from './report.ts';

const say = (line: string): void => void process.stderr.write(`test:image: ${line}\n`);

/** Builds what is tested, and prints what was measured when all is over. */
export const setup = async (): Promise<() => void> => {
  const missing = missingTools();
  if (missing !== undefined) throw new Error(missing);
  resetReport();
  await buildImage(say);
  return printReport;
};
