import type { Millis } from '../shared/clock.ts';
import { readI32 } from './bytes.ts';
import { answersInduction, buildInduction } from './probe-packet.ts';
import type { RandomBytes } from './types.ts';
import { UdpSocket } from './udp-socket.ts';

export interface ServerProbeOptions {
  /** Numeric. */
  host: string;
  port: number;
  everyMs: Millis;
  random: RandomBytes;
  /** Told when it is known for the first time, and at every change. */
  onChange: (reachable: boolean) => void;
}

/** Asks an SRT server again and again whether it is there: with an induction, of which it remembers nothing. */
export class ServerProbe {
  readonly #options: ServerProbeOptions;
  readonly #timer: NodeJS.Timeout;
  #socket: UdpSocket | undefined;
  #answered = false;
  #reachable: boolean | undefined;

  constructor(options: ServerProbeOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#ask(), options.everyMs);
    this.#ask();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#socket?.close();
  }

  /** Judges the last question, and asks the next: from a new port, as a new caller would. */
  #ask(): void {
    if (this.#socket !== undefined) {
      this.#become(this.#answered);
      void this.#socket.close();
    }
    this.#answered = false;
    const { host, port, random } = this.#options;
    const socketId = readI32(random(4), 0) & 0x3fffffff;
    const socket = UdpSocket.connect(
      host,
      port,
      {
        onMessage: (bytes) => {
          if (this.#socket !== socket || !answersInduction(bytes, socketId)) return;
          this.#answered = true;
          this.#become(true);
        },
        onError: () => {},
        onDrop: () => {},
      },
      () => {},
    );
    this.#socket = socket;
    socket.send(buildInduction(socketId));
  }

  #become(reachable: boolean): void {
    if (reachable === this.#reachable) return;
    this.#reachable = reachable;
    this.#options.onChange(reachable);
  }
}
