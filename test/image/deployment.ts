import { chownSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { podmanArguments, readServices, type Service } from './compose.ts';
import { IMAGE } from './images.ts';
import { type Container, type Machine, SMALL_MACHINE } from './machine.ts';
import { ROOT } from './podman.ts';

/** Who the node is in its container, and who SLS was. */
export const DATA_OWNER = 3_001;

/** As the old stack's script wrote it, with the statistics port that the OBS plugin asks. */
export const ENV = {
  APP_URL: 'http://203.0.113.9:8090',
  SRT_PLAYER_PORT: '4000',
  SRT_SENDER_PORT: '4001',
  SLS_STATS_PORT: '8090',
  SRTLA_PORT: '5000',
  SLS_MGNT_PORT: '3000',
};

export const composeText = (name: string): string => readFileSync(join(ROOT, name), 'utf8');

/** A folder as an operator has it: with a data folder that belongs to the node. */
export const operatorFolder = (path: string): string => {
  for (const name of ['data', 'geoip']) mkdirSync(join(path, name), { recursive: true });
  chownSync(join(path, 'data'), DATA_OWNER, DATA_OWNER);
  return path;
};

export interface Deployment {
  /** Path of a compose file below the root, or its text. */
  compose: string;
  folder: string;
  env?: Record<string, string>;
  service?: string;
  image?: string;
  limits?: readonly string[];
  /** Test settings, which no compose file has. */
  extraEnv?: Record<string, string>;
}

const serviceOf = ({ compose, folder, env = {}, service = 'receiver' }: Deployment): Service => {
  const text = compose.includes('\n') ? compose : composeText(compose);
  const found = readServices(text, { ...ENV, GEOIP_DIR: join(folder, 'geoip'), ...env })[service];
  if (!found) throw new Error(`there is no service ${service}`);
  return found;
};

/** Starts a service of a compose file as it stands, but for its image, on a machine of the smallest size. */
export const deploy = (machine: Machine, name: string, deployment: Deployment): Promise<Container> => {
  const extra = Object.entries(deployment.extraEnv ?? {}).map(([key, value]) => `--env=${key}=${value}`);
  const args = [
    ...podmanArguments(serviceOf(deployment), deployment.folder),
    ...(deployment.limits ?? SMALL_MACHINE),
    ...extra,
  ];
  return machine.run(name, args, deployment.image ?? IMAGE);
};
