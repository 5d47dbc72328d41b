/** The object with its keys in alphabetical order, as the JSON library of SLS writes them; what is undefined is left out. */
export const sorted = (answer: object): object =>
  Object.fromEntries(
    Object.entries(answer)
      .filter(([, value]) => value !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
