import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { type LinkConditions, LinkModel, type LinkTotals } from './link-model.ts';

export interface ImpairedLinkOptions extends Partial<LinkConditions> {
  /** Conditions of the way back where they differ. */
  back?: Partial<LinkConditions>;
  /** The address from which the node sees this link. */
  address?: string;
  seed?: number;
}

const bound = (address: string): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    socket.once('error', reject);
    socket.bind(0, address, () => {
      socket.off('error', reject);
      // A port that nobody listens on answers with ICMP; on a real link that would be just another loss.
      socket.on('error', () => {});
      resolve(socket);
    });
  });

/** One direction in real time: a timer for the datagram that is due next. */
class Direction {
  readonly model: LinkModel;
  readonly #deliver: (bytes: Uint8Array) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(conditions: Partial<LinkConditions>, seed: number, deliver: (bytes: Uint8Array) => void) {
    this.model = new LinkModel(conditions, seed);
    this.#deliver = deliver;
  }

  readonly offer = (bytes: Uint8Array): void => {
    this.model.offer(bytes, performance.now());
    if (this.#timer === undefined) this.#run();
  };

  stop(): void {
    clearTimeout(this.#timer);
  }

  readonly #run = (): void => {
    const now = performance.now();
    this.model.advance(now, this.#deliver);
    const next = this.model.nextMs();
    this.#timer = next === undefined ? undefined : setTimeout(this.#run, Math.max(1, next - now));
  };
}

/** A UDP relay for one sender link: what comes to `port` goes to the node through `forth`, answers return through `back`. */
export class ImpairedLink {
  readonly port: number;
  readonly #front: Socket;
  readonly #rear: Socket;
  readonly #forth: Direction;
  readonly #back: Direction;
  #sender: RemoteInfo | undefined;

  private constructor(front: Socket, rear: Socket, nodePort: number, options: ImpairedLinkOptions) {
    const { back, address: _address, seed = 1, ...forth } = options;
    this.#front = front;
    this.#rear = rear;
    this.port = front.address().port;
    this.#forth = new Direction(forth, seed, (bytes) => rear.send(bytes, nodePort, '127.0.0.1'));
    this.#back = new Direction({ ...forth, ...back }, seed + 0x5eed, (bytes) => {
      if (this.#sender) front.send(bytes, this.#sender.port, this.#sender.address);
    });
    front.on('message', (bytes, from) => {
      this.#sender = from;
      this.#forth.offer(bytes);
    });
    rear.on('message', this.#back.offer);
  }

  static async open(nodePort: number, options: ImpairedLinkOptions = {}): Promise<ImpairedLink> {
    const front = await bound('127.0.0.1');
    const rear = await bound(options.address ?? '127.0.0.1');
    return new ImpairedLink(front, rear, nodePort, options);
  }

  /** Where the sender's link goes. */
  get target(): string {
    return `127.0.0.1:${this.port}`;
  }

  get totals(): { forth: LinkTotals; back: LinkTotals } {
    return { forth: this.#forth.model.totals, back: this.#back.model.totals };
  }

  /** Changes both directions, from the next datagram on. */
  change(conditions: Partial<LinkConditions>): void {
    Object.assign(this.#forth.model.conditions, conditions);
    Object.assign(this.#back.model.conditions, conditions);
  }

  unplug(): void {
    this.change({ up: false });
  }

  plug(): void {
    this.change({ up: true });
  }

  async close(): Promise<void> {
    this.#forth.stop();
    this.#back.stop();
    await Promise.all(
      [this.#front, this.#rear].map((socket) => new Promise<void>((done) => socket.close(() => done()))),
    );
  }
}

/** Several of them in front of one node; `targets` goes to `send --via`. */
export class ImpairedLinks {
  readonly links: readonly ImpairedLink[];

  private constructor(links: readonly ImpairedLink[]) {
    this.links = links;
  }

  static async open(nodePort: number, options: readonly ImpairedLinkOptions[]): Promise<ImpairedLinks> {
    return new ImpairedLinks(
      await Promise.all(options.map((each, index) => ImpairedLink.open(nodePort, { seed: index + 1, ...each }))),
    );
  }

  get targets(): string[] {
    return this.links.map((link) => link.target);
  }

  async close(): Promise<void> {
    await Promise.all(this.links.map((link) => link.close()));
  }
}
