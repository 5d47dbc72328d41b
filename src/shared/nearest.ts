/** Edits (insert, delete, replace, swap of neighbours) that turn one text into the other. */
const editDistance = (a: string, b: string): number => {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      row[j] = Math.min(row[j - 1]! + 1, previous[j]! + 1, previous[j - 1]! + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        row[j] = Math.min(row[j]!, before[j - 2]! + 1);
    }
    before = previous;
    previous = row;
  }
  return previous[b.length]!;
};

const MAX_COMPARED_LENGTH = 100;

/** The known name that the unknown one was probably meant to be; undefined where none is close. */
export const nearest = (name: string, known: readonly string[]): string | undefined => {
  if (name.length > MAX_COMPARED_LENGTH) return undefined;
  const wanted = name.toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(name.length / 4)) + 1;
  for (const candidate of known) {
    const distance = editDistance(wanted, candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
};

/** ` (did you mean X?)`, or nothing. */
export const suggestion = (name: string, known: readonly string[], prefix = ''): string => {
  const near = nearest(name, known);
  return near === undefined ? '' : ` (did you mean ${prefix}${near}?)`;
};
