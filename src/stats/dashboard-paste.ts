import type { Row } from '../sls-bridge/directory.ts';
import type { PasteCard } from './dashboard-types.ts';
import {
  bondedSenderUrl,
  type NodePorts,
  PLAYER_LATENCY_MS,
  plainSenderUrl,
  playerUrl,
  revealsPublisher,
} from './stream-urls.ts';

/** ms: a round for the mobile link, one for the answer, and room for two repetitions. */
const SENDER_LATENCY_MS = 2_000;

/** What Moblin takes from a QR code or a link. */
const moblinLink = (name: string, url: string): string =>
  `moblin://?${encodeURIComponent(JSON.stringify({ streams: [{ name, url }] }))}`;

const passphraseField = (row: Row): PasteCard['fields'] =>
  row.passphrase === undefined ? [] : [{ name: 'Passphrase', value: row.passphrase, secret: true }];

/** What to put into the programs that send a stream. */
export const senderCards = (row: Row, host: string, ports: NodePorts, name: string): PasteCard[] => {
  const { publisher } = row;
  const [port] = ports.srtla;
  const secret = { secret: true } as const;
  const cards: PasteCard[] = [];
  if (port !== undefined) {
    const url = bondedSenderUrl(host, port, publisher);
    cards.push(
      {
        program: 'IRL Pro',
        note: 'Android, bonded. Scan or paste as the SRTLA URL.',
        fields: [{ name: 'URL', value: url, scan: true, ...secret }, ...passphraseField(row)],
      },
      {
        program: 'Moblin',
        note: 'iPhone, bonded. Scanning with the camera adds the stream; or paste the URL into a new stream.',
        fields: [
          { name: 'Scan', value: moblinLink(name, url), scan: true, ...secret },
          { name: 'URL', value: url, ...secret },
          ...passphraseField(row),
        ],
      },
      {
        program: 'BELABOX',
        note: 'Backpack, bonded. Encoder settings, manual relay.',
        fields: [
          { name: 'Receiver address', value: host },
          { name: 'Receiver port', value: String(port) },
          { name: 'Stream ID', value: publisher, ...secret },
          { name: 'SRT latency', value: `${SENDER_LATENCY_MS} ms`, plain: true },
        ],
      },
    );
  }
  cards.push({
    program: 'OBS or any SRT encoder',
    note: 'One link, no bonding: Settings, Stream, Custom.',
    fields: [
      { name: 'Server', value: plainSenderUrl(host, ports.publish, publisher), scan: true, ...secret },
      ...passphraseField(row),
    ],
  });
  return cards;
};

/** What to put into the programs that play it: one block for each program. */
export const playerCards = (row: Row, host: string, ports: NodePorts): PasteCard[] => {
  const withSecret = row.passphrase === undefined ? '' : `&passphrase=${encodeURIComponent(row.passphrase)}`;
  const secret = revealsPublisher(row) || row.passphrase !== undefined;
  const mark = secret ? { secret } : {};
  const obs = `${playerUrl(host, ports.play, row.player)}${withSecret}`;
  return [
    {
      program: 'OBS',
      note: 'Add a Media Source, take the tick off "Local File", and set:',
      fields: [
        { name: 'Input', value: obs, ...mark },
        { name: 'Input Format', value: 'mpegts' },
        { name: 'Reconnect Delay', value: '2 s', plain: true },
        { name: 'Close file when inactive', value: 'off', plain: true },
        { name: 'Restart playback when source becomes active', value: 'off', plain: true },
      ],
    },
    {
      program: 'VLC',
      note: 'Media, Open Network Stream.',
      fields: [
        {
          name: 'URL',
          // VLC counts milliseconds.
          value: `${playerUrl(host, ports.play, row.player, PLAYER_LATENCY_MS)}${withSecret}`,
          scan: true,
          ...mark,
        },
      ],
    },
    {
      program: 'ffplay, ffmpeg',
      note: 'In a terminal.',
      fields: [{ name: 'Command', value: `ffplay -fflags nobuffer '${obs}'`, ...mark }],
    },
  ];
};
