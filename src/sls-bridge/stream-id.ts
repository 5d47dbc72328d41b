/** As in `SrtRole`. */
type Role = 'publish' | 'play';

const KEYED = '#!::';

/** Words by which other servers name what a caller wants. */
const WORDS = {
  publish: { path: 'publish/', colon: 'publish:', foreignMode: 'request' },
  play: { path: 'play/', colon: 'read:', foreignMode: 'publish' },
} as const;

const before = (text: string, mark: string): string => {
  const at = text.indexOf(mark);
  return at < 0 ? text : text.slice(0, at);
};

/** `#!::r=x,m=publish,u=y` (srt's access-control syntax): the resource, else the user. A mode of the other role is no form. */
const keyedForms = (pairs: string, role: Role): string[] => {
  const given = new Map<string, string>();
  for (const pair of pairs.split(',')) {
    const key = pair.slice(0, 2);
    if (key[1] === '=' && !given.has(key)) given.set(key, pair.slice(2));
  }
  if (given.get('m=') === WORDS[role].foreignMode) return [];
  return ['r=', 'u='].flatMap((key) => {
    const value = given.get(key) ?? '';
    return [value, before(value, '?')];
  });
};

/** `publish/live/x`, `play/live/x` (SLS with domains), `publish:x`, `read:x`, `publish:x:user:password` (mediamtx). */
const namedForms = (text: string, role: Role): string[] => {
  const { path, colon } = WORDS[role];
  if (text.startsWith(path)) {
    const rest = text.slice(path.length);
    const slash = rest.indexOf('/');
    // An application, then the id, which may hold slashes itself.
    return slash > 0 ? [rest.slice(slash + 1)] : [];
  }
  if (!text.startsWith(colon)) return [];
  const rest = text.slice(colon.length);
  return [rest, before(rest, ':')];
};

/**
 * What an unknown stream id may mean to a listener of this role, likeliest first and without the id itself. Whoever asks has looked the
 * exact bytes up first, and takes the first form that is a known id. The addon has the same in C++ (`stream_id.cc`), for libsrt's listen
 * callback.
 */
export const streamIdForms = (streamId: string, role: Role): string[] => {
  const withoutQuery = before(streamId, '?');
  const forms = streamId.startsWith(KEYED)
    ? keyedForms(streamId.slice(KEYED.length), role)
    : [withoutQuery, ...namedForms(streamId, role), ...namedForms(withoutQuery, role)];
  return [...new Set(forms)].filter((form) => form !== '' && form !== streamId);
};
