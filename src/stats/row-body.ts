import type { Row, RowChange } from '../sls-bridge/directory.ts';

type Options = Omit<Row, 'publisher' | 'player' | 'owner'>;
type Body = Readonly<Record<string, unknown>>;

const TEXTS = ['description', 'label', 'passphrase'] as const;
const NUMBERS = ['maxPlayers', 'maxBitrateKbps', 'latencyMs', 'playerLatencyMs'] as const;
const KNOWN: ReadonlySet<string> = new Set([...TEXTS, ...NUMBERS, 'expiresAt']);

const ISO_8601 = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)$/;

/** Unix ms, or ISO 8601 with a zone. */
const moment = (value: unknown): number | undefined => {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string' || !ISO_8601.test(value)) return undefined;
  const ms = Date.parse(value);
  return Number.isNaN(ms) ? undefined : ms;
};

/** The optional fields of a row as a body has them: their types, not their ranges. `null` is kept: it takes a field away. */
const readOptions = (body: Body): { options: RowChange } | { problem: string } => {
  const options: Record<string, unknown> = {};
  for (const name of KNOWN) {
    const value = body[name];
    if (value === undefined) continue;
    if (value === null) options[name] = null;
    else if (name === 'expiresAt') {
      const ms = moment(value);
      if (ms === undefined)
        return { problem: 'Invalid expiresAt: give Unix milliseconds, or ISO 8601 such as 2030-01-31T12:00:00Z' };
      options[name] = ms;
    } else {
      const type = TEXTS.some((text) => text === name) ? 'string' : 'number';
      if (typeof value !== type)
        return { problem: `Invalid ${name}: give a ${type === 'string' ? 'string' : 'whole number'}` };
      options[name] = value;
    }
  }
  return { options: options as RowChange };
};

const given = (options: RowChange): Options =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== null)) as Options;

export type NewRow = { row: Row } | { generate: { forPlugin: boolean } & Options } | { problem: string };

/** What a POST asks for: a given pair, or with neither id in it a new one. What SLS does not know is ignored, as SLS does it. */
export const readNewRow = (body: Body | undefined): NewRow => {
  if (!body) return { problem: 'Invalid JSON body' };
  const { publisher, player, plugin = false } = body;
  const read = readOptions(body);
  if ('problem' in read) return read;
  const options = given(read.options);
  if (publisher === undefined && player === undefined) {
    if (typeof plugin !== 'boolean') return { problem: 'Invalid plugin: give true or false' };
    return { generate: { forPlugin: plugin, ...options } };
  }
  if (typeof publisher !== 'string' || typeof player !== 'string')
    return { problem: 'Missing or invalid required fields: publisher, player' };
  return { row: { publisher, player, ...options } };
};

/** What a PATCH asks for. A name that is not known is a mistake: nothing else would tell. */
export const readRowChange = (body: Body | undefined): { change: RowChange } | { problem: string } => {
  if (!body) return { problem: 'Invalid JSON body' };
  for (const name of Object.keys(body)) {
    if (name === 'publisher' || name === 'player')
      return { problem: `Invalid ${name}: ids cannot be changed; add another one and delete this` };
    if (!KNOWN.has(name)) return { problem: `Unknown field: give some of ${[...KNOWN].join(', ')}` };
  }
  const read = readOptions(body);
  return 'problem' in read ? read : { change: read.options };
};
