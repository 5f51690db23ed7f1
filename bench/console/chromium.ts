import type { Browser, BrowserContext, Page } from 'playwright-core';
import { findChromium, launchChromium } from '../../test/helpers/chromium.ts';

/** @throws Error that says what to install */
export function launch(): Promise<Browser> {
  const found = findChromium();
  if (found === null) throw new Error('there is no Chromium: install it (Debian: chromium), or set $CHROMIUM');
  return launchChromium(found);
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
