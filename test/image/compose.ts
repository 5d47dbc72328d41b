import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse } from 'yaml';

/** What is used of a service of a compose file. Anything else in one is an error here, so that nothing is tested that is not run. */
export interface Service {
  image: string;
  build?: unknown;
  pull_policy?: string;
  restart?: string;
  stop_grace_period?: string;
  network_mode?: string;
  ports?: string[];
  environment?: Record<string, string> | string[];
  volumes?: string[];
  read_only?: boolean;
  tmpfs?: string[];
  cap_add?: string[];
  cap_drop?: string[];
  security_opt?: string[];
  pids_limit?: number;
  logging?: unknown;
}

const KNOWN = new Set<string>([
  ...[
    'image',
    'build',
    'pull_policy',
    'restart',
    'stop_grace_period',
    'network_mode',
    'ports',
    'environment',
    'volumes',
  ],
  ...['read_only', 'tmpfs', 'cap_add', 'cap_drop', 'security_opt', 'pids_limit', 'logging'],
]);

/** `${NAME}` and `${NAME:-default}`, as compose reads them. */
export const interpolate = (text: string, env: Readonly<Record<string, string>>): string =>
  text.replace(/\$\{(\w+)(?::-([^}]*))?\}/g, (_all, name: string, byDefault: string | undefined) => {
    const value = env[name];
    return value === undefined || value === '' ? (byDefault ?? '') : value;
  });

/** The lines of an `.env`; none where there is no file. */
export const readEnvFile = (path: string): Record<string, string> => {
  if (!existsSync(path)) return {};
  const lines = readFileSync(path, 'utf8').matchAll(/^\s*(\w+)=(.*)$/gm);
  return Object.fromEntries([...lines].map(([, name, value]) => [name!, value!.trim()]));
};

/** The services of a compose file with the values of `env` in it. */
export const readServices = (text: string, env: Readonly<Record<string, string>>): Record<string, Service> => {
  const { services } = parse(interpolate(text.replace(/^\s*#.*$/gm, ''), env)) as { services: Record<string, Service> };
  for (const [name, service] of Object.entries(services))
    for (const key of Object.keys(service))
      if (!KNOWN.has(key)) throw new Error(`service ${name}: ${key} is not translated for podman`);
  return services;
};

const seconds = (text: string): string => String(Number.parseInt(text, 10));

/**
 * What compose would ask the engine for, as arguments of `podman run` up to the image. Short names of volumes are folders below `folder`.
 */
export const podmanArguments = (service: Service, folder: string): string[] => {
  const given = service.environment ?? {};
  const environment = Array.isArray(given) ? given : Object.entries(given).map(([name, value]) => `${name}=${value}`);
  const volumes = (service.volumes ?? []).map((volume) => {
    const [host, ...rest] = volume.split(':');
    return [resolve(folder, host!), ...rest].join(':');
  });
  return [
    ...(service.network_mode === undefined ? [] : [`--network=${service.network_mode}`]),
    ...(service.restart === undefined ? [] : [`--restart=${service.restart}`]),
    ...(service.stop_grace_period === undefined ? [] : [`--stop-timeout=${seconds(service.stop_grace_period)}`]),
    ...(service.ports ?? []).map((port) => `--publish=${port}`),
    ...environment.map((value) => `--env=${value}`),
    ...volumes.map((volume) => `--volume=${volume}`),
    ...(service.read_only ? ['--read-only', '--read-only-tmpfs=false'] : []),
    ...(service.tmpfs ?? []).map((mount) => `--tmpfs=${mount}`),
    ...(service.cap_drop ?? []).map((name) => `--cap-drop=${name}`),
    ...(service.cap_add ?? []).map((name) => `--cap-add=${name}`),
    ...(service.security_opt ?? []).map(
      (option) => `--security-opt=${option.replace(/^no-new-privileges:true$/, 'no-new-privileges')}`,
    ),
    ...(service.pids_limit === undefined ? [] : [`--pids-limit=${service.pids_limit}`]),
  ];
};
