import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import type { LinkConditions } from '../../src/sender/impair/link-conditions.ts';
import { LinkEmulator } from '../../src/sender/impair/link-emulator.ts';
import type { LinkTotals } from '../../src/sender/impair/link-model.ts';

export interface ImpairedLinkOptions extends Partial<LinkConditions> {
  /** Conditions of the way back where they differ. */
  back?: Partial<LinkConditions>;
  /** The address from which the node sees this link. */
  address?: string;
  seed?: number;
}

/** Number of the link in its emulator. */
const ONLY = 0;

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

/** A UDP relay for one sender link: what comes to `port` goes to the node through `forth`, answers return through `back`. */
export class ImpairedLink {
  readonly port: number;
  readonly #front: Socket;
  readonly #rear: Socket;
  readonly #emulator: LinkEmulator;
  #sender: RemoteInfo | undefined;

  private constructor(front: Socket, rear: Socket, nodePort: number, options: ImpairedLinkOptions) {
    const { back, address: _address, seed = 1, ...forth } = options;
    this.#front = front;
    this.#rear = rear;
    this.port = front.address().port;
    this.#emulator = new LinkEmulator({
      deliverUp: (_link, bytes) => rear.send(bytes, nodePort, '127.0.0.1'),
      deliverDown: (_link, bytes) => {
        if (this.#sender) front.send(bytes, this.#sender.port, this.#sender.address);
      },
      clock: () => performance.now(),
      seed,
    });
    this.#emulator.add(ONLY, { up: forth, down: { ...forth, ...back } });
    front.on('message', (bytes, from) => {
      this.#sender = from;
      this.#emulator.sendUp(ONLY, bytes);
    });
    rear.on('message', (bytes) => this.#emulator.sendDown(ONLY, bytes));
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
    const { up, down } = this.#emulator.totals(ONLY)!;
    return { forth: up, back: down };
  }

  /** Changes both directions, from the next datagram on. */
  change(conditions: Partial<LinkConditions>): void {
    this.#emulator.change(ONLY, { up: conditions, down: conditions });
  }

  unplug(): void {
    this.change({ up: false });
  }

  plug(): void {
    this.change({ up: true });
  }

  async close(): Promise<void> {
    this.#emulator.close();
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
