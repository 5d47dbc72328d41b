import { useState } from 'preact/hooks';
import type { IdView } from '../../stats/dashboard-types.ts';
import { call } from '../api.ts';
import { CopyButton } from '../parts/Copy.tsx';
import { Dialog } from '../parts/Dialog.tsx';

const TEXTS = ['label', 'passphrase'] as const;
const NUMBERS = [
  { name: 'maxPlayers', text: 'Players at most', help: 'On this player id.', min: 1, max: 1_000 },
  {
    name: 'maxBitrateKbps',
    text: 'Bitrate at most, kbit/s',
    help: '20 % above it, or 30 s above it, closes the stream.',
    min: 64,
    max: 1_000_000,
  },
  {
    name: 'latencyMs',
    text: 'Sender latency at least, ms',
    help: 'An app that asks for less gets this.',
    min: 20,
    max: 30_000,
  },
  { name: 'playerLatencyMs', text: 'Player latency at least, ms', help: 'Likewise for players.', min: 20, max: 30_000 },
] as const;

type Values = Record<string, string>;

const valuesOf = (id: IdView | undefined): Values => ({
  label: id?.label ?? '',
  passphrase: '',
  ...Object.fromEntries(NUMBERS.map(({ name }) => [name, String(id?.[name] ?? '')])),
  expires: id?.expiresAt === undefined ? '' : new Date(id.expiresAt).toISOString().slice(0, 10),
});

/** What the node is to be told: for a new id what is given, for another one what has changed; nothing takes a value away. */
const bodyOf = (values: Values, before: Values, isNew: boolean): Record<string, unknown> => {
  const body: Record<string, unknown> = {};
  const set = (name: string, text: string, value: unknown): void => {
    if (text === before[name]) return;
    if (text !== '') body[name] = value;
    else if (!isNew) body[name] = null;
  };
  for (const name of TEXTS) set(name, values[name]!.trim(), values[name]!.trim());
  for (const { name } of NUMBERS) set(name, values[name]!, Number(values[name]));
  if (values.expires !== before.expires)
    body.expiresAt = values.expires === '' ? null : Date.parse(`${values.expires}T23:59:59Z`);
  return isNew ? Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null)) : body;
};

interface NewIds {
  publisher: string;
  player: string;
}

