import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { build } from 'vite';
import { findChromium, launchChromium } from '../../helpers/chromium.ts';
import { tempFolder } from '../../helpers/folder.ts';
import { openDesk, type Desk } from '../desk.ts';

const ROOT = resolve(import.meta.dirname, '../../..');

/** The browser of the tests: `$CHROMIUM`, or the first on PATH. Null where there is none: tests skip then, and say so. */
export const CHROMIUM: string | null = findChromium();
if (CHROMIUM === null) console.warn('Skipped: there is no Chromium. Install it, or set $CHROMIUM.');

/** How people see a page; axe-core finds other faults in each. */
export const LOOKS = [
  ['in light', { colorScheme: 'light' }],
  ['in dark', { colorScheme: 'dark' }],
  ['at 380 pixels', { viewport: { width: 380, height: 800 }, hasTouch: true }],
] as const satisfies readonly (readonly [string, BrowserContextOptions])[];

/** A signed-in page, and what a page must never do. */
export type Visit = {
  readonly page: Page;
  /** Violations of the content security policy, errors of scripts, and requests to any other host. */
  readonly wrongs: readonly string[];
};

/** The admin listener with the console that is built from these sources, and a browser. */
export type Scene = {
  readonly desk: Desk;
  /** Signs a reviewer in by token, and opens a page. `who` is a name of the desk. */
  visit(path: string, who?: string, options?: BrowserContextOptions): Promise<Visit>;
  /** Opens a page without signing in. */
  open(path: string, options?: BrowserContextOptions): Promise<Visit>;
  /** What axe-core finds on the page, one line each. */
  axe(page: Page): Promise<string[]>;
  close(): Promise<void>;
};

export async function openScene(overrides: Parameters<typeof openDesk>[0] = {}): Promise<Scene> {
  const folder = tempFolder();
  // With the value that it has in tests, this would be React's development build, and not what ships.
  process.env['NODE_ENV'] = 'production';
  await build({
    configFile: join(ROOT, 'admin/console/vite.config.ts'),
    logLevel: 'error',
    build: { outDir: folder.path, emptyOutDir: true },
  });
  const desk = await openDesk({ consoleFiles: folder.path, ...overrides });
  const browser = await launchBrowser();
  const axe = readFileSync(join(ROOT, 'node_modules/axe-core/axe.min.js'), 'utf8');
  return {
    desk,
    open: (path, options) => openPage(browser, desk.url, path, options),
    async visit(path, who = 'ben', options = {}) {
      const { page, wrongs } = await openPage(browser, desk.url, '/sign-in', options);
      await page.getByLabel('Your reviewer’s token').fill(`${who}-token`);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByRole('heading', { name: 'Held calls' }).waitFor();
      if (path !== '/holds') await page.goto(desk.url + path);
      return { page, wrongs };
    },
    async axe(page) {
      await page.evaluate(axe);
      const found = await page.evaluate<{ violations: { id: string; nodes: { target: string[] }[] }[] }>('axe.run()');
      return found.violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.target.join(' ')}`);
    },
    async close() {
      await browser.close();
      await desk.close();
      folder.remove();
    },
  };
}

export const launchBrowser = (): Promise<Browser> => launchChromium(CHROMIUM!);

/** @param url of an admin listener */
export async function openPage(
  browser: Browser,
  url: string,
  path: string,
  options: BrowserContextOptions = {},
): Promise<Visit> {
  const wrongs: string[] = [];
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
  // As long as the tests of everything else wait on a busy machine.
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  page.on('pageerror', ({ message }) => wrongs.push(message));
  page.on('console', (message) => {
    if (/Content.Security.Policy/i.test(message.text())) wrongs.push(message.text());
  });
  page.on('request', (request) => {
    if (!/^(?:blob|data):/.test(request.url()) && !request.url().startsWith(url)) wrongs.push(request.url());
  });
  await page.goto(url + path);
  return { page, wrongs };
}
