import { execFileSync } from 'node:child_process';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Where the browser is: `$CHROMIUM`, or the first on PATH. @throws Error that says what to install */
export function findChromium(): string {
  const named = process.env['CHROMIUM'];
  if (named) return named;
  const script = NAMES.map((name) => `command -v ${name}`).join(' || ');
  const found = execFileSync('sh', ['-c', `${script} || true`], { encoding: 'utf8' }).trim();
  if (found === '') throw new Error('there is no Chromium: install it (Debian: chromium), or set $CHROMIUM');
  return found;
}

export function launch(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, args: ['--no-sandbox'] });
}

/** A browser that knows nothing yet but who is signed in. @param token a reviewer's */
export async function signedIn(browser: Browser, admin: string, token: string): Promise<BrowserContext> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  const answer = await context.request.post(`${admin}/api/session`, { data: { token } });
  if (answer.status() !== 201) throw new Error(`signing in was answered with ${answer.status()}`);
  return context;
}

/** A page whose scripts get one of so many parts of the processor's time. */
export async function throttledPage(context: BrowserContext, rate: number): Promise<Page> {
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send('Emulation.setCPUThrottlingRate', { rate });
  return page;
}
