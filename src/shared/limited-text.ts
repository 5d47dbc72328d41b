/** The text of an answer, or undefined where it is longer than `mostBytes`: what is left of it is not read then. Throws what reading throws. */
export const limitedText = async (response: Response, mostBytes: number): Promise<string | undefined> => {
  if (!response.body) return '';
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body) {
    length += part.byteLength;
    if (length > mostBytes) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
};
