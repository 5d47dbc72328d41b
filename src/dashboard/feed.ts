import { useEffect, useState } from 'preact/hooks';
import type { LiveView, SharedView, StreamView, TrailsView } from '../stats/dashboard-types.ts';
import { ApiError, get } from './api.ts';

/** A minute at two looks a second. */
export const TRAIL = 120;

/** The last minute of a stream and its links, kbit/s, oldest first. */
export interface Trail {
  readonly total: readonly number[];
  /** By slot. */
  readonly links: ReadonlyMap<number, readonly number[]>;
}

export interface FeedState<T> {
  readonly view: T | undefined;
  readonly trails: ReadonlyMap<string, Trail>;
  /** No message for a while. */
  readonly isLate: boolean;
  /** The node refuses for good: signed out, or the link is over. */
  readonly isOver: boolean;
  /** The node refuses for now: too many pages are open. */
  readonly isFull: boolean;
}

const LATE_AFTER_MS = 3_000;
const AGAIN_AFTER_MS = 5_000;
/** Refusals that asking again does not change. */
const FINAL = new Set([401, 403, 404]);
const NO_TRAIL: Trail = { total: [], links: new Map() };

const longer = (before: readonly number[] | undefined, value: number, length: number): number[] => {
  // A link that came later was at nothing before.
  const from = before ?? Array.from({ length: Math.max(0, length - 1) }, () => 0);
  return [...from, value].slice(-TRAIL);
};

const advance = (trails: ReadonlyMap<string, Trail>, streams: readonly StreamView[]): Map<string, Trail> =>
  new Map(
    streams.map(({ name, kbps, links }) => {
      const before = trails.get(name) ?? NO_TRAIL;
      const total = longer(before.total, kbps, 1);
      const next = links.map(
        (link) => [link.slot, longer(before.links.get(link.slot), link.kbps, total.length)] as const,
      );
      return [name, { total, links: new Map(next) }];
    }),
  );

const LOOKS_PER_STEP = 4;

/** The node keeps a value for every two seconds: between them the line goes straight. */
const fine = (values: readonly number[]): number[] =>
  values.flatMap((value, index) =>
    Array.from({ length: LOOKS_PER_STEP }, (_, part) => {
      const next = values[index + 1] ?? value;
      return value + ((next - value) * part) / LOOKS_PER_STEP;
    }),
  );

const longTrail = ({ total, links }: TrailsView[number]): Trail => ({
  total: fine(total),
  links: new Map(links.map(({ slot, kbps }) => [slot, fine(kbps)])),
});

/** What a feed answers; nothing of it is read. 0: nothing answers. */
const statusOf = async (path: string): Promise<number> => {
  const ended = new AbortController();
  try {
    return (await fetch(path, { signal: ended.signal })).status;
  } catch {
    return 0;
  } finally {
    ended.abort();
  }
};

/** Follows a feed; it connects anew by itself while the node is away, or has no room. */
const useFeed = <T extends LiveView | SharedView>(
  path: string,
  streamsOf: (view: T) => readonly StreamView[],
  onOver: () => void,
): FeedState<T> => {
  const [state, setState] = useState<FeedState<T>>({
    view: undefined,
    trails: new Map(),
    isLate: false,
    isOver: false,
    isFull: false,
  });
  useEffect(() => {
    let source: EventSource | undefined;
    let again: ReturnType<typeof setTimeout> | undefined;
    let isLeft = false;
    let late: ReturnType<typeof setTimeout> | undefined;
    const watch = (): void => {
      clearTimeout(late);
      late = setTimeout(() => setState((before) => ({ ...before, isLate: true })), LATE_AFTER_MS);
    };
    const begin = (): void => {
      const own = new EventSource(path);
      source = own;
      own.onmessage = ({ data }) => {
        watch();
        const view = JSON.parse(data as string) as T;
        const fine = { isLate: false, isOver: false, isFull: false };
        setState(({ trails }) => ({ view, trails: advance(trails, streamsOf(view)), ...fine }));
      };
      own.addEventListener('trails', ({ data }) => {
        const parsed = JSON.parse(data as string) as TrailsView;
        setState((before) => ({ ...before, trails: new Map(parsed.map((trail) => [trail.name, longTrail(trail)])) }));
      });
      // A refusal ends the source, and does not say which; an interruption does not end it.
      own.onerror = () => {
        if (own.readyState === EventSource.CLOSED) void statusOf(path).then(refused);
      };
    };
    const refused = (status: number): void => {
      if (isLeft) return;
      const isOver = FINAL.has(status);
      setState((before) => ({ ...before, isOver, isFull: status === 429 }));
      if (isOver) onOver();
      else again = setTimeout(begin, AGAIN_AFTER_MS);
    };
    watch();
    begin();
    return () => {
      isLeft = true;
      source?.close();
      clearTimeout(late);
      clearTimeout(again);
    };
  }, [path]);
  return state;
};

export const useLiveFeed = (onOver: () => void): FeedState<LiveView> =>
  useFeed<LiveView>('/feed', (view) => view.streams, onOver);

export const useSharedFeed = (token: string): FeedState<SharedView> =>
  useFeed<SharedView>(
    `/s/${token}/feed`,
    ({ stream }) => (stream ? [stream] : []),
    () => {},
  );

export interface Asked<T> {
  readonly data: T | undefined;
  readonly error: string | undefined;
  readonly reload: () => void;
}

/** What a path answers, asked again every so often; `undefined` asks nothing. */
export const useAsked = <T>(path: string | undefined, everyMs?: number): Asked<T> => {
  const [answer, setAnswer] = useState<{ path?: string | undefined; data?: T; error?: string }>({});
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    if (path === undefined) return undefined;
    let isOn = true;
    const ask = (): void => {
      get<T>(path).then(
        (data) => isOn && setAnswer({ path, data }),
        (error: Error) => {
          if (!isOn) return;
          // What is not there any more is not shown any more; a node that does not answer may still have it.
          const isGone = error instanceof ApiError && error.status === 404;
          setAnswer((before) => ({ ...(isGone ? {} : before), path, error: error.message }));
        },
      );
    };
    ask();
    const timer = everyMs === undefined ? undefined : setInterval(ask, everyMs);
    return () => {
      isOn = false;
      clearInterval(timer);
    };
  }, [path, everyMs, turn]);
  const own = answer.path === path ? answer : {};
  return { data: own.data, error: own.error, reload: () => setTurn((before) => before + 1) };
};
