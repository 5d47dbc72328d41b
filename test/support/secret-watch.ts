/** What the programs of a test file have written, and what none of them may write. */
interface Watched {
  readonly args: readonly string[];
  text: string;
}

const watched: Watched[] = [];
const secrets = new Set<string>();

/** Others print the URLs that they were given. */
const OURS = /(?:^|\/)main\.js$|(?:^|\/)tributary$/;
/** Commands whose purpose is to show ids. */
const TELLS_IDS = new Set(['urls', 'demo', 'export-sls']);
/** The one line of a first start that has a key in it. */
const FIRST_START = /^Generated default admin API key: [0-9A-Za-z]{32}$/;
/** Ids that the node has made itself. */
const MADE = /\b(?:live|play)_[0-9a-f]{32}\b/;
/** Shorter ones are words that stand in messages for other reasons. */
const LEAST_CHARACTERS = 8;

/** @returns where further output is to be put */
export const watch = (args: readonly string[]): ((text: string) => void) => {
  const one: Watched = { args, text: '' };
  watched.push(one);
  return (text) => {
    one.text += text;
  };
};

export const keepSecret = (...values: readonly (string | undefined)[]): void => {
  for (const value of values) if (value !== undefined && value.length >= LEAST_CHARACTERS) secrets.add(value);
};

/** Lines in which a secret stands, with the program that wrote them. */
export const leaks = (): string[] =>
  watched
    .filter(({ args }) => args.some((arg) => OURS.test(arg)) && !args.some((arg) => TELLS_IDS.has(arg)))
    .flatMap(({ args, text }) =>
      text
        .split('\n')
        .filter(
          (line) => !FIRST_START.test(line) && (MADE.test(line) || [...secrets].some((one) => line.includes(one))),
        )
        .map((line) => `${args.slice(0, 2).join(' ')}: ${line}`),
    );

export const forget = (): void => {
  watched.length = 0;
  secrets.clear();
};
