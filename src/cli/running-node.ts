import { readFileSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { Settings } from '../config/load.ts';
import type { DataPlaneSnapshot } from '../data-plane/snapshot.ts';
import { RUNTIME_FILE, type RuntimeFacts } from '../node.ts';
import { formatEndpoint, ownAddressOf } from '../shared/address.ts';
import { codeOf, TributaryError } from '../shared/errors.ts';
import { DirectoryFile } from '../sls-bridge/directory-file.ts';
import type { Row } from '../sls-bridge/directory-rules.ts';
import type { DrainView } from '../stats/routes/drain.ts';

const STREAMS_FILE = 'streams.json';
const ANSWER_WITHIN_MS = 5_000;

const notRunning = (dataDir: string, what: string, cause?: unknown): TributaryError =>
  new TributaryError(
    'TRIBUTARY_NODE_NOT_RUNNING',
    `no node is running with the data folder ${dataDir} (${what})`,
    'start one with `npm start`, or name its folder with DATA_DIR or --data-dir',
    cause,
  );

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
};

const isPort = (value: unknown): value is number => Number.isInteger(value) && (value as number) > 0;

const parseFacts = (text: string): RuntimeFacts | undefined => {
  try {
    const facts = JSON.parse(text) as Partial<RuntimeFacts> | null;
    const ports = facts?.ports;
    if (!facts || !ports || typeof facts.token !== 'string' || !Number.isInteger(facts.pid)) return undefined;
    const single = [ports.publish, ports.play, ports.stats, ports.links];
    return Array.isArray(ports.srtla) && [...ports.srtla, ...single].every(isPort)
      ? (facts as RuntimeFacts)
      : undefined;
  } catch {
    return undefined;
  }
};

/** @throws TributaryError TRIBUTARY_NODE_NOT_RUNNING */
export const findRunningNode = (dataDir: string): RuntimeFacts => {
  let text: string;
  try {
    text = readFileSync(join(dataDir, RUNTIME_FILE), 'utf8');
  } catch (error) {
    const file = codeOf(error) === 'ENOENT' ? `there is no ${RUNTIME_FILE}` : `${RUNTIME_FILE}: ${codeOf(error)}`;
    throw notRunning(dataDir, file, error);
  }
  const facts = parseFacts(text);
  if (!facts) throw notRunning(dataDir, `${RUNTIME_FILE} is not what a node writes`);
  if (!isAlive(facts.pid)) throw notRunning(dataDir, `its process ${facts.pid} is gone`);
  return facts;
};

/** What a node has to say on one of its own paths. @param body makes it a POST; errors as `askNode` */
const callNode = async (
  path: string,
  node: RuntimeFacts,
  { bind, dataDir }: Pick<Settings, 'bind' | 'dataDir'>,
  body?: object,
): Promise<unknown> => {
  const where = formatEndpoint(ownAddressOf(bind), node.ports.stats);
  try {
    const answer = await fetch(`http://${where}${path}`, {
      headers: { authorization: `Bearer ${node.token}` },
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw notRunning(dataDir, `${where} answers with status ${answer.status}`);
    return await answer.json();
  } catch (error) {
    if (error instanceof TributaryError) throw error;
    throw notRunning(dataDir, `${where} does not answer`, error);
  }
};

/**
 * The present state of the node, publisher ids under their public names.
 * @throws TributaryError TRIBUTARY_NODE_NOT_RUNNING when it does not answer, or another program does
 */
export const askNode = async (
  node: RuntimeFacts,
  settings: Pick<Settings, 'bind' | 'dataDir'>,
): Promise<DataPlaneSnapshot> => (await callNode('/v1/doctor', node, settings)) as DataPlaneSnapshot;

/**
 * Whether the node is draining, and what is left. Errors as `askNode`.
 * @param drain true: no new publisher is admitted from now on; false: again; absent: only asks
 */
export const askDrain = async (
  node: RuntimeFacts,
  settings: Pick<Settings, 'bind' | 'dataDir'>,
  drain?: boolean,
): Promise<DrainView> =>
  (await callNode('/v1/drain', node, settings, drain === undefined ? undefined : { drain })) as DrainView;

/** Lets these rows pass to the control plane once its list names them. Errors as `askNode`. */
export const askHandOver = async (
  node: RuntimeFacts,
  settings: Pick<Settings, 'bind' | 'dataDir'>,
  players: readonly string[],
): Promise<void> => {
  await callNode('/v1/adopt', node, settings, { players });
};

/**
 * The stream ids on disk. Reads only: a folder without ids stays as it is, so that its first start still is one.
 * @throws TributaryError TRIBUTARY_NODE_NOT_RUNNING when there are none yet; TRIBUTARY_DATA_FILE_CORRUPT, TRIBUTARY_DATA_DIR_UNWRITABLE
 */
export const readRows = async (dataDir: string): Promise<readonly Row[]> => {
  try {
    await access(join(dataDir, STREAMS_FILE));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') throw notRunning(dataDir, 'it has no stream ids yet', error);
  }
  return (await DirectoryFile.open(dataDir)).directory.rows();
};
