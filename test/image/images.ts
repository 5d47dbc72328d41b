import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { command, hasImage, podman, ROOT, STORE } from './podman.ts';

const { installRuntime, runtimeVersion } = createRequire(import.meta.url)('../../bin/runtime.cjs') as {
  installRuntime(root: string, options: { env: NodeJS.ProcessEnv }): Promise<void>;
  runtimeVersion(root: string): string | undefined;
};

/** Stands for the base that the Dockerfile names, where no registry of images is in reach. */
export const BASE_IMAGE = 'localhost/tributary-test/node:24-bookworm-slim';
const DEBIAN_IMAGE = 'localhost/tributary-test/debian:bookworm-slim';
/** The image that is tested, and another one of the same, to upgrade to. */
export const IMAGE = 'localhost/tributary-test/tributary:local';
const MAX_AGE_MS = 7 * 86_400_000;
/** What the slim image of Debian leaves out as well. */
const LEFT_OUT = [
  '/usr/share/doc/*',
  '/usr/share/man/*',
  '/usr/share/locale/*',
  '/usr/share/info/*',
  '/usr/share/lintian/*',
];

const MERGED = '/usr/share/mmdebstrap/hooks/merged-usr';

const isFresh = async (image: string): Promise<boolean> => {
  if (!(await hasImage(image))) return false;
  const created = await podman(['image', 'inspect', '--format', '{{.Created.Unix}}', image]);
  return Date.now() - Number(created) * 1_000 < MAX_AGE_MS;
};

const buildDebian = async (folder: string): Promise<void> => {
  const tar = join(folder, 'debian.tar');
  const leaveOut = LEFT_OUT.map((path) => `--dpkgopt=path-exclude=${path}`);
  const clean = 'rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/* "$1"/var/log/*';
  await command('mmdebstrap', [
    // Merged from the start, as the published image: else a Perl comes along to merge it, 50 MB.
    ...['--quiet', '--variant=minbase', `--hook-dir=${MERGED}`, '--dpkgopt=force-unsafe-io', ...leaveOut],
    ...['--dpkgopt=path-include=/usr/share/doc/*/copyright', '--aptopt=Acquire::Languages "none"'],
    ...['--aptopt=Dir::Cache::pkgcache ""', '--aptopt=Dir::Cache::srcpkgcache ""'],
    ...[`--customize-hook=${clean}`, 'bookworm', tar],
  ]);
  await podman(['import', tar, DEBIAN_IMAGE]);
};

/**
 * Makes the base: Debian 12 as it is now, security updates included, with Node 24, npm and Node's headers where the published image has them.
 * One that is a week old is made anew.
 */
export const ensureBase = async (say: (line: string) => void): Promise<void> => {
  if (await isFresh(BASE_IMAGE)) return;
  say('making the base image (Debian 12 and Node 24)');
  mkdirSync(STORE, { recursive: true });
  const folder = mkdtempSync(join(STORE, 'base-'));
  try {
    if (!(await isFresh(DEBIAN_IMAGE))) await buildDebian(folder);
    if (runtimeVersion(ROOT) === undefined) await installRuntime(ROOT, { env: process.env });
    const modules = join(ROOT, '.runtime/node_modules');
    const context = join(folder, 'context');
    mkdirSync(join(context, 'lib/node_modules'), { recursive: true });
    cpSync(join(modules, 'node/bin'), join(context, 'bin'), { recursive: true });
    cpSync(join(modules, 'npm'), join(context, 'lib/node_modules/npm'), { recursive: true });
    const headers = join(modules, 'node/include');
    // The slim image has the OpenSSL headers of its own architecture alone: a thirtieth of them.
    const keep = (path: string): boolean => !path.includes('/openssl/archs/');
    if (existsSync(headers)) cpSync(headers, join(context, 'include'), { recursive: true, filter: keep });
    const npm = '../lib/node_modules/npm/bin';
    writeFileSync(
      join(context, 'Dockerfile'),
      [
        `FROM ${DEBIAN_IMAGE}`,
        'COPY . /usr/local/',
        `RUN cd /usr/local/bin && ln -s ${npm}/npm-cli.js npm && ln -s ${npm}/npx-cli.js npx && rm /usr/local/Dockerfile`,
        'CMD ["node"]',
        '',
      ].join('\n'),
    );
    await podman(['build', '--pull=never', '--network=host', '--tag', BASE_IMAGE, context]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/**
 * Builds the product's Dockerfile as it stands. The network may want the certificates that this machine has: they are mounted for the
 * build, and stay out of the image.
 */
export const buildImage = async (say: (line: string) => void): Promise<void> => {
  await ensureBase(say);
  say('building the image');
  const revision = await command('git', ['rev-parse', 'HEAD']).catch(() => 'unknown');
  const created = await command('git', ['show', '-s', '--format=%cI', 'HEAD']).catch(() => 'unknown');
  const certificates = existsSync('/etc/ssl/certs') ? ['--volume=/etc/ssl/certs:/etc/ssl/certs:ro'] : [];
  await podman([
    // The health check is Docker's; the other format has no place for it.
    ...['build', '--format=docker', '--pull=never', '--network=host', ...certificates],
    ...[`--build-arg=NODE_IMAGE=${BASE_IMAGE}`, `--build-arg=REVISION=${revision}`, `--build-arg=CREATED=${created}`],
    ...['--file=docker/Dockerfile', '--tag', IMAGE, '.'],
  ]);
};