/** Makes an id, or changes the name and limits of one. */
export const IdForm = ({ id, onClose }: { id: IdView | undefined; onClose: () => void }) => {
  const before = valuesOf(id);
  const [values, setValues] = useState(before);
  const [forPlugin, setForPlugin] = useState(false);
  const [isPassphraseOff, setPassphraseOff] = useState(false);
  const [problem, setProblem] = useState('');
  const [made, setMade] = useState<NewIds>();
  const put = (name: string, value: string): void => setValues((old) => ({ ...old, [name]: value }));
  const onSubmit = (event: SubmitEvent): void => {
    event.preventDefault();
    const body = bodyOf(values, before, id === undefined);
    if (isPassphraseOff) body.passphrase = null;
    const done = id
      ? call('PATCH', `/api/stream-ids/${encodeURIComponent(id.player)}`, body).then(onClose)
      : call<NewIds>('POST', '/api/stream-ids', { ...body, plugin: forPlugin }).then(setMade);
    done.catch((error: Error) => setProblem(error.message));
  };
  if (made)
    return (
      <Dialog title="The id is there" onClose={onClose}>
        <dl class="made-ids">
          {(['publisher', 'player'] as const).map((kind) => (
            <div key={kind} class="paste-row">
              <dt>{kind} id</dt>
              <dd>
                <code class="paste-value" data-made={kind}>
                  {made[kind]}
                </code>
                <CopyButton text={made[kind]} what={`the ${kind} id`} />
              </dd>
            </div>
          ))}
        </dl>
        <p class="faint">Its page has URLs, QR codes and the OBS block.</p>
        <p class="actions end">
          <button type="button" class="button primary" onClick={onClose}>
            Done
          </button>
        </p>
      </Dialog>
    );
  return (
    <Dialog title={id ? 'Name and limits' : 'New stream id'} onClose={onClose}>
      <form onSubmit={onSubmit} class="form">
        <label class="field">
          <span>Name</span>
          <input
            name="label"
            maxlength={100}
            value={values.label}
            onInput={(event) => put('label', event.currentTarget.value)}
          />
          <small>For people: it stands on cards and shared pages.</small>
        </label>
        {id === undefined && (
          <label class="check">
            <input
              type="checkbox"
              name="plugin"
              checked={forPlugin}
              onChange={(event) => setForPlugin(event.currentTarget.checked)}
            />
            <span>
              For the OBS plugin
              <small>
                Player and publisher id share one token, which the plugin needs. Whoever sees one of them then knows the
                other.
              </small>
            </span>
          </label>
        )}
        <details open={id !== undefined}>
          <summary>Passphrase and limits</summary>
          <div class="form-grid">
            <label class="field">
              <span>Passphrase</span>
              <input
                name="passphrase"
                minlength={10}
                maxlength={79}
                autocomplete="off"
                disabled={isPassphraseOff}
                placeholder={id?.passphrase ? 'set; leave empty to keep it' : ''}
                value={values.passphrase}
                onInput={(event) => put('passphrase', event.currentTarget.value)}
              />
              <small>10 to 79 characters; sender and players need the same.</small>
            </label>
            {NUMBERS.map(({ name, text, help, min, max }) => (
              <label key={name} class="field">
                <span>{text}</span>
                <input
                  name={name}
                  type="number"
                  min={min}
                  max={max}
                  value={values[name]}
                  onInput={(event) => put(name, event.currentTarget.value)}
                />
                <small>{help}</small>
              </label>
            ))}
            <label class="field">
              <span>Good until</span>
              <input
                name="expires"
                type="date"
                value={values.expires}
                onInput={(event) => put('expires', event.currentTarget.value)}
              />
              <small>The end of that day, UTC. Empty: for good.</small>
            </label>
          </div>
          {id?.passphrase && (
            <label class="check">
              <input
                type="checkbox"
                checked={isPassphraseOff}
                onChange={(event) => setPassphraseOff(event.currentTarget.checked)}
              />
              <span>Take the passphrase away</span>
            </label>
          )}
        </details>
        <p class="notice" data-tone="bad" role="alert" hidden={problem === ''}>
          {problem}
        </p>
        <p class="actions end">
          <button type="button" class="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="button primary">
            {id ? 'Save' : 'Make it'}
          </button>
        </p>
      </form>
    </Dialog>
  );
};

/** What is to be deleted: a player id, or a publisher id with all of its player ids. */
export interface Doomed {
  readonly id: IdView;
  readonly whole: boolean;
}

/** The two ways to delete an id, and what is different. */
export const RevokeDialog = ({ doomed, onClose }: { doomed: Doomed; onClose: () => void }) => {
  const { id, whole } = doomed;
  const [problem, setProblem] = useState('');
  const run = (mode: 'soft' | 'revoke') => (): void => {
    const path = `/api/stream-ids/${encodeURIComponent(whole ? id.publisher : id.player)}?mode=${mode}`;
    call('DELETE', path).then(onClose, (error: Error) => setProblem(error.message));
  };
  return (
    <Dialog title={whole ? `Delete ${id.label ?? id.name}?` : 'Delete this player id?'} onClose={onClose}>
      <div class="choices">
        <section>
          <h3>Revoke now</h3>
          <p>
            {whole
              ? 'Sender and players are cut within a second and refused from then on. Take this when the id is in wrong hands.'
              : 'Whoever watches with it is cut within a second and refused from then on. The stream goes on for its other player ids.'}
          </p>
          <button type="button" class="button danger" onClick={run('revoke')}>
            Revoke now
          </button>
        </section>
        <section>
          <h3>Let it run out</h3>
          <p>
            The id leaves the list.{' '}
            {id.live
              ? 'While the stream is live it may be used for ten minutes more, through reconnections too.'
              : 'Nobody is live on it: it is refused at once.'}
          </p>
          <button type="button" class="button" onClick={run('soft')}>
            Let it run out
          </button>
        </section>
      </div>
      <p class="notice" data-tone="bad" role="alert" hidden={problem === ''}>
        {problem}
      </p>
      <p class="actions end">
        <button type="button" class="button" onClick={onClose}>
          Keep it
        </button>
      </p>
    </Dialog>
  );
};
