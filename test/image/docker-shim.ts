// Stands for `docker` where there is no Docker: what receiver.sh and the documentation ask of it, done with podman in the network in which
// it is started. Arguments that it does not know are an error.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { podmanArguments, readEnvFile, readServices, type Service } from './compose.ts';
import { BASE_IMAGE, IMAGE } from './images.ts';
import { LIMITS, SMALL_MACHINE } from './machine.ts';
import { podman, STORE } from './podman.ts';

const LABEL = 'tributary.test.project';
const HASH = 'tributary.test.config';

/** Docker's short names are of Docker's registry; here everything is local. */
const local = (image: string): string => (image.includes('/') ? image : `localhost/${image}`);

const quietly = (args: readonly string[]): Promise<string> => podman(args).catch(() => '');

class Project {
  readonly #folder: string;
  readonly #name: string;
  readonly #services: Record<string, Service>;
  readonly #env: Record<string, string>;

  constructor(file: string, folder: string) {
    this.#folder = folder;
    this.#name = basename(folder).toLowerCase();
    this.#env = { ...readEnvFile(join(folder, '.env')), ...(process.env as Record<string, string>) };
    this.#services = readServices(readFileSync(resolve(folder, file), 'utf8'), this.#env);
  }

  #container(service: string): string {
    return `${this.#name}-${service}-1`;
  }

  async #all(): Promise<string[]> {
    const names = await podman(['ps', '--all', '--filter', `label=${LABEL}=${this.#name}`, '--format', '{{.Names}}']);
    return names.split('\n').filter(Boolean);
  }

  async up(args: readonly string[]): Promise<void> {
    const known = new Set(Object.keys(this.#services).map((name) => this.#container(name)));
    for (const name of await this.#all())
      if (!known.has(name) && args.includes('--remove-orphans')) await podman(['rm', '--force', '--time=10', name]);
    for (const [name, service] of Object.entries(this.#services)) {
      for (const volume of service.volumes ?? []) {
        const [host] = volume.split(':');
        mkdirSync(resolve(this.#folder, host!), { recursive: true });
      }
      const image = local(service.image);
      const container = this.#container(name);
      const options = [...podmanArguments(service, this.#folder), ...SMALL_MACHINE, ...LIMITS];
      const id = await podman(['image', 'inspect', '--format', '{{.Id}}', image]);
      const hash = createHash('sha256')
        .update(JSON.stringify([options, id]))
        .digest('hex')
        .slice(0, 16);
      const format = `{{index .Config.Labels "${HASH}"}} {{.State.Running}}`;
      const present = await quietly(['inspect', '--type=container', '--format', format, container]);
      if (present === `${hash} true` && !args.includes('--force-recreate')) continue;
      if (present !== '') await podman(['rm', '--force', '--time=10', container]);
      const labels = [`--label=${LABEL}=${this.#name}`, `--label=${HASH}=${hash}`];
      await podman(['run', '--detach', `--name=${container}`, ...labels, ...options, image]);
    }
  }

  async down(): Promise<void> {
    for (const name of await this.#all()) await podman(['rm', '--force', '--volumes', '--time=10', name]);
  }

  /** The Dockerfile has been built already: here it gets another number, so that there may be something to update to. */
  async build(): Promise<void> {
    for (const { image } of Object.values(this.#services)) {
      const context = resolve(this.#folder, this.#env.TRIBUTARY_CONTEXT ?? '.');
      if (!existsSync(join(context, 'docker/Dockerfile'))) throw new Error(`${context} has no docker/Dockerfile`);
      const from = process.env.SHIM_BROKEN_BUILD === '1' ? BASE_IMAGE : IMAGE;
      const folder = mkdtempSync(join(STORE, 'build-'));
      writeFileSync(join(folder, 'Dockerfile'), `FROM ${from}\nLABEL version="${process.env.SHIM_VERSION ?? '1'}"\n`);
      try {
        await podman(['build', '--format=docker', '--layers', '--pull=never', '--tag', local(image), folder]);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }
  }

  async run(command: string, args: readonly string[]): Promise<string> {
    if (command === 'up') await this.up(args);
    else if (command === 'down') await this.down();
    else if (command === 'build') await this.build();
    else if (command === 'ps') return podman(['ps', '--all', '--filter', `label=${LABEL}=${this.#name}`]);
    else if (command === 'logs') return podman(['logs', this.#container(args.at(-1)!)]);
    else if (command === 'exec') {
      const [service, ...rest] = args.filter((argument) => argument !== '-T');
      return podman(['exec', this.#container(service!), ...rest]);
    } else throw new Error(`docker compose ${command} is not known here`);
    return '';
  }
}

const compose = async (args: string[]): Promise<string> => {
  let file = 'docker-compose.yml';
  let folder = process.cwd();
  while (args[0]?.startsWith('-')) {
    const [option, value] = args.splice(0, 2);
    if (option === '--file' || option === '-f') file = value!;
    else if (option === '--project-directory') folder = resolve(value!);
    else throw new Error(`docker compose ${option} is not known here`);
  }
  const [command, ...rest] = args;
  if (command === 'version') return 'Docker Compose version v2.0.0';
  return new Project(file, folder).run(command!, rest);
};

const docker = async ([command, ...args]: string[]): Promise<string> => {
  if (command === 'compose') return compose(args);
  if (command === 'image' && args[0] === 'inspect') return podman(['image', ...args.slice(0, -1), local(args.at(-1)!)]);
  if (command === 'info') return podman(['info', '--format', '{{.Version.Version}}']);
  if (command === 'tag') return podman(['tag', args[0]!, local(args[1]!)]);
  throw new Error(`docker ${command} is not known here`);
};

try {
  const output = await docker(process.argv.slice(2));
  if (output !== '') process.stdout.write(`${output}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
