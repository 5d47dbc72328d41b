import { useEffect, useState } from 'preact/hooks';
import type { LiveView, SharedView, StreamView, TrailsView } from '../stats/dashboard-types.ts';
import { get } from './api.ts';

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
  /** The node refuses: signed out, or the link is over. */
  readonly isOver: boolean;
}

const LATE_AFTER_MS = 3_000;
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

/** Follows a feed; it connects anew by itself while the node is away. */
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
  });
  useEffect(() => {
    const source = new EventSource(path);
    let late: ReturnType<typeof setTimeout> | undefined;
    const watch = (): void => {
      clearTimeout(late);
      late = setTimeout(() => setState((before) => ({ ...before, isLate: true })), LATE_AFTER_MS);
    };
    watch();
    source.onmessage = ({ data }) => {
      watch();
      const view = JSON.parse(data as string) as T;
      setState(({ trails }) => ({ view, trails: advance(trails, streamsOf(view)), isLate: false, isOver: false }));
    };
    source.addEventListener('trails', ({ data }) => {
      const trails = new Map((JSON.parse(data as string) as TrailsView).map((trail) => [trail.name, longTrail(trail)]));
      setState((before) => ({ ...before, trails }));
    });
    source.onerror = () => {
      // A refusal ends the source; an interruption does not.
      if (source.readyState !== EventSource.CLOSED) return;
      setState((before) => ({ ...before, isOver: true }));
      onOver();
    };
    return () => {
      source.close();
      clearTimeout(late);
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
        (error: Error) => isOn && setAnswer((before) => ({ ...before, path, error: error.message })),
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
