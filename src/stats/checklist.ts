import type { DataPlaneSnapshot, DoorEvent, PublisherSnapshot } from '../data-plane/snapshot.ts';
import type { Millis } from '../shared/clock.ts';

/** How far a stream has come, in the order of the way of a packet. */
export type ChecklistStep = 'waiting' | 'packets' | 'registered' | 'refused' | 'live' | 'playing';

export interface ChecklistReport {
  step: ChecklistStep;
  /** One line with the present numbers. */
  text: string;
  /** Changes when the situation does, not when a rate does: for outputs that print a line for each change. */
  key: string;
  /** How long the step has lasted. */
  forMs: Millis;
  /** Likeliest causes of being stuck here, best first; empty where nothing is stuck. */
  causes: readonly string[];
}

/** What the next report needs to know of the ones before. */
export interface ChecklistMemory {
  readonly step: ChecklistStep | undefined;
  readonly sinceMs: Millis;
  /** Sums of the SRTLA counters; undefined before the first report. */
  readonly counted: Counted | undefined;
  readonly lastPacketMs: Millis;
  /** When a registration was last answered. */
  readonly lastAnswerMs: Millis;
}

interface Counted {
  all: number;
  answers: number;
}

export const NO_MEMORY: ChecklistMemory = {
  step: undefined,
  sinceMs: 0,
  counted: undefined,
  lastPacketMs: Number.NEGATIVE_INFINITY,
  lastAnswerMs: Number.NEGATIVE_INFINITY,
};

/** Counters of registration answers (src/srtla/counters.ts). */
const ANSWERS = ['reg1Answered', 'ngpSent', 'regErrSent'] as const;

/** Causes are worth naming after so long at one step. */
export const STUCK_AFTER_MS: Millis = 30_000;
/** A stray datagram of a scanner is forgotten after this. */
const PACKETS_FRESH_MS: Millis = 15_000;
/** Encoders try again every few seconds; a refusal older than this is history. */
const REFUSAL_FRESH_MS: Millis = 15_000;

const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`;

const rate = (kbps: number): string =>
  kbps < 1_000 ? `${Math.round(kbps)} kbit/s` : `${(kbps / 1_000).toFixed(1)} Mbit/s`;

const udpPorts = (snapshot: DataPlaneSnapshot): string => snapshot.ports.srtla.join(', ');

/** What a refusal code means to the person at the encoder or player. */
export const refusalText = ({ code, shortId, port }: DoorEvent): string => {
  const id = `"${shortId}"`;
  switch (code) {
    case 1404:
      return `unknown stream id ${id}`;
    case 1403:
      return port === 'play' ? `${id} is a publisher id, not a player id` : `${id} is a player id, not a publisher id`;
    case 1409:
      return `stream id ${id} is in use by another sender`;
    case 1402:
      return port === 'play' ? `too many players on ${id}` : `the node takes no more streams (${id})`;
    case 10:
      return `wrong passphrase for ${id}`;
    case 11:
      return `a passphrase is missing for ${id}, or not expected`;
    case 1406:
      return `${id} asks for more latency than the node allows`;
    default:
      return `${id} refused (code ${code})`;
  }
};

const refusalCauses = ({ code, port }: DoorEvent): string[] => {
  switch (code) {
    case 1404:
      return [
        'the id in the app is not one of this node: paste it again (./tributary urls prints it)',
        'the app sends no stream id: it belongs into the URL (?streamid=…) or into a field of its own',
      ];
    case 1403:
      return port === 'play'
        ? ['players use the play_… id (./tributary urls prints it)']
        : ['senders use the live_… id (./tributary urls prints it)'];
    case 1409:
      return [
        'another device or app sends with this id: stop it, or give it an id of its own',
        'the old connection of the same device still sends: it gives way after a second of silence',
      ];
    case 1402:
      return ['the node is stopping, or a limit is reached (player.maxPerId, srtla.maxGroups)'];
    case 1406:
      return ['lower the SRT latency in the app, or raise srt.latencyCeilingMs on the node'];
    default:
      return ['set the same passphrase (10 to 79 characters) in the app and on the node, or none in both'];
  }
};

/** The refusal that is still of interest; a player's does not concern the sender's way. */
const freshRefusal = (
  snapshot: DataPlaneSnapshot,
  wants: (port: DoorEvent['port']) => boolean,
): DoorEvent | undefined => {
  const refusal = snapshot.lastRefusal;
  return refusal && refusal.ageMs <= REFUSAL_FRESH_MS && wants(refusal.port) ? refusal : undefined;
};

const linksOf = (snapshot: DataPlaneSnapshot, publisher: PublisherSnapshot): number =>
  snapshot.srtla.groups.find((group) => group.id === publisher.group)?.links.length ?? 0;

interface Finding {
  step: ChecklistStep;
  text: string;
  /** What of the text counts as a change. */
  key: string;
  causes: readonly string[];
}

const liveFinding = (snapshot: DataPlaneSnapshot): Finding => {
  const { publishers } = snapshot;
  const kbps = publishers.reduce((sum, publisher) => sum + publisher.bitrateKbps, 0);
  const bonded = publishers.filter((publisher) => publisher.source === 'srtla');
  const links = bonded.reduce((sum, publisher) => sum + linksOf(snapshot, publisher), 0);
  const way = bonded.length > 0 ? plural(links, 'link') : 'plain SRT';
  const streams = publishers.length > 1 ? `${plural(publishers.length, 'stream')}, ` : '';
  const players = snapshot.players.filter((player) => player.state !== 'waiting').length;
  const refusal = freshRefusal(snapshot, () => true);
  const tail = refusal
    ? `; ${refusal.port === 'play' ? 'a player' : 'another sender'} refused: ${refusalText(refusal)}`
    : '';
  const key = `${streams}${way}${tail}`;
  const live = `live ${rate(kbps)}, ${streams}${way}`;
  if (kbps === 0) {
    const causes = ['the app is connected and sends nothing: is its stream paused, or the camera off?'];
    return { step: 'live', text: `${live}: no data${tail}`, key: `silent ${key}`, causes };
  }
  if (players > 0) {
    const text = `player connected: ${live}, ${plural(players, 'player')}${tail}`;
    return { step: 'playing', text, key: `${players} ${key}`, causes: [] };
  }
  const doorCauses = refusal?.port === 'play' ? refusalCauses(refusal) : [];
  const causes = [
    ...doorCauses,
    `no player yet: in OBS add a media source, "Local File" off, with the srt://…:${snapshot.ports.play} URL`,
    `UDP ${snapshot.ports.play} is closed in a firewall between the player and this machine`,
    'the player URL lacks mode=caller or the stream id',
  ];
  return { step: 'live', text: `${live}${tail}`, key, causes };
};

