interface Parts {
  epoch: number;
  upstream: string;
  revision: string;
}

const partsOf = (version: string): Parts => {
  const colon = version.indexOf(':');
  const rest = version.slice(colon + 1);
  const dash = rest.lastIndexOf('-');
  return {
    epoch: colon < 0 ? 0 : Number.parseInt(version, 10) || 0,
    upstream: dash < 0 ? rest : rest.slice(0, dash),
    revision: dash < 0 ? '' : rest.slice(dash + 1),
  };
};

/** `~` goes before the end, letters before everything else. */
const rank = (character: string): number => {
  if (character === '~') return -1;
  return /[A-Za-z]/.test(character) ? character.charCodeAt(0) : character.charCodeAt(0) + 256;
};

/** Texts without digits, the end of one being less than all but `~`. */
const compareWords = (a: string, b: string): number => {
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const [left, right] = [a[index], b[index]].map((one) => (one === undefined ? 0 : rank(one)));
    if (left !== right) return Math.sign(left! - right!);
  }
  return 0;
};

/** Word, number, word, number, … */
const compareRuns = (a: string, b: string): number => {
  const [left, right] = [a, b].map((text) => text.match(/\D+|\d+/g) ?? []);
  const inStep = (runs: string[]): string[] => (/^\d/.test(runs[0] ?? '') ? ['', ...runs] : runs);
  const [ours, theirs] = [inStep(left!), inStep(right!)];
  for (let index = 0; index < Math.max(ours.length, theirs.length); index++) {
    const [one, other] = [ours[index] ?? '', theirs[index] ?? ''];
    const result = index % 2 === 0 ? compareWords(one, other) : Math.sign(Number(one || 0) - Number(other || 0));
    if (result !== 0) return result;
  }
  return 0;
};

/** -1, 0 or 1 as Debian package version `a` is older than, equal to or newer than `b` (Debian Policy 5.6.12). */
export const compareDebianVersions = (a: string, b: string): number => {
  const [left, right] = [partsOf(a), partsOf(b)];
  return (
    Math.sign(left.epoch - right.epoch) ||
    compareRuns(left.upstream, right.upstream) ||
    compareRuns(left.revision, right.revision)
  );
};
