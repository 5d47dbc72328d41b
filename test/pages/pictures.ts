// node test/pages/pictures.ts [FOLDER]: the pictures of docs/pictures, of the real pages over streams that are made up.
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Page } from 'playwright-core';
import { HttpListener } from '../../src/stats/http-listener.ts';
import { DESKTOP, type Look, openBrowser, openContext, PHONE, signIn } from './browser.ts';
import { SAMPLE_KEY, sampleNode } from './sample-node.ts';
import { SAMPLE_STREAMS, sampleCarriers, sampleEvents } from './sample-streams.ts';

const HALF_HOUR_MS = 30 * 60_000;
/** Until numbers have changed a few times. */
const TRAIL_MS = 3_000;
const folder = resolve(process.argv[2] ?? resolve(import.meta.dirname, '../../docs/pictures'));

const node = await sampleNode({ streams: SAMPLE_STREAMS, carriers: sampleCarriers, historyMs: HALF_HOUR_MS });
const listener = await HttpListener.open(node.app, { bind: ['127.0.0.1'], port: 0, portSetting: 'SLS_MGNT_PORT' });
const base = `http://127.0.0.1:${listener.port}`;
for (const event of sampleEvents(Date.now())) node.events.add(event);
const browser = await openBrowser();
mkdirSync(folder, { recursive: true });

/** Those that the documents show. */
const WANTED = new Set([
  ...['live', 'stream'].flatMap((name) => [`${name}-desktop-light`, `${name}-desktop-dark`]),
  ...['live-phone-light', 'live-phone-dark', 'stream-phone-dark', 'setup-phone-light'],
  ...['connect-desktop-light', 'manage-desktop-dark', 'setup-desktop-light', 'login-desktop-dark'],
]);

const take = (page: Page, name: string, fullPage: boolean): Promise<unknown> =>
  page.screenshot({ path: resolve(folder, `${name}.png`), fullPage, animations: 'disabled' });

/** By clicks, so that the page, and with it its trails, stays. */
const views: readonly (readonly [name: string, path: string, ready: string, fullPage: boolean])[] = [
  ['live', '/', '.lane', false],
  ['stream', '', '.chart canvas', true],
  ['connect', '/connect', '.paste', true],
  ['manage', '/manage', '.id-card', true],
  ['setup', '/setup', '.checks', true],
];

const picturesOf = async (look: Look, size: string): Promise<void> => {
  const context = await openContext(browser, look);
  const page = await context.newPage();
  if (look.theme === 'dark' && size === 'desktop') {
    await page.goto(base);
    await page.getByLabel('API key').waitFor();
    await take(page, `login-${size}-${look.theme}`, false);
  }
  await signIn(page, base, SAMPLE_KEY);
  await page.locator('.lane').first().waitFor();
  await page.waitForTimeout(TRAIL_MS);
  const streamPath = await page.locator('.stream-link').first().getAttribute('href');
  for (const [name, path, ready, fullPage] of views) {
    if (!WANTED.has(`${name}-${size}-${look.theme}`)) continue;
    const href = name === 'stream' || name === 'connect' ? `${streamPath}${path}` : path;
    // As text: it runs in the page.
    await page.evaluate(
      `history.pushState(undefined, '', ${JSON.stringify(href)}); dispatchEvent(new PopStateEvent('popstate'))`,
    );
    await page.locator(ready).first().waitFor();
    await page.waitForTimeout(900);
    // On a phone the navigation stays at the lower edge, wherever that is.
    await take(page, `${name}-${size}-${look.theme}`, fullPage && size === 'desktop');
  }
  await context.close();
};

await Promise.all(
  (['light', 'dark'] as const).flatMap((theme) => [
    picturesOf({ ...DESKTOP, theme }, 'desktop'),
    picturesOf({ ...PHONE, theme }, 'phone'),
  ]),
);
await browser.close();
await listener.close();
node.close();