const beforeLive = (snapshot: DataPlaneSnapshot, seen: { packets: boolean; answers: boolean }): Finding => {
  const refusal = freshRefusal(snapshot, (port) => port !== 'play');
  if (refusal) {
    const text = `handshake: ${refusalText(refusal)}`;
    return { step: 'refused', text, key: text, causes: refusalCauses(refusal) };
  }
  const links = snapshot.srtla.groups.reduce((sum, group) => sum + group.links.length, 0);
  if (links > 0) {
    const text = `registered, ${plural(links, 'link')}`;
    const causes = [
      'the links are up and the encoder behind them has not begun: start the stream in the app',
      'the app lost its SRT handshake: stop and start its stream',
      'only some packets arrive: a firewall or the carrier drops large UDP datagrams (above 1400 bytes)',
    ];
    return { step: 'registered', text, key: text, causes };
  }
  const ports = udpPorts(snapshot);
  if (seen.packets || snapshot.srtla.groups.length > 0) {
    const text = 'packets, no registration';
    const wrongProtocol = `the app sends plain SRT: choose SRTLA (srtla://) in it, or send plain SRT to UDP ${snapshot.ports.publish}`;
    const oneWay = 'our answers do not reach the sender: a firewall or router lets UDP in and not out';
    const causes = [
      ...(seen.answers ? [oneWay, wrongProtocol] : [wrongProtocol, oneWay]),
      'it is not a sender at all, but a scanner of the Internet',
    ];
    return { step: 'packets', text, key: text, causes };
  }
  const text = `waiting for packets on ${ports}`;
  const causes = [
    `UDP ${ports} is closed in the firewall of this machine, or in the security group of its provider`,
    `this machine is behind a router: forward UDP ${ports} to it`,
    'the app is set to another host or port, or its stream is not started (./tributary urls prints the URL)',
  ];
  return { step: 'waiting', text, key: text, causes };
};

const withWaitingPlayers = (snapshot: DataPlaneSnapshot, finding: Finding): Finding => {
  const waiting = snapshot.players.filter((player) => player.state === 'waiting').length;
  if (waiting === 0) return finding;
  const note = ` (${plural(waiting, 'player')} waiting)`;
  return { ...finding, text: finding.text + note, key: finding.key + note };
};

const count = (counters: Readonly<Record<string, number>>): Counted => ({
  all: Object.values(counters).reduce((sum, value) => sum + value, 0),
  answers: ANSWERS.reduce((sum, name) => sum + (counters[name] ?? 0), 0),
});

/**
 * The next report. Every SRTLA counter counts something that came over the network, or the answer to it, so that "packets" is known
 * from their sum alone; a sum that stands still for 15 s is none.
 * @param now monotonic milliseconds
 */
export const advanceChecklist = (
  memory: ChecklistMemory,
  snapshot: DataPlaneSnapshot,
  now: Millis,
): { memory: ChecklistMemory; report: ChecklistReport } => {
  const counted = count(snapshot.srtla.counters);
  const before = memory.counted ?? counted;
  const lastPacketMs = counted.all > before.all ? now : memory.lastPacketMs;
  const lastAnswerMs = counted.answers > before.answers ? now : memory.lastAnswerMs;
  const seen = { packets: now - lastPacketMs <= PACKETS_FRESH_MS, answers: now - lastAnswerMs <= PACKETS_FRESH_MS };
  const finding = withWaitingPlayers(
    snapshot,
    snapshot.publishers.length > 0 ? liveFinding(snapshot) : beforeLive(snapshot, seen),
  );
  const sinceMs = finding.step === memory.step ? memory.sinceMs : now;
  return {
    memory: { step: finding.step, sinceMs, counted, lastPacketMs, lastAnswerMs },
    report: {
      step: finding.step,
      text: finding.text,
      key: `${finding.step} ${finding.key}`,
      forMs: now - sinceMs,
      causes: finding.causes,
    },
  };
};
