import { WebSocket } from 'ws';
import type { TestNode } from '../support/processes.ts';

/** What readers look for in the answers, all of them in one. */
interface Answer {
  publisher?: { bitrate?: number };
  publishers?: { live?: { bitrate?: number } };
  groups?: { connections?: { asn_org: string; share_pct: number }[] }[];
}

/** Polls as the OBS plugin and NOALBS do, once a second, and holds what they would read against what is so. */
export class Pollers {
  readonly problems: string[] = [];
  polls = 0;
  /** Messages that were pushed. */
  pushes = 0;
  readonly #node: TestNode;
  readonly #players: readonly string[];
  /** By stream: it has been live for a while, and nothing is known that would disturb it. */
  readonly #isSteady: (stream: number) => boolean;
  readonly #stoodStill: () => boolean;
  readonly #carriers = new Set<string>();
  #socket: WebSocket | undefined;

  /** @param stoodStill the machine has, so lately that this client may have missed a ping */
  constructor(
    node: TestNode,
    players: readonly string[],
    isSteady: (stream: number) => boolean,
    stoodStill: () => boolean,
  ) {
    this.#node = node;
    this.#players = players;
    this.#isSteady = isSteady;
    this.#stoodStill = stoodStill;
    this.#follow();
  }

  #follow(): void {
    const ids = this.#players.map((id) => `id=${id}`).join('&');
    const socket = new WebSocket(`ws://127.0.0.1:${this.#node.ports.stats}/ws/stats?${ids}`);
    this.#socket = socket;
    socket.on('message', () => this.pushes++);
    socket.on('close', () => {
      if (!this.#stoodStill()) this.#problem('the pushed statistics have ended');
      setTimeout(() => this.#socket === socket && this.#follow(), 1_000);
    });
    socket.on('error', () => {});
  }

  /** What links were called. */
  get carriers(): readonly string[] {
    return [...this.#carriers].sort();
  }

  async poll(): Promise<void> {
    await Promise.all(this.#players.map((player, stream) => this.#pollStream(player, stream)));
    const health = await this.#get(`http://127.0.0.1:${this.#node.ports.stats}/health`);
    if (health === undefined) this.#problem('/health does not answer');
    this.polls++;
  }

  close(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.removeAllListeners('close');
    socket?.terminate();
  }

  async #pollStream(player: string, stream: number): Promise<void> {
    const base = `http://127.0.0.1:${this.#node.ports.stats}`;
    const steady = this.#isSteady(stream);
    const [modern, legacy, links] = await Promise.all([
      this.#get(`${base}/stats/${player}`),
      this.#get(`${base}/stats/${player}?legacy=1`, { 'user-agent': 'Telemy/0.0.5' }),
      this.#get(`${this.#node.links}?stream_id=${player}`),
    ]);
    for (const one of links?.groups?.[0]?.connections ?? []) this.#carriers.add(one.asn_org);
    if (!steady || !this.#isSteady(stream)) return;
    // 142 messages a second.
    for (const kbps of [modern?.publisher?.bitrate, legacy?.publishers?.live?.bitrate])
      if (kbps === undefined || kbps <= 1_000 || kbps >= 2_000)
        this.#problem(`stream ${stream} is read with ${kbps} kbit/s`);
    const group = links?.groups?.[0];
    if (!group?.connections?.length) this.#problem(`stream ${stream} is read without links`);
    else {
      const shares = group.connections.reduce((sum, one) => sum + one.share_pct, 0);
      if (Math.abs(shares - 100) > 0.05) this.#problem(`the shares of stream ${stream} total ${shares}`);
    }
  }

  async #get(url: string, headers: Record<string, string> = {}): Promise<Answer | undefined> {
    try {
      const answer = await fetch(url, { headers, signal: AbortSignal.timeout(2_500) });
      if (answer.status !== 200) this.#problem(`${new URL(url).pathname.split('/')[1]}: ${answer.status}`);
      return (await answer.json()) as Answer;
    } catch (error) {
      this.#problem(`${new URL(url).pathname.split('/')[1]}: ${(error as Error).message}`);
      return undefined;
    }
  }

  #problem(text: string): void {
    if (this.problems.length < 50) this.problems.push(text);
  }
}
