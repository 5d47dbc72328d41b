import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/processes.ts';
import { DESKTOP, openBrowser, openContext, PHONE, signIn } from './browser.ts';
import { openScene, type Scene } from './scene.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const WATCH_MS = 15_000;

let scene: Scene;
let browser: Browser;
let context: BrowserContext;
let page: Page;
/** What went wrong in any page: errors, refusals of the content security policy, requests to anybody else. */
const complaints: string[] = [];

const listen = (one: Page): Page => {
  one.on('pageerror', (error) => complaints.push(error.message));
  one.on('console', (message) => {
    // 401 and 404 are answers that tests ask for.
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) complaints.push(message.text());
  });
  one.on('request', (request) => {
    if (!request.url().startsWith(scene.base) && !/^(?:data|blob):/.test(request.url())) complaints.push(request.url());
  });
  return one;
};

const visit = (path: string): Promise<unknown> => page.goto(`${scene.base}${path}`);
const lane = (address: string) => page.locator(`.lane:has(th[title^="${address}:"])`);

beforeAll(async () => {
  scene = await openScene({ TRIBUTARY_DASHBOARD_PREVIEW: 'true' });
  browser = await openBrowser();
  context = await openContext(browser, DESKTOP);
  page = listen(await context.newPage());
});

afterAll(async () => {
  await browser?.close();
  await scene?.stop();
});

describe('signing in', () => {
  it('refuses a wrong key, in words', async () => {
    await visit('/');
    await page.getByLabel('API key').fill('no-key-of-this-node');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').getByText('This is no key of this node').waitFor();
  });

  it('takes the admin key, and keeps the session from scripts', async () => {
    await signIn(page, scene.base, scene.node.adminKey);
    const [cookie] = await context.cookies();
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict' });
    expect(await page.evaluate('document.cookie')).toBe('');
    expect(await page.evaluate('JSON.stringify({ ...localStorage })')).not.toContain(scene.node.adminKey);
  });
});

