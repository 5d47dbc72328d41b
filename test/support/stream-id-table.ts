/** What an unknown stream id may mean. The same table holds for the parser in TypeScript and for the one in the addon. */
export interface StreamIdCase {
  id: string;
  role: 'publish' | 'play';
  forms: readonly string[];
}

const both = (id: string, publish: readonly string[], play: readonly string[]): StreamIdCase[] => [
  { id, role: 'publish', forms: publish },
  { id, role: 'play', forms: play },
];

export const STREAM_ID_TABLE: readonly StreamIdCase[] = [
  // Bare ids mean nothing but themselves.
  ...both('', [], []),
  ...both('live_x', [], []),
  ...both('live/stream123', [], []),
  ...both('?', [], []),
  ...both('#!:', [], []),
  ...both('#!::', [], []),
  // srt's access-control syntax.
  ...both('#!::r=x', ['x'], ['x']),
  ...both('#!::r=x,m=publish', ['x'], []),
  ...both('#!::m=publish,r=x', ['x'], []),
  ...both('#!::r=x,m=request', [], ['x']),
  ...both('#!::r=x,m=bidirectional', ['x'], ['x']),
  ...both('#!::r=live/x,m=publish', ['live/x'], []),
  ...both('#!::u=x,m=publish', ['x'], []),
  ...both('#!::r=live,m=publish,u=x', ['live', 'x'], []),
  ...both('#!::h=host.example,sls_app=live,r=x', ['x'], ['x']),
  ...both('#!::r=x?latency=2000,m=publish', ['x?latency=2000', 'x'], []),
  ...both('#!::r=a=b', ['a=b'], ['a=b']),
  ...both('#!::r=x,r=y', ['x'], ['x']),
  ...both('#!::r=,u=', [], []),
  ...both('#!::rr=x,=y,,r', [], []),
  ...both('#!::r=x,m=publish/live/y', ['x'], ['x']),
  ...both(' #!::r=x', [], []),
  // SLS with domain and application.
  ...both('publish/live/x', ['x'], []),
  ...both('play/live/x', [], ['x']),
  ...both('publish/app/x/y', ['x/y'], []),
  ...both('play/live/', [], []),
  ...both('publish//x', [], []),
  ...both('publish/x', [], []),
  ...both('Publish/live/x', [], []),
  ...both('publish/live/x?a=b', ['publish/live/x', 'x?a=b', 'x'], ['publish/live/x']),
  // mediamtx.
  ...both('publish:x', ['x'], []),
  ...both('read:x', [], ['x']),
  ...both('publish:', [], []),
  ...both('publish:x:user:password', ['x:user:password', 'x'], []),
  ...both('read:x:user:password', [], ['x:user:password', 'x']),
  ...both('publish:publish/live/x', ['publish/live/x'], []),
  // A query that somebody left behind.
  ...both('x?', ['x'], ['x']),
  ...both('x?latency=2000&mode=caller', ['x'], ['x']),
  ...both('x?a?b', ['x'], ['x']),
  ...both('?x', [], []),
  ...both('publish:x?a=b', ['publish:x', 'x?a=b', 'x'], ['publish:x']),
];
