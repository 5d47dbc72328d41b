/** What the node says of the stream at one moment. */
export type Reading =
  /** It is there, and what arrives has this level. */
  | { kind: 'live'; level: SceneLevel }
  /** Nobody publishes it. */
  | { kind: 'gone' }
  /** It stands still, or nothing can be said of it: a scene is no reason to change. */
  | { kind: 'unsure' };

export const SCENE_LEVELS = ['high', 'medium', 'low', 'veryLow'] as const;
export type SceneLevel = (typeof SCENE_LEVELS)[number];

/** Names of OBS scenes. `gone`: while nobody publishes. */
export type SceneMap = Readonly<Record<SceneLevel | 'gone', string>>;
