import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { testClip } from '../support/media.ts';
import { namespacesMissing } from '../support/namespaces.ts';
import { until } from '../support/processes.ts';
import { Field, type FieldOptions } from './field.ts';

const missing = namespacesMissing();

describe.skipIf(missing !== undefined)(`the network${missing ? ` (skipped: ${missing})` : ''}`, () => {
  let clip: string;
  let field: Field;
  beforeAll(() => {
    clip = testClip(12);
  });
  afterEach(() => field?.close());
  const open = async (options: FieldOptions = {}): Promise<Field> => {
    field = await Field.open(options);
    return field;
  };
  /** The network gives the phone another address: what was sent from the old one comes to nobody from then on. */
  const readdress = (link: number): void => {
    field.phone.ip('addr', 'del', `${field.address(link)}/24`, 'dev', field.device(link));
    field.phone.ip('addr', 'add', `${field.address(link, 7)}/24`, 'dev', field.device(link));
    field.route(link);
  };
  const links = async (): Promise<number> => (await field.facts()).srtla.groups[0]?.links.length ?? 0;

  it('a link goes down and comes up again: the viewer misses nothing', async () => {
    await open();
    const whole = await field.show(clip, async () => {
      field.phone.ip('link', 'set', field.device(0), 'down');
      await delay(3_000);
      field.phone.ip('link', 'set', field.device(0), 'up');
      field.route(0);
      await delay(1_000);
    });
    expect(whole).toBe(true);
  });

  it('two of three links go down, one after the other: the viewer misses nothing', async () => {
    await open();
    const whole = await field.show(clip, async () => {
      field.phone.ip('link', 'set', field.device(0), 'down');
      await delay(1_500);
      field.phone.ip('link', 'set', field.device(1), 'down');
      await delay(2_000);
    });
    expect(whole).toBe(true);
  });

  it('a link gets another address: it joins anew under it, and the viewer misses nothing', async () => {
    await open();
    const [before, after] = [field.address(0), field.address(0, 7)];
    const whole = await field.show(clip, async () => {
      readdress(0);
      await field.command(`add ${after}`);
      await field.command(`remove ${before}`);
      await until('the new link', async () => (await links()) >= 3, 20_000);
    });
    expect(whole).toBe(true);
  });

  it('all links get other ports at once, as behind a NAT that was started anew: the viewer misses nothing', async () => {
    await open({ env: { TRIBUTARY_SRTLA_ADOPT_REBINDS: 'true' } });
    const whole = await field.show(clip, async () => {
      for (let link = 0; link < 3; link++) await field.command(`rebind ${field.address(link)}`);
      await delay(2_000);
    });
    expect(whole).toBe(true);
  });

  it('all links get other addresses: the stream goes on over them', async () => {
    await open();
    const whole = await field.show(clip, async () => {
      for (let link = 0; link < 3; link++) readdress(link);
      for (let link = 0; link < 3; link++) {
        await field.command(`add ${field.address(link, 7)}`);
        await field.command(`remove ${field.address(link)}`);
      }
      await delay(2_000);
    });
    expect(whole).toBe(true);
  });

  it.each<[what: string, impair: string]>([
    ['loss on the way up alone', 'up.loss=4%,20ms'],
    ['loss on the way back alone: acknowledgements and reports of loss go missing', 'down.loss=15%,20ms'],
    ['packets that come twice', 'dup=10%,20ms'],
    ['packets out of order', 'reorder=10%:5-40ms,20ms'],
  ])('%s: the viewer misses nothing', async (_what, impair) => {
    await open();
    expect(await field.show(clip, async () => {}, ['--impair', impair])).toBe(true);
    expect((await field.facts()).srtla.counters.malformed ?? 0).toBe(0);
  });

  it('an MTU of 1400 bytes on all links, from the middle of the stream on: the viewer misses nothing', async () => {
    await open();
    const whole = await field.show(clip, async () => {
      for (let link = 0; link < 3; link++) field.phone.ip('link', 'set', field.device(link), 'mtu', '1400');
      await delay(2_000);
    });
    expect(whole).toBe(true);
  });

  it('one link speaks IPv6 only: it bonds with the others', async () => {
    await open({ thirdIsV6: true });
    let addresses: string[] = [];
    const whole = await field.show(clip, async () => {
      addresses = (await field.facts()).srtla.groups[0]!.links.map(({ address }) => address);
    });
    expect(addresses.filter((address) => address.includes(':'))).toHaveLength(1);
    expect(addresses).toHaveLength(3);
    expect(whole).toBe(true);
  });
});
