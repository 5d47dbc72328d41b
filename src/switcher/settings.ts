import { parseDocument } from 'yaml';
import { z } from 'zod';
import { TributaryError } from '../shared/errors.ts';
import { nearest } from '../shared/nearest.ts';

const scene = z.string().min(1).max(256);
const webAddress = (...schemes: string[]) =>
  z.string().refine((text) => URL.canParse(text) && schemes.includes(new URL(text).protocol));

const SCHEMA = z.strictObject({
  node: webAddress('http:', 'https:').transform((text) => text.replace(/\/+$/, '')),
  stream: z.string().regex(/^[\x21-\x7e]{1,512}$/),
  obs: z
    .strictObject({
      url: webAddress('ws:', 'wss:').default('ws://127.0.0.1:4455'),
      password: z.string().min(1).max(256).optional(),
      onlyWhileStreaming: z.boolean().default(true),
    })
    .prefault({}),
  scenes: z.strictObject({ high: scene, medium: scene, low: scene, veryLow: scene, gone: scene }),
  retries: z.int().min(1).max(60).default(5),
  instantRecovery: z.boolean().default(true),
  unknownAfterSeconds: z.int().min(1).max(600).default(15),
  mediaSource: scene.optional(),
});

export type SwitcherSettings = z.output<typeof SCHEMA>;

/** How each value is mended. */
const MENDS: Readonly<Record<string, string>> = {
  node: 'give the address of the statistics of the node, such as http://relay.example:8090',
  stream: 'give the player id of the stream',
  'obs.url': 'give the address of obs-websocket, such as ws://127.0.0.1:4455',
  'obs.password': 'give the password of obs-websocket, in quotes',
  'obs.onlyWhileStreaming': 'give true or false',
  retries: 'give a whole number from 1 to 60',
  instantRecovery: 'give true or false',
  unknownAfterSeconds: 'give whole seconds from 1 to 600',
  mediaSource: 'give the name of a media source of OBS',
};
const KEYS: Readonly<Record<string, readonly string[]>> = {
  '': Object.keys(SCHEMA.shape),
  obs: ['url', 'password', 'onlyWhileStreaming'],
  scenes: ['high', 'medium', 'low', 'veryLow', 'gone'],
};

/** What `./tributary switcher --example` prints. */
export const EXAMPLE = `# Where the node answers, and the player id of the stream.
node: http://relay.example:8090
stream: play_your_player_id

obs:
  url: ws://127.0.0.1:4455
  # Or in the environment, as OBS_PASSWORD.
  # password: 'of Tools, WebSocket Server Settings'
  # false: scenes change while OBS does not stream, too.
  onlyWhileStreaming: true

# The scene for each level of what arrives (docs/quality.md), and for a stream that is gone. While another scene is shown than one of these,
# nothing is changed.
scenes:
  high: Live
  medium: Live
  low: Live
  veryLow: Low bitrate
  gone: BRB

# So many seconds in a row have to ask for the same scene.
retries: 5
# Back from the scene of a stream that is gone without waiting for that.
instantRecovery: true
# The stream is taken for gone when the node has not answered for so long.
unknownAfterSeconds: 15

# The media source that plays the stream: it is started anew when it has ended or stands still while the stream is there.
# mediaSource: Relay
`;

const bad = (problems: readonly string[], cause?: unknown): TributaryError =>
  new TributaryError(
    'TRIBUTARY_BAD_SETTING',
    problems.join('; '),
    './tributary switcher --example prints a file that is right',
    cause,
  );

const problemOf = (issue: z.core.$ZodIssue): string[] => {
  const path = issue.path.join('.');
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => {
      const near = nearest(key, KEYS[path] ?? []);
      return `${path === '' ? key : `${path}.${key}`} is not known${near === undefined ? '' : ` (did you mean ${near}?)`}`;
    });
  if (path === '' || path === 'scenes' || path === 'obs') return [`${path || 'the file'} holds no block of settings`];
  const isMissing = issue.code === 'invalid_type' && issue.input === undefined;
  return [`${path} is ${isMissing ? 'missing' : 'not right'}: ${MENDS[path] ?? 'give the name of a scene'}`];
};

/**
 * @param name of the file, for problems
 * @throws TributaryError TRIBUTARY_BAD_SETTING with every problem there is
 */
export const readSwitcherSettings = (
  text: string,
  name: string,
  env: Readonly<Record<string, string | undefined>>,
): SwitcherSettings => {
  const document = parseDocument(text, { prettyErrors: true });
  const [error] = document.errors;
  if (error) throw bad([`${name} is not valid YAML: ${error.message.split('\n')[0]}`], error);
  const read = SCHEMA.safeParse(document.toJS(), { reportInput: true });
  if (!read.success) throw bad(read.error.issues.flatMap(problemOf).map((problem) => `${name}: ${problem}`));
  const password = env.OBS_PASSWORD || read.data.obs.password;
  return { ...read.data, obs: { ...read.data.obs, password } };
};
