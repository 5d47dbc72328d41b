/*
 * What VVLIVE's adapter makes of a document, by the rules in spec neighbours.md §1B.3(a): a field that is absent has a default, a field of another
 * type makes the whole read fail, and fields that it does not know are ignored.
 */

export interface AdapterReading {
  bandwidthBps: number;
  lossPct: number;
  minRttMs: number;
  maxRttMs: number;
  activeLinks: number;
}

type Fields = Readonly<Record<string, unknown>>;

const typed = <T>(fields: Fields, name: string, byDefault: T, isRight: (value: unknown) => boolean): T => {
  const value = fields[name];
  if (value === undefined) return byDefault;
  if (!isRight(value)) throw new TypeError(`${name}: ${JSON.stringify(value)}`);
  return value as T;
};
const integer = (fields: Fields, name: string): number => typed(fields, name, 0, Number.isSafeInteger);
const number = (fields: Fields, name: string): number => typed(fields, name, 0, Number.isFinite);

/** @throws TypeError where the adapter would keep its old numbers */
export const readByAdapter = (text: string): AdapterReading => {
  const document = JSON.parse(text) as Fields;
  integer(document, 'total_packets');
  integer(document, 'packets_reordered');
  const links = typed<Fields[]>(document, 'links', [], Array.isArray).map((link) => ({
    id: integer(link, 'id'),
    source: typed(link, 'source_ip', '', (value) => typeof value === 'string'),
    sent: integer(link, 'packets_sent'),
    acked: integer(link, 'packets_acked'),
    lost: integer(link, 'packets_lost'),
    rttMs: number(link, 'rtt_ms'),
    bps: number(link, 'bandwidth_bps'),
    window: integer(link, 'window_size'),
    active: typed(link, 'active', true, (value) => typeof value === 'boolean'),
  }));
  const active = links.filter((link) => link.active);
  const rtts = active.map(({ rttMs }) => rttMs).filter((ms) => ms > 0);
  const sent = links.reduce((sum, link) => sum + link.sent, 0);
  return {
    bandwidthBps: active.reduce((sum, { bps }) => sum + bps, 0),
    lossPct: sent > 0 ? (100 * links.reduce((sum, { lost }) => sum + lost, 0)) / sent : 0,
    minRttMs: rtts.length > 0 ? Math.min(...rtts) : 0,
    maxRttMs: rtts.length > 0 ? Math.max(...rtts) : 0,
    activeLinks: active.length,
  };
};

/** Its ingest monitor of type `srt` (§1B.3(d)). */
export const readByIngestMonitor = (text: string): { kbps: number; rttMs: number; connected: boolean } => {
  const answer = JSON.parse(text) as Fields;
  const connected = typed(answer, 'connected', false, (value) => typeof value === 'boolean');
  return { kbps: number(answer, 'bitrate') / 1_000, rttMs: number(answer, 'rtt'), connected };
};
