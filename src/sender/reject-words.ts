const WORDS: Readonly<Record<number, string>> = {
  1: 'a system error at the receiver',
  2: 'rejected by the receiver',
  3: 'the receiver has no resources left',
  4: 'a malformed handshake',
  5: "the receiver's queue is full",
  7: 'the receiver is closing',
  8: 'the receiver wants another SRT version',
  10: 'wrong passphrase',
  11: 'a passphrase is missing on one side',
  12: 'the receiver is not in live mode',
  16: 'no answer in time',
  1400: 'malformed stream id',
  1401: 'not authorised',
  1402: 'the receiver is full or shutting down',
  1403: 'this stream id may not publish here',
  1404: 'unknown stream id',
  1409: 'somebody is live on this stream id already',
};

const MENDS: Readonly<Record<number, string>> = {
  10: 'check --passphrase',
  11: 'check --passphrase',
  16: 'check --to, and that the links reach it',
  1403: 'use the publisher id (live_…), not a player id',
  1404: 'check --streamid',
  1409: 'stop the other encoder, or wait until it has been silent for a moment',
};

/** libsrt's reject reason or an access-control code in words, such as `unknown stream id (1404)`. 0 = nobody answered. */
export const rejectWords = (code: number): string =>
  code === 0 ? 'no answer' : `${WORDS[code] ?? 'rejected'} (${code})`;

export const rejectMend = (code: number): string => MENDS[code] ?? MENDS[16]!;
