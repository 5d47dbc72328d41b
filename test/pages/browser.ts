import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

const CHROMIUM = '/usr/bin/chromium';
const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** The distribution's browser. */
export const openBrowser = (): Promise<Browser> => chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS });

export interface Look {
  width: number;
  height: number;
  theme: 'light' | 'dark';
}

export const DESKTOP: Look = { width: 1360, height: 900, theme: 'light' };
export const PHONE: Look = { width: 390, height: 844, theme: 'light' };

/** A busy machine paints a page with a moving picture now and then only. */
const PATIENCE_MS = 120_000;

/** A browser of its own, with its own cookies. */
export const openContext = async (browser: Browser, { width, height, theme }: Look): Promise<BrowserContext> => {
  const viewport = { width, height };
  const context = await browser.newContext({ viewport, colorScheme: theme, locale: 'en-GB', timezoneId: 'UTC' });
  context.setDefaultTimeout(PATIENCE_MS);
  return context;
};

export const signIn = async (page: Page, base: string, key: string): Promise<void> => {
  await page.goto(base);
  await page.getByLabel('API key').fill(key);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('navigation', { name: 'Pages' }).waitFor();
};
