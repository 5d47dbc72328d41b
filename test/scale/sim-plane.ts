import type { AddressInfo } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { loadSettings } from '../../src/config/resolve.ts';
import type { HeaderBearer } from '../../src/control-plane/accounts/authenticator.ts';
import type { AccountsPart } from '../../src/control-plane/accounts-part.ts';
import { createControlPlane } from '../../src/control-plane/control-plane.ts';
import { openDatabase } from '../../src/control-plane/database/open.ts';
import type { Slot } from '../../src/control-plane/slots/slots.ts';
import { monotonicNow } from '../../src/shared/clock.ts';
import { createLogger } from '../../src/shared/logger.ts';

/*
 * A process of the control plane as it is, but for its users: whoever brings `Bearer u17` is the user u17, with one slot. Started by fleet-sim.ts,
 * with the plane's settings in the environment. It says its port and, when it is asked, what it has used.
 */

const slotOf = (userId: string): Slot => ({
  ...{ userId, slotNumber: 1, label: '', streamToken: `t${userId}`, dnsSlug: userId, isDisabled: false },
});
const bearerOf = ({ headers }: HeaderBearer): string => headers.authorization?.replace(/^Bearer /, '') ?? '';
const callerOf = async (request: HeaderBearer) => ({ userId: bearerOf(request), sid: bearerOf(request) });
const never = async (): Promise<never> => {
  throw new Error('not simulated');
};

const accounts: AccountsPart = {
  schema: { part: 'accounts', versions: [] },
  make: () => ({
    authenticator: { authenticate: callerOf, authenticateRunningClient: callerOf },
    entitlements: {
      of: async () => ({
        ...{
          relayAccess: 'enabled',
          reasonCode: 'ok',
          planTier: 'internal',
          planStatus: 'active',
          maxConcurrentConns: 5,
        },
      }),
    },
    slots: {
      forUser: async (userId) => [slotOf(userId)],
      get: async (userId) => slotOf(userId),
      byToken: async (token) => slotOf(token.slice(1)),
      bySlug: async (slug) => slotOf(slug),
      toStart: async (userId) => ({ slot: slotOf(userId) }),
      create: never,
      rename: never,
      regenerate: never,
      setDisabled: never,
      remove: never,
    },
    isAdmin: async () => true,
    routes: () => {},
  }),
};

const loaded = loadSettings({ argv: [], env: process.env, cwd: process.cwd(), readFile: () => undefined });
if ('problems' in loaded) throw new Error(loaded.problems.join('\n'));
const { settings } = loaded;
const db = await openDatabase(settings.dataDir, settings.controlPlane.databaseUrl);
const plane = await createControlPlane({
  ...{ settings, db, logger: createLogger('warn'), version: 'simulated', accounts },
  clock: monotonicNow,
  unixNow: Date.now,
});
await plane.app.listen({ port: 0, host: '127.0.0.1' });
plane.start();
const lag = monitorEventLoopDelay({ resolution: 10 });
lag.enable();
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.({
    type: 'used',
    cpuMs: (user + system) / 1_000,
    rssBytes: process.memoryUsage.rss(),
    lagP99Ms: lag.percentile(99) / 1e6,
  });
  lag.reset();
});
process.on('disconnect', () => process.exit());
process.send?.({ type: 'up', port: (plane.app.server.address() as AddressInfo).port });
