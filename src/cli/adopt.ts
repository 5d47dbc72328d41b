import type { Settings } from '../config/load.ts';
import { SLOT_IS_THERE } from '../control-plane/slots/stream-token.ts';
import { TributaryError } from '../shared/errors.ts';
import { shortenId } from '../shared/redact.ts';
import { type Adoptable, planAdoption } from './adoption.ts';
import { askHandOver, findRunningNode, readRows } from './running-node.ts';
import { settingsOrProblems } from './settings-arguments.ts';

const HELP = `Usage: ./tributary adopt --user USER [--plane URL] [--dry-run] [ID …] [--data-dir FOLDER] [--SETTING VALUE …]

Makes the stream ids of the running node slots of a user of its control plane: senders and players keep their ids. USER is an e-mail address
or id at the plane, which is asked with CONTROL_PLANE_ADMIN_KEY. Without ID all of the node's own ids are taken.

Each id stays the node's own, and admitted, until a list of the plane names it, with the first session of its slot. From then on the plane
says where and when it may stream. Ids that cannot be a slot stay as they are; they are named.

  --user USER  whose slots they become
  --plane URL  where the plane is; otherwise CONTROL_URL
  --dry-run    only says what would be done
`;

const ANSWER_WITHIN_MS = 10_000;

export interface AdoptArguments {
  user: string;
  /** Of the plane; empty: that of the settings. */
  url: string;
  isDryRun: boolean;
  ids: readonly string[];
  /** For the settings. */
  rest: readonly string[];
}

const bad = (what: string): TributaryError =>
  new TributaryError('TRIBUTARY_BAD_ARGUMENT', what, 'see ./tributary adopt --help');

/** @throws TributaryError TRIBUTARY_BAD_ARGUMENT */
export const adoptArguments = (argv: readonly string[]): AdoptArguments => {
  let [user, url, isDryRun] = ['', '', false];
  const [ids, rest]: [string[], string[]] = [[], []];
  for (let index = 0; index < argv.length; index++) {
    const argument = argv[index]!;
    const [name, joined] = argument.split(/=(.*)/s);
    if (argument === '--dry-run') isDryRun = true;
    else if (name === '--user') user = joined ?? argv[++index] ?? '';
    else if (name === '--plane') url = joined ?? argv[++index] ?? '';
    else if (!argument.startsWith('-')) ids.push(argument);
    else {
      rest.push(argument);
      // The value of a setting is no id.
      if (joined === undefined && index + 1 < argv.length && !argv[index + 1]!.startsWith('-'))
        rest.push(argv[++index]!);
    }
  }
  if (user === '') throw bad('--user is missing: whose slots the ids become');
  if (url !== '' && !/^https?:\/\/[^\s/?#]+\/?$/.test(url))
    throw bad('--plane is https://HOST, or http:// on loopback, without a path');
  return { user, url, isDryRun, ids, rest };
};

const refused = (what: string, mend: string, cause?: unknown): TributaryError =>
  new TributaryError('TRIBUTARY_PLANE_REFUSED', what, mend, cause);

/** @returns false where it is a slot already @throws TributaryError TRIBUTARY_PLANE_REFUSED */
const makeSlot = async (
  { url, key, user }: { url: string; key: string; user: string },
  { row, streamToken }: Adoptable,
): Promise<boolean> => {
  const label = [...(row.label ?? row.description ?? '').replace(/\s+/g, ' ').trim()].slice(0, 64).join('');
  const path = `${url.replace(/\/$/, '')}/api/v1/admin/users/${encodeURIComponent(user)}/stream-slots`;
  let status: number;
  let message: string;
  try {
    const answer = await fetch(path, {
      body: JSON.stringify({ stream_token: streamToken, ...(label === '' ? {} : { label }) }),
      headers: { authorization: `Bearer ${key}` },
      method: 'POST',
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    status = answer.status;
    const body = (await answer.json().catch(() => undefined)) as { error?: { message?: unknown } } | undefined;
    message = String(body?.error?.message ?? '').slice(0, 200);
  } catch (error) {
    throw refused(
      `the control plane at ${url} does not answer`,
      'check CONTROL_URL; nothing that was done is lost',
      error,
    );
  }
  if (status === 201) return true;
  if (status === 409 && message.startsWith(SLOT_IS_THERE)) return false;
  throw refused(
    `the control plane does not make a slot of ${shortenId(row.publisher)}: status ${status} ${message}`.trimEnd(),
    status === 401
      ? 'set CONTROL_PLANE_ADMIN_KEY to the key of the plane'
      : 'check --user; the command may be repeated',
  );
};

/** The key of an administrator goes there: in the open only on this machine. */
const isSafe = (url: string): boolean => {
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || /^(?:127(?:\.\d+){3}|\[::1\]|localhost)$/.test(hostname);
};

const targetOf = (given: string, { control, controlPlane }: Settings): { url: string; key: string } => {
  const url = given || control.url;
  if (url === undefined) throw bad('no control plane is named: give --plane, or set CONTROL_URL');
  if (!isSafe(url)) throw bad('the control plane is to be reached by https://, but for one on this machine');
  if (controlPlane.adminKey === undefined) throw bad('CONTROL_PLANE_ADMIN_KEY is not set');
  return { url, key: controlPlane.adminKey };
};

/** `./tributary adopt`. @returns the exit code: 1 where ids stay that were meant @throws TributaryError */
export const runAdopt = async (argv: readonly string[]): Promise<number> => {
  if (argv.includes('--help')) {
    process.stdout.write(HELP);
    return 0;
  }
  const { user, url, isDryRun, ids, rest } = adoptArguments(argv);
  const settings = settingsOrProblems(rest);
  if (!settings) return 2;
  const tell = (line: string): boolean => process.stdout.write(`${line}\n`);
  const target = { ...targetOf(url, settings), user };
  const node = findRunningNode(settings.dataDir);
  const { adopt, stay, unknown } = planAdoption(await readRows(settings.dataDir), ids);
  for (const { row, why } of stay) tell(`${shortenId(row.publisher)} stays the node's own: ${why}`);
  for (const id of unknown) tell(`${shortenId(id)} is no id of the node's own`);
  if (adopt.length === 0) tell('there is nothing to adopt');
  for (const one of isDryRun ? [] : adopt) {
    const isNew = await makeSlot(target, one);
    // One by one: what comes to an end in the middle is done up to there.
    await askHandOver(node, settings, [one.row.player]);
    tell(`${shortenId(one.row.publisher)} ${isNew ? `is a slot of ${user} now` : 'is a slot already'}`);
  }
  if (isDryRun) for (const { row } of adopt) tell(`${shortenId(row.publisher)} would become a slot of ${user}`);
  return unknown.length > 0 || (ids.length > 0 && stay.length > 0) ? 1 : 0;
};
