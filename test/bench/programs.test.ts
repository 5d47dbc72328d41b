import { createSocket, type Socket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allowedCores } from '../../bench/machine.ts';
import { BenchProcess, ControlledProgram, freeUdpPort, pause, until } from '../../bench/process.ts';
import { buildPrograms, programPath } from '../../bench/programs.ts';
import type { FloodReport, LoadReport, SinkReport } from '../../bench/reports.ts';
import { quantileMs } from '../../bench/statistics.ts';

const HEADER_BYTES = 16;
const PAYLOAD_BYTES = 1316;
const MAGIC = 0x74726942;

/** A data packet with a payload as the load maker writes it. */
const packet = (counter: number, change: (bytes: Buffer) => void = () => {}): Buffer => {
  const bytes = Buffer.alloc(HEADER_BYTES + PAYLOAD_BYTES);
  bytes.writeUInt32LE(MAGIC, HEADER_BYTES);
  bytes.writeUInt32LE(7, HEADER_BYTES + 4);
  bytes.writeBigUInt64LE(BigInt(counter), HEADER_BYTES + 8);
  bytes.writeBigInt64LE(process.hrtime.bigint(), HEADER_BYTES + 16);
  bytes.writeUInt32LE((counter ^ MAGIC) >>> 0, bytes.length - 4);
  change(bytes);
  return bytes;
};

const cores = allowedCores();
const running: BenchProcess[] = [];

const start = (...args: ConstructorParameters<typeof ControlledProgram>): ControlledProgram => {
  const program = new ControlledProgram(...args);
  running.push(program);
  return program;
};

beforeAll(() => buildPrograms(() => {}), 60_000);
afterAll(() => Promise.all(running.map((program) => program.stop('SIGKILL'))));

describe('sink', () => {
  it('counts what is lost, doubled, late, altered', async () => {
    const sink = start('sink', { raw: 1 }, cores);
    const { port } = await sink.answer<{ port: number }>('ready');
    const socket = createSocket('udp4');
    const send = (bytes: Buffer): Promise<void> =>
      new Promise((done, fail) => socket.send(bytes, port, '127.0.0.1', (error) => (error ? fail(error) : done())));
    // 3 is late, 5 comes twice, 6 never.
    for (const counter of [0, 1, 2, 4, 3, 5, 5, 7]) await send(packet(counter));
    await send(packet(8, (bytes) => bytes.writeUInt8(1, bytes.length - 1)));
    let report!: SinkReport;
    for (let tries = 0; tries < 100 && (report === undefined || report.packets < 8); tries++) {
      report = await sink.ask<SinkReport>('report');
    }
    socket.close();
    expect(report).toMatchObject({ packets: 8, unique: 7, duplicated: 1, reordered: 1, altered: 1, kernelDrops: 0 });
    expect(quantileMs(report.delay, 0.5)).toBeGreaterThan(0);
    expect(quantileMs(report.delay, 1)).toBeLessThan(1_000);
  });
});

describe('flood', () => {
  /** What comes to a socket that answers as a receiver does. */
  const receiver = async (): Promise<{ socket: Socket; port: number; got: { bytes: Buffer; from: string }[] }> => {
    const socket = createSocket('udp4');
    await new Promise<void>((done) => socket.bind(0, '127.0.0.1', done));
    const got: { bytes: Buffer; from: string }[] = [];
    socket.on('message', (bytes, { address, port }) => {
      got.push({ bytes, from: `${address}:${port}` });
      const type = bytes.readUInt16BE(0);
      if (type === 0x9200) socket.send(Buffer.from([0x92, 0x01, ...bytes.subarray(2)]), port, address);
      else if (type === 0x9201) socket.send(Buffer.from([0x92, 0x02]), port, address);
      else if (type === 0x9000) socket.send(bytes, port, address);
    });
    return { socket, port: socket.address().port, got };
  };

  it('sends registrations from many ports and addresses, each of another sender', async () => {
    const { socket, port, got } = await receiver();
    const flood = start('flood', { mode: 'reg1', port, pps: 5_000, ports: 4, addresses: 5 }, cores);
    await flood.answer('ready');
    flood.tell('start');
    await until('some of it', () => got.length > 1_000);
    const { sent } = await flood.ask<FloodReport>('stop');
    socket.close();
    expect(sent).toBeGreaterThanOrEqual(got.length);
    expect(new Set(got.map(({ bytes }) => bytes.length))).toEqual(new Set([258]));
    expect(new Set(got.map(({ bytes }) => bytes.readUInt16BE(0)))).toEqual(new Set([0x9200]));
    expect(new Set(got.map(({ from }) => from)).size).toBe(20);
    expect(new Set(got.map(({ bytes }) => bytes.toString('hex'))).size).toBe(got.length);
  });

  it('registers a group and sends data for the socket it is told', async () => {
    const { socket, port, got } = await receiver();
    const flood = start('flood', { mode: 'data', port, pps: 5_000, destination: 0x55667788 }, cores);
    await flood.answer('ready');
    flood.tell('start');
    await until('some of it', () => got.length > 500);
    await flood.ask<FloodReport>('stop');
    socket.close();
    const data = got.slice(3).map(({ bytes }) => bytes);
    expect(got.slice(0, 3).map(({ bytes }) => bytes.readUInt16BE(0))).toEqual([0x9200, 0x9201, 0x9000]);
    expect(new Set(data.map((bytes) => bytes.length))).toEqual(new Set([1332]));
    expect(new Set(data.map((bytes) => bytes.readUInt32BE(12)))).toEqual(new Set([0x55667788]));
    expect(data[1]!.readUInt32BE(0)).toBe(data[0]!.readUInt32BE(0) + 1);
  });
});

const isBound = (port: number): boolean =>
  readFileSync('/proc/net/udp', 'utf8').includes(`:${port.toString(16).toUpperCase().padStart(4, '0')} `);

describe('load, perpacket and sink', () => {
  it('carry every payload, and confirm ten at a time', async () => {
    const sink = start('sink', { raw: 1 }, cores);
    const { port: sinkPort } = await sink.answer<{ port: number }>('ready');
    const port = await freeUdpPort();
    const relay = new BenchProcess('perpacket', programPath('perpacket'), [String(port), String(sinkPort)], { cores });
    running.push(relay);
    await until('the relay to listen', () => isBound(port));
    const load = start('load', { mode: 'raw', port, groups: 2, links: 3, pps: 2_000 }, cores);
    expect(await load.answer<LoadReport>('ready')).toMatchObject({ live: 2 });
    load.tell('start');
    const links = 6;
    while ((await load.ask<LoadReport>('report')).acked < 10 * links) await pause(20);
    const last = await load.ask<LoadReport>('stop');
    const total = last.sentPerStream.reduce((sum, count) => sum + count, 0);
    expect(last).toMatchObject({ ackedAgain: 0, ackedWrong: 0 });
    expect(total - last.acked).toBeGreaterThanOrEqual(0);
    expect(total - last.acked).toBeLessThan(10 * links);
    expect(quantileMs(last.ackDelay, 0.5)).toBeGreaterThan(0);
    expect(await sink.ask<SinkReport>('stop')).toMatchObject({
      unique: total,
      duplicated: 0,
      reordered: 0,
      altered: 0,
    });
  });
});
