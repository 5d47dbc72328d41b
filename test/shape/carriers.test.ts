import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type CarrierLookup, carriersOff } from '../../src/stats/carrier.ts';
import { carrierOf } from '../../src/stats/carrier-label.ts';
import { linksAnswer } from '../../src/stats/compat-links.ts';
import { LinkNames } from '../../src/stats/link-names.ts';
import { dataPlaneSnapshot, groupSnapshot, linkSnapshot } from '../support/snapshots.ts';

/*
 * What a bonded stream's links are called: by us, and by the OBS plugin from our JSON. Its rules are those of spec/telemy §1.6 and
 * spec/srtla §4.3: the first text that is in the organisation's name in lower case; else the name up to its first comma or space, 16
 * characters at most; `Link N` where there is none. The dock shows the name as it is, and the address where there is none.
 */

const RULES: readonly (readonly [text: string, label: string, type: string])[] = [
  ['google fiber', 'Google Fiber', 'Ethernet'],
  ['verizon fios', 'Fios', 'Ethernet'],
  ['at&t internet', 'AT&T Fiber', 'Ethernet'],
  ['comcast', 'Comcast', 'Ethernet'],
  ['charter', 'Charter', 'Ethernet'],
  ['spectrum', 'Spectrum', 'Ethernet'],
  ['cox', 'Cox', 'Ethernet'],
  ['centurylink', 'CenturyLink', 'Ethernet'],
  ['frontier', 'Frontier', 'Ethernet'],
  ['lumen', 'Lumen', 'Ethernet'],
  ['t-mobile', 'T-Mobile', 'Cellular'],
  ['at&t', 'AT&T', 'Cellular'],
  ['verizon', 'Verizon', 'Cellular'],
  ['sprint', 'Sprint', 'Cellular'],
  ['vodafone', 'Vodafone', 'Cellular'],
  ['ee limited', 'EE', 'Cellular'],
  ['softbank', 'SoftBank', 'Cellular'],
  ['ntt docomo', 'Docomo', 'Cellular'],
  ['rogers', 'Rogers', 'Cellular'],
  ['telus', 'Telus', 'Cellular'],
];

const pluginLabel = (organisation: string, index: number): readonly [label: string, type: string] => {
  if (organisation === '') return [`Link ${index + 1}`, 'Unknown'];
  const rule = RULES.find(([text]) => organisation.toLowerCase().includes(text));
  return rule ? [rule[1], rule[2]] : [organisation.split(/[, ]/)[0]!.slice(0, 16), 'Unknown'];
};

/** As databases spell them. */
const ORGANISATIONS: readonly (readonly [asn: number, name: string])[] = [
  [16_591, 'Google Fiber Inc.'],
  [701, 'Verizon Fios'],
  [7_018, 'AT&T Internet Services'],
  [7_922, 'Comcast Cable Communications, LLC'],
  [20_115, 'Charter Communications LLC'],
  [10_796, 'Spectrum'],
  [22_773, 'Cox Communications Inc.'],
  [209, 'CenturyLink Communications, LLC'],
  [5_650, 'Frontier Communications of America, Inc.'],
  [3_356, 'Lumen Technologies, Inc.'],
  [21_928, 'T-Mobile USA, Inc.'],
  [20_057, 'AT&T Enterprises, LLC'],
  [6_167, 'Verizon Business'],
  [22_394, 'Cellco Partnership'],
  [10_507, 'Sprint Personal Communications Systems'],
  [25_135, 'Vodafone Limited'],
  [12_576, 'EE Limited'],
  [17_676, 'SoftBank Corp.'],
  [9_605, 'NTT DOCOMO, INC.'],
  [812, 'Rogers Communications Canada Inc.'],
  [852, 'TELUS Communications Inc.'],
  [206_067, 'Hutchison 3G UK Limited'],
  [14_593, 'Space Exploration Technologies Corporation'],
  [2_856, 'British Telecommunications PLC'],
  [3_320, 'Deutsche Telekom AG'],
  [1_221, 'Telstra Limited'],
  [55_836, 'Reliance Jio Infocomm Limited'],
  [24_940, 'Hetzner Online GmbH'],
  [14_061, 'DigitalOcean, LLC'],
  [16_509, 'Amazon.com, Inc.'],
  [64_496, 'Tree Limited'],
  [64_497, 'Stadtwerke Anywhere Glasfaser GmbH & Co. KG'],
  [64_498, 'Blueprint Hosting Ltd'],
  [64_499, 'Example Mobile S.A.'],
  [64_500, 'Somebody, With A Comma'],
];

const answerFor = (links: readonly (readonly [asn: number, name: string] | undefined)[]) => {
  const carriers: CarrierLookup = {
    ...carriersOff,
    of: (address) => {
      const known = links[Number(address.split('.')[3])];
      return known && carrierOf({ asn: known[0], name: known[1], country: 'US' });
    },
  };
  const group = groupSnapshot({ links: links.map((_, index) => linkSnapshot({ address: `203.0.113.${index}` })) });
  const answer = linksAnswer(dataPlaneSnapshot({ srtla: { groups: [group], counters: {} } }), {
    mode: 'byor',
    publisherCount: 1,
    publisherOfPlayer: () => undefined,
    privileged: false,
    addresses: 'prefix',
    streamId: undefined,
    names: new LinkNames(carriers),
    databases: [],
  });
  return (JSON.parse(JSON.stringify(answer)) as typeof answer).groups[0]!.connections;
};

/** One line for each link: what we say | what the plugin makes of it. */
const linesFor = (links: Parameters<typeof answerFor>[0]): string =>
  answerFor(links)
    .map(({ asn_org, asn = '-', label, kind, country = '-' }, index) => {
      const [name, type] = pluginLabel(asn_org, index);
      return `${[asn_org, asn, label, kind, country].join(' · ')} | ${name} · ${type}`;
    })
    .join('\n');

const GOLDEN = resolve(import.meta.dirname, 'carriers.txt');

describe('carriers of links', () => {
  it('have these names, with us and with the plugin', () => {
    const each = ORGANISATIONS.map((one) => linesFor([one])).join('\n');
    const bonded = linesFor([[21_928, 'T-Mobile USA, Inc.'], undefined, [21_928, 'T-Mobile USA, Inc.'], undefined]);
    const text = `Each by itself:\n${each}\n\nFour of one stream, two of them not known:\n${bonded}\n`;
    if (process.env.UPDATE_GOLDEN === '1') writeFileSync(GOLDEN, text);
    expect(text).toBe(readFileSync(GOLDEN, 'utf8'));
  });

  it("of the plugin's own table are the same with us", () => {
    const kinds: Readonly<Record<string, string>> = { Ethernet: 'fixed', Cellular: 'cellular' };
    for (const [text, label, type] of RULES)
      expect(carrierOf({ name: `The ${text.toUpperCase()} Company` })).toMatchObject({ label, kind: kinds[type] });
  });

  it('never make a client fall back to an address', () => {
    for (const { asn_org, label } of answerFor([undefined, [0, ''], [64_496, 'X']])) {
      expect(asn_org).not.toBe('');
      expect(`${asn_org} ${label}`).not.toMatch(/203\.0\.113/);
    }
  });

  it('are as many as there are links: two of one organisation have two names', () => {
    const names = answerFor([...ORGANISATIONS, ...ORGANISATIONS]).map(({ asn_org }) => asn_org);
    expect(new Set(names).size).toBe(names.length);
  });
});
