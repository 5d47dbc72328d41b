import { onTestFinished } from 'vitest';
import { ControlClient } from '../../src/control-client/control-client.ts';
import { ControlFile } from '../../src/control-client/control-file.ts';
import { PlaneHttp } from '../../src/control-client/plane-http.ts';
import { PlaneRows } from '../../src/control-client/plane-rows.ts';
import type { LinksRequest } from '../../src/control-plane/protocol.ts';
import type { Row } from '../../src/sls-bridge/directory.ts';
import { DirectoryFile } from '../../src/sls-bridge/directory-file.ts';
import { keepingLogger, type Line } from '../data-plane/host-harness.ts';
import { temporaryFolder } from './data-dir.ts';

/** The row that such a node begins with. */
export const LOCAL: Row = { publisher: 'live_mine', player: 'play_mine' };

export interface RowsOnlyNode {
  client: ControlClient;
  store: DirectoryFile;
  file: ControlFile;
  lines: Line[];
  heldRows: string[];
  /** Player ids that are listed. */
  players(): string[];
  links: LinksRequest['streams'];
}

export interface RowsOnlyOptions {
  plane: { readonly url: string };
  serverId: string;
  nodeKey: string;
  folder?: string;
  /** When what was changed is in effect. */
  settled?: () => Promise<boolean>;
}

/** A node's control client and directory without a data plane; its clocks run faster, and nothing is left to luck. */
export const startRowsOnlyNode = async ({
  plane,
  serverId,
  nodeKey,
  folder = temporaryFolder(),
  settled = async () => true,
}: RowsOnlyOptions): Promise<RowsOnlyNode> => {
  const lines: Line[] = [];
  const logger = keepingLogger(lines);
  const store = await DirectoryFile.open(folder, Date.now, () => [LOCAL]);
  const file = await ControlFile.open(folder, logger);
  await file.save({});
  const heldRows: string[] = [];
  const onHeld = (rows: readonly Row[]): void => {
    heldRows.push(...rows.map(({ player }) => player));
  };
  const clock = (): number => performance.now();
  const rows = new PlaneRows({ store, file, settled, onHeld, clock, logger });
  const { instance } = file.state;
  const url = (): string => plane.url;
  const made: Omit<RowsOnlyNode, 'client'> = {
    store,
    file,
    lines,
    heldRows,
    links: [],
    players: () => store.directory.rows().map(({ player }) => player),
  };
  const client = new ControlClient({
    http: new PlaneHttp({ url, serverId, nodeKey, instance, version: '0.1.0' }),
    rows,
    instance,
    facts: () => ({
      version: '0.1.0',
      region: 'us-central',
      provider: 'custom',
      ports: { srtla: [5_000], publish: 4_001, play: 4_000, stats: 8_090, links: 5_080 },
      limits: { maxSessions: 10 },
    }),
    vitals: () => ({
      uptimeMs: 1_000,
      unixMs: Date.now(),
      draining: false,
      notReady: [],
      score: 100,
      parts: { alive: 30, capacity: 25, loss: 25, load: 20 },
      sessions: { publishers: 0, players: 0, groups: 0 },
      traffic: { month: '2030-01', receivedBytes: 0, sentBytes: 0 },
      ingesting: [],
    }),
    linkStreams: () => made.links,
    clock,
    random: () => 0,
    logger,
    heartbeatMs: 200,
    linksMs: 20,
  });
  client.start();
  onTestFinished(() => client.stop());
  return Object.assign(made, { client });
};
