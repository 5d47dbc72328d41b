import type { FastifyRequest } from 'fastify';
import type { Millis } from '../../shared/clock.ts';
import type { RelayCore } from '../relay-context.ts';
import { tokenOfPublisher } from './desired.ts';
import { listedTokens } from './ingest.ts';
import { askingNode, instanceOf, nodeKeyOf } from './node-auth.ts';

/** A node's row is read anew for its report of links only after this: once a second would be a query a second for each. */
const KNOWN_MS: Millis = 10_000;

export interface LinkReporter {
  readonly serverId: string;
  readonly sinceMs: Millis;
  /** Tokens on its list, and tokens that it has named and that are not. */
  listed: ReadonlySet<string>;
  unlisted: ReadonlySet<string>;
}

/** Nodes that report links every second, and whose streams these may be: those on their own lists. */
export class LinkReporters {
  readonly #core: RelayCore;
  readonly #known = new Map<string, LinkReporter>();

  constructor(core: RelayCore) {
    this.#core = core;
  }

  /** @throws ApiError as `askingNode` */
  async of(request: FastifyRequest): Promise<LinkReporter> {
    const now = this.#core.clock();
    const who = `${(request.params as { id: string }).id} ${instanceOf(request)} ${nodeKeyOf(request)}`;
    const known = this.#known.get(who);
    if (known && now - known.sinceMs < KNOWN_MS) return known;
    const { server_id: serverId } = await askingNode(this.#core, request);
    for (const [other, reporter] of this.#known) if (reporter.serverId === serverId) this.#known.delete(other);
    const reporter = { serverId, sinceMs: now, listed: new Set<string>(), unlisted: new Set<string>() };
    this.#known.set(who, reporter);
    return reporter;
  }

  /** Those of these publisher ids that the node may speak of. */
  async allowed(reporter: LinkReporter, publisherIds: readonly string[]): Promise<ReadonlySet<string>> {
    const tokens = publisherIds.flatMap((id) => tokenOfPublisher(id) ?? []);
    if (tokens.some((token) => !reporter.listed.has(token) && !reporter.unlisted.has(token))) {
      reporter.listed = await listedTokens(this.#core.db, reporter.serverId);
      reporter.unlisted = new Set(tokens.filter((token) => !reporter.listed.has(token)));
    }
    return new Set(publisherIds.filter((id) => reporter.listed.has(tokenOfPublisher(id) ?? '')));
  }
}
