/** One sample of a scrape. */
export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g;

/** The samples of a text in Prometheus's format; throws for a line that is none. */
export const samplesOf = (text: string): Sample[] =>
  text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const parts = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
      const value = Number(parts?.[3]?.replace('+Inf', 'Infinity'));
      if (!parts || (Number.isNaN(value) && parts[3] !== 'Nan')) throw new Error(`no sample: ${line}`);
      const labels = Object.fromEntries([...(parts[2] ?? '').matchAll(LABEL)].map((match) => [match[1]!, match[2]!]));
      return { name: parts[1]!, labels, value };
    });
