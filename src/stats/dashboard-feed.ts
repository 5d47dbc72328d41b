import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Current, reading } from '../shared/current.ts';
import type { Callers } from './callers.ts';
import { sourceOf } from './request-budget.ts';

/** A page that reads so slowly that this much is waiting is let go, bytes; it connects anew. */
const MAX_WAITING_BYTES = 256 * 1_024;
const SOURCE_SHARE = 4;
const LEAST_PER_SOURCE = 8;
/** Shared pages may take so much of the room: a link that has gone round must not keep the operator out. */
const SHARED_SHARE = 2;

/** What a page sees. */
interface Seen {
  /** One message is made for all pages that see the same. */
  readonly subject: string;
  /** By a link that was shared, by somebody who is not signed in. */
  readonly isShared: boolean;
  /** Its right to see anything; looked at before each message. */
  readonly mayStay: () => boolean;
}

export interface Subscription extends Seen {
  /** What the page is told once, as an event `trails`. */
  readonly first: object;
}

interface Page extends Seen {
  readonly reply: FastifyReply;
  readonly source: string;
}

/** Pages that are kept up to date by server-sent events. */
export class DashboardFeed {
  readonly #callers: Callers;
  readonly #mostNow: () => number;
  readonly #pages = new Set<Page>();

  /** @param most pages at once */
  constructor(callers: Callers, most: Current<number>) {
    this.#callers = callers;
    this.#mostNow = reading(most);
  }

  get pages(): number {
    return this.#pages.size;
  }

  /**
   * Takes the request over.
   * @returns whether there was room
   */
  open(request: FastifyRequest, reply: FastifyReply, { subject, isShared, first, mayStay }: Subscription): boolean {
    const most = this.#mostNow();
    const source = sourceOf(this.#callers.addressOf(request));
    const pages = [...this.#pages];
    const ofSource = pages.filter((page) => page.source === source).length;
    const mostOfSource = Math.max(LEAST_PER_SOURCE, Math.floor(most / SOURCE_SHARE));
    const shared = pages.filter((page) => page.isShared).length;
    const isFull = pages.length >= most || (isShared && shared >= Math.floor(most / SHARED_SHARE));
    if (isFull || ofSource >= mostOfSource) return false;
    const page: Page = { reply, source, subject, isShared, mayStay };
    reply.hijack();
    const headers = reply.getHeaders() as Record<string, string>;
    reply.raw.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      // nginx gathers answers unless it is told otherwise.
      'x-accel-buffering': 'no',
    });
    reply.raw.on('error', () => reply.raw.destroy());
    reply.raw.on('close', () => this.#pages.delete(page));
    reply.raw.write(`retry: 2000\nevent: trails\ndata: ${JSON.stringify(first)}\n\n`);
    this.#pages.add(page);
    return true;
  }

  /** @param messageOf the message of a subject, made once for all of its pages */
  send(messageOf: (subject: string) => object | undefined): void {
    const made = new Map<string, Buffer | undefined>();
    for (const page of this.#pages) {
      const { raw } = page.reply;
      if (!page.mayStay() || raw.writableLength > MAX_WAITING_BYTES) {
        raw.destroy();
        continue;
      }
      if (!made.has(page.subject)) made.set(page.subject, frame(messageOf(page.subject)));
      const bytes = made.get(page.subject);
      if (bytes) raw.write(bytes);
      else raw.end();
    }
  }

  close(): void {
    for (const { reply } of this.#pages) reply.raw.end();
  }
}

const frame = (message: object | undefined): Buffer | undefined =>
  message && Buffer.from(`data: ${JSON.stringify(message)}\n\n`);
