import { execFileSync } from 'node:child_process';
import { messageOf } from '../../src/shared/errors.ts';
import { Program } from './processes.ts';

const ip = (...args: string[]): void => {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
};

/** A network of its own, with loopback up. */
export class Namespace {
  readonly name: string;

  /** @throws where this is not permitted */
  constructor(name: string) {
    this.name = `${name}-${process.pid}`;
    ip('netns', 'add', this.name);
    this.ip('link', 'set', 'lo', 'up');
  }

  ip(...args: string[]): void {
    ip('-n', this.name, ...args);
  }

  run(command: string, args: readonly string[], env: Record<string, string> = {}): Program {
    return new Program('ip', ['netns', 'exec', this.name, command, ...args], { env });
  }

  /** `./tributary …` in here. */
  tributary(args: readonly string[], env: Record<string, string> = {}): Program {
    return this.run(process.execPath, ['dist/main.js', ...args], env);
  }

  remove(): void {
    ip('netns', 'del', this.name);
  }
}

/** A cable between two networks, with these addresses at its ends. */
export const connectNamespaces = (
  a: Namespace,
  aAddresses: readonly string[],
  b: Namespace,
  bAddresses: readonly string[],
): void => {
  const [aEnd, bEnd] = [`tva${process.pid}`, `tvb${process.pid}`];
  ip('link', 'add', aEnd, 'netns', a.name, 'type', 'veth', 'peer', 'name', bEnd, 'netns', b.name);
  for (const [space, end, addresses] of [
    [a, aEnd, aAddresses],
    [b, bEnd, bAddresses],
  ] as const) {
    // Duplicate address detection would delay IPv6 addresses.
    for (const address of addresses)
      space.ip('addr', 'add', address, 'dev', end, ...(address.includes(':') ? ['nodad'] : []));
    space.ip('link', 'set', end, 'up');
  }
};

/** Why there can be no namespaces here, or undefined. */
export const namespacesMissing = (): string | undefined => {
  try {
    const probe = new Namespace('tributary-probe');
    probe.remove();
    return undefined;
  } catch (error) {
    return `no network namespaces: ${messageOf(error).split('\n')[0]}`;
  }
};
