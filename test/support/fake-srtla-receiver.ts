import { createSocket, type Socket } from 'node:dgram';

const TYPE = { keepalive: 0x9000, reg1: 0x9200, reg2: 0x9201 };
const reply = (type: number): Buffer => Buffer.from([type >> 8, type & 255]);

interface Link {
  port: number;
  address: string;
  acks: number[];
  dataPackets: number;
}

const opened = async (address: string): Promise<Socket> => {
  const socket = createSocket('udp4');
  socket.on('error', () => {});
  await new Promise<void>((done) => socket.bind(0, address, done));
  return socket;
};

/** A plain SRTLA receiver for one group in front of an SRT server: what the specification's dialogue shows, and nothing more. */
export class FakeSrtlaReceiver {
  readonly links = new Map<string, Link>();
  /** First 16 bits of every registration packet, in order, with the address it came from. */
  readonly registrations: string[] = [];
  dataPackets = 0;
  #groupId: Buffer | undefined;
  #last: Link | undefined;
  readonly #front: Socket;
  readonly #back: Socket;
  readonly #serverPort: number;

  private constructor(front: Socket, back: Socket, serverPort: number) {
    this.#front = front;
    this.#back = back;
    this.#serverPort = serverPort;
    front.on('message', (bytes, from) => this.#receive(bytes, from.address, from.port));
    back.on('message', (bytes) => this.#fromServer(bytes));
  }

  static async open(serverPort: number): Promise<FakeSrtlaReceiver> {
    return new FakeSrtlaReceiver(await opened('127.0.0.1'), await opened('127.0.0.1'), serverPort);
  }

  get port(): number {
    return this.#front.address().port;
  }

  /** As after a restart: it knows nobody. */
  forget(): void {
    this.#groupId = undefined;
    this.links.clear();
    this.#last = undefined;
  }

  close(): void {
    this.#front.close();
    this.#back.close();
  }

  #receive(bytes: Buffer, address: string, port: number): void {
    const type = bytes.length < 2 ? 0 : bytes.readUInt16BE(0);
    const link = this.links.get(`${address}:${port}`);
    if (bytes.length === 258 && (type === TYPE.reg1 || type === TYPE.reg2)) {
      this.#front.send(this.#register(type, bytes.subarray(2), address, port), port, address);
    } else if (link === undefined) return;
    else if (type === TYPE.keepalive) this.#front.send(bytes, port, address);
    else if (bytes.length >= 16) {
      this.#last = link;
      if (type < 0x8000) this.#acknowledge(link, bytes.readUInt32BE(0));
      this.#back.send(bytes, this.#serverPort, '127.0.0.1');
    }
  }

  #register(type: number, id: Buffer, address: string, port: number): Buffer {
    this.registrations.push(`${type === TYPE.reg1 ? 'REG1' : 'REG2'} ${address}`);
    if (type === TYPE.reg1) {
      this.#groupId = Buffer.concat([id.subarray(0, 128), Buffer.alloc(128, 0xaa)]);
      return Buffer.concat([reply(TYPE.reg2), this.#groupId]);
    }
    if (this.#groupId === undefined || !id.equals(this.#groupId)) return reply(0x9211);
    const key = `${address}:${port}`;
    if (!this.links.has(key)) this.links.set(key, { address, port, acks: [], dataPackets: 0 });
    return reply(0x9202);
  }

  #acknowledge(link: Link, sequence: number): void {
    this.dataPackets++;
    link.dataPackets++;
    if (link.acks.push(sequence) < 10) return;
    const ack = Buffer.alloc(44);
    ack.writeUInt32BE(0x91000000, 0);
    for (const [i, each] of link.acks.entries()) ack.writeUInt32BE(each, 4 + 4 * i);
    link.acks = [];
    this.#front.send(ack, link.port, link.address);
  }

  #fromServer(bytes: Buffer): void {
    const type = bytes.readUInt16BE(0);
    const broadcast = type === 0x8002 || type === 0x8003;
    const to = broadcast ? [...this.links.values()] : this.#last ? [this.#last] : [];
    for (const link of to) this.#front.send(bytes, link.port, link.address);
  }
}