describe('the live page', () => {
  it('shows the bond breathing: the share of each lane changes ten times in 15 s', async () => {
    await page.locator('.lane').nth(2).waitFor();
    const changes = (await page.evaluate(`new Promise((done) => {
      const counts = {};
      const last = {};
      const timer = setInterval(() => {
        for (const lane of document.querySelectorAll('.lane')) {
          const share = lane.querySelector('.share-value').textContent;
          const { slot } = lane.dataset;
          counts[slot] ??= 0;
          if (last[slot] !== undefined && last[slot] !== share) counts[slot]++;
          last[slot] = share;
        }
      }, 100);
      setTimeout(() => { clearInterval(timer); done(counts); }, ${WATCH_MS});
    })`)) as Record<string, number>;
    expect(Object.keys(changes)).toHaveLength(3);
    for (const [slot, count] of Object.entries(changes)) expect(count, `lane ${slot}`).toBeGreaterThanOrEqual(10);
  });

  it('stands still around the numbers: CLS stays at 0.05 and below for a minute', async () => {
    const still = listen(await context.newPage());
    await still.addInitScript(`
      window.shifts = 0;
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts += entry.value;
      }).observe({ type: 'layout-shift', buffered: true });
    `);
    await still.goto(scene.base);
    await still.locator('.lane').nth(2).waitFor();
    await still.evaluate('new Promise((done) => setTimeout(done, 60_000))');
    const shifts = await still.evaluate('window.shifts');
    await still.close();
    await page.bringToFront();
    expect(shifts).toBeLessThanOrEqual(0.05);
  });

  it('fades a link that is unplugged, says when it was heard last, and brings it back', async () => {
    await scene.tell('block 127.0.2.1');
    await until(
      'the lane to fade',
      async () => {
        // What it fades to: a page that is not painted does not get there.
        const style = (await lane('127.0.2.1').getAttribute('style')) ?? '';
        const opacity = /--vigour: ?([\d.]+)/.exec(style)?.[1];
        return Number(opacity) < 0.6;
      },
      30_000,
    );
    expect(await lane('127.0.2.1').getAttribute('data-state')).toMatch(/quiet|gone/);
    expect(await lane('127.0.2.1').locator('.lane-heard').textContent()).toMatch(/\d s/);
    await scene.tell('unblock 127.0.2.1');
    await until(
      'the lane to be back',
      async () => (await lane('127.0.2.1').getAttribute('data-state')) === 'active',
      60_000,
    );
    expect(await page.locator('.lane').count()).toBe(3);
  });

  it('tells what happens, in words', async () => {
    await page
      .getByRole('complementary', { name: 'Events' })
      .getByText(/Stream started \(bonded/)
      .waitFor();
  });
});

describe('the page of a stream', () => {
  it('has its history, link by link', async () => {
    await page.locator('.stream-link').first().click();
    await page.locator('.chart canvas').first().waitFor();
    const legend = page.locator('.chart', { hasText: 'Bitrate' }).locator('.legend li');
    await until('values in the legend', async () => /[1-9]/.test((await legend.nth(1).textContent()) ?? ''));
    expect(await legend.count()).toBeGreaterThanOrEqual(4);
  });

  it('shows the picture on demand, and it advances', async () => {
    await page.getByRole('button', { name: 'Show the picture' }).click();
    await until(
      'two seconds of picture',
      async () => Number(await page.evaluate(`document.querySelector('video')?.currentTime`)) > 2,
      40_000,
    );
    await page.getByRole('heading', { name: 'Players' }).waitFor();
    await page.locator('.table', { hasText: '127.0.0.1' }).getByText('playing').waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await until('the player to be gone', async () => {
      const facts = await scene.node.get<{ players: unknown[] }>('/v1/doctor', scene.node.token);
      return facts.players.length === 0;
    });
  });

  it('has URLs to paste and QR codes, with the publisher id hidden until it is asked for', async () => {
    await page.getByRole('link', { name: 'Connect', exact: true }).click();
    const [row] = await scene.node.rows();
    const card = page.locator('.paste', { hasText: 'IRL Pro' });
    await card.waitFor();
    expect(await page.locator('main').innerText()).not.toContain(row!.publisher);
    await card.getByRole('button', { name: /^Show/ }).click();
    await card.getByText(`srtla://127.0.0.1:${scene.node.ports.srtla[0]}?streamid=${row!.publisher}`).waitFor();
    await card.getByRole('button', { name: /^QR code/ }).click();
    await page
      .getByRole('dialog')
      .getByRole('img', { name: /QR code/ })
      .waitFor();
    await page.keyboard.press('Escape');
    expect(await page.getByRole('dialog').count()).toBe(0);
    await expect.poll(() => page.evaluate('document.activeElement.getAttribute("aria-label")')).toMatch(/^QR code/);
    await page.locator('.paste', { hasText: 'OBS' }).getByText('mpegts').waitFor();
  });

  it('shares what is seen with whoever has the link, without ids and addresses, until it is taken back', async () => {
    await page.getByRole('link', { name: 'Share', exact: true }).click();
    await page.getByRole('button', { name: 'Make a link' }).click();
    const link = (await page.locator('.made code').textContent())!;
    const stranger = listen(await (await openContext(browser, PHONE)).newPage());
    const heard: string[] = [];
    stranger.on('response', (response) => {
      // The feed does not end: it is read below.
      if (!response.url().endsWith('/feed'))
        void response.text().then(
          (text) => heard.push(text),
          () => {},
        );
    });
    await stranger.goto(link);
    await stranger.locator('.lane').nth(2).waitFor();
    const feed = (await stranger.evaluate(`new Promise((done) => {
      const source = new EventSource(location.pathname + '/feed');
      source.onmessage = ({ data }) => { source.close(); done(data); };
    })`)) as string;
    const [row] = await scene.node.rows();
    const seen = [feed, ...heard, await stranger.content()].join('\n');
    for (const secret of [row!.publisher, row!.player, '127.0.1.1', '127.0.0.1:']) expect(seen).not.toContain(secret);
    await page.getByRole('button', { name: 'Take back' }).click();
    await stranger.getByText('This link shows nothing any more').waitFor();
    await stranger.context().close();
  });
});

describe('management', () => {
  it('makes an id, which works at once, and revokes it, which cuts it at once', async () => {
    await visit('/manage');
    await page.getByRole('button', { name: 'New id' }).click();
    await page.getByLabel('Name').fill('Test of the pages');
    await page.getByRole('button', { name: 'Make it' }).click();
    const publisher = (await page.locator('[data-made="publisher"]').textContent())!;
    await page.getByRole('button', { name: 'Done' }).click();
    const card = page.locator('.id-card', { hasText: 'Test of the pages' });
    await card.waitFor();
    const sender = scene.publish(publisher);
    await card.getByText('Live', { exact: true }).waitFor({ timeout: 40_000 });
    await card.getByRole('button', { name: 'Delete…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke now' }).click();
    await card.waitFor({ state: 'detached' });
    await until('the stream to be cut', async () => {
      const facts = await scene.node.get<{ publishers: unknown[] }>('/v1/doctor', scene.node.token);
      return facts.publishers.length === 1;
    });
    await sender.stop();
  });

  it('drains and admits again', async () => {
    await page.getByRole('link', { name: 'Node and settings' }).click();
    for (const [button, action, sign] of [
      ['Drain this node', 'Drain', true],
      ['Admit senders again', 'Admit', false],
    ] as const) {
      await page.getByRole('button', { name: button }).click();
      await page.getByRole('dialog').getByRole('button', { name: action, exact: true }).click();
      await until(`draining: ${sign}`, async () => {
        const { draining } = await scene.node.get<{ draining: boolean }>('/api/drain', scene.node.adminKey);
        return draining === sign;
      });
      await page.getByRole('button', { name: sign ? 'Admit senders again' : 'Drain this node' }).waitFor();
    }
  });

  it('makes a key, with whose rights one can sign in, and revokes it', async () => {
    await page.getByRole('link', { name: 'API keys' }).click();
    await page.getByLabel('Name').fill('Moderators');
    await page.getByRole('button', { name: 'Make a key' }).click();
    const key = (await page.locator('.made code').textContent())!;
    const reader = await openContext(browser, DESKTOP);
    const other = listen(await reader.newPage());
    await signIn(other, scene.base, key);
    await other.goto(`${scene.base}/manage`);
    await other.locator('.id-card').first().waitFor();
    expect(await other.getByRole('button', { name: 'New id' }).count()).toBe(0);
    await page.locator('tr', { hasText: 'Moderators' }).getByRole('button', { name: 'Revoke' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke', exact: true }).click();
    await other.getByLabel('API key').waitFor();
    await reader.close();
  });
});

describe('everybody can use it', () => {
  const PATHS = ['/', '/manage', '/manage/keys', '/manage/node', '/setup', '/docs', '/docs/api'];

  it.each(['light', 'dark'] as const)('axe finds nothing serious, %s', async (theme) => {
    await page.emulateMedia({ colorScheme: theme });
    await visit('/');
    const stream = (await page.locator('.stream-link').first().getAttribute('href'))!;
    for (const path of [...PATHS, stream, `${stream}/connect`, `${stream}/share`]) {
      await visit(path);
      await page.locator('main h1, main .card').first().waitFor();
      await until('all of the page', async () => (await page.locator('.loading').count()) === 0, 60_000);
      expect(await seriousViolations(page), `${path} ${theme}`).toEqual([]);
    }
    await page.emulateMedia({ colorScheme: 'light' });
  });

  it('goes from page to page by keyboard', async () => {
    await visit('/');
    await page.locator('.lane').first().waitFor();
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toContain('To the content');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Manage' }).waitFor();
  });

  it('fits a phone', async () => {
    const phone = await openContext(browser, PHONE);
    const small = listen(await phone.newPage());
    await signIn(small, scene.base, scene.node.adminKey);
    await small.locator('.lane').nth(2).waitFor();
    const stream = (await small.locator('.stream-link').first().getAttribute('href'))!;
    for (const path of ['/', stream, `${stream}/connect`, '/manage', '/manage/keys', '/setup', '/manage/node']) {
      await small.goto(`${scene.base}${path}`);
      await small.locator('main .card').first().waitFor();
      expect(await small.evaluate('document.documentElement.scrollWidth'), path).toBeLessThanOrEqual(PHONE.width);
    }
    await phone.close();
  });
});

describe('signing out', () => {
  it('ends the session on the node', async () => {
    const cookies = await context.cookies();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('API key').waitFor();
    const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
    const answer = await fetch(`${scene.base}/data/ids`, { headers: { cookie } });
    expect(answer.status).toBe(401);
  });

  it('nothing went wrong in any page, and nobody else was asked for anything', () => {
    expect(complaints).toEqual([]);
  });
});

const seriousViolations = async (one: Page): Promise<string[]> => {
  // As a function in the page: its policy lets no other script in.
  await one.evaluate(AXE);
  return (await one.evaluate(`axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => id + ': ' + nodes.slice(0, 3).map(({ html }) => html.slice(0, 160)).join(' | ')))`)) as string[];
};
