import { setTimeout as pause } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { signedIn, throttledPage } from './chromium.ts';
import { PROBE } from './probe.ts';

/** How often a key is pressed on each page, and the milliseconds between two presses: a person who is in a hurry. */
const PRESSES = 20;
const BETWEEN = 150;
/** Milliseconds. */
const TIMEOUT = 60_000;
const LOOK = 50;

/** One person's visit, in milliseconds. */
export type VisitSample = {
  /** From the address to the first picture of the queue, by a browser that has nothing cached. */
  readonly firstPaint: number;
  /** The same when the page is loaded again. */
  readonly nextPaint: number;
  /** From a key to the next row of the queue. */
  readonly rows: readonly number[];
  /** From a key to the next hold: until its words are there, and until all of it is. */
  readonly words: readonly number[];
  readonly holds: readonly number[];
};

/**
 * Opens the queue, goes down it by keys, opens a hold, and goes on from hold to hold.
 * @param rate by how much the browser's processor is slowed down
 */
export async function visit(
  browser: Browser,
  at: { readonly admin: string; readonly token: string; readonly holds: number; readonly rate: number },
): Promise<VisitSample> {
  const context = await signedIn(browser, at.admin, at.token);
  try {
    await context.addInitScript(PROBE);
    const page = await throttledPage(context, at.rate);
    await page.goto(`${at.admin}/holds`);
    const firstPaint = await painted(page);
    await complete(page, at.holds);
    await page.reload();
    const nextPaint = await painted(page);
    await complete(page, at.holds);
    const rows = (await press(page, ['row'])).map(([row]) => row!);
    await page.keyboard.press('Enter');
    await page.waitForSelector('main[aria-busy="false"] .headline', { timeout: TIMEOUT });
    const both = await press(page, ['headline', 'whole']);
    return {
      firstPaint,
      nextPaint,
      rows,
      words: both.map(([words]) => words!),
      holds: both.map(([, whole]) => whole!),
    };
  } finally {
    await context.close();
  }
}

async function painted(page: Page): Promise<number> {
  await until(page, 'probe.paint !== null');
  return await page.evaluate<number>('probe.paint');
}

/** The content security policy forbids what `waitForFunction` does. */
async function until(page: Page, condition: string): Promise<void> {
  const end = performance.now() + TIMEOUT;
  while (!(await page.evaluate<boolean>(condition))) {
    if (performance.now() > end) throw new Error(`${condition} did not come true`);
    await pause(LOOK);
  }
}

/** Until the whole queue is known. */
async function complete(page: Page, holds: number): Promise<void> {
  await until(page, `document.querySelector('.page-head p')?.textContent?.startsWith('${holds} wait') === true`);
}

async function press(page: Page, states: readonly string[]): Promise<number[][]> {
  const all: number[][] = [];
  for (let count = 0; count < PRESSES; count += 1) {
    await pause(BETWEEN);
    await page.evaluate(`probe.arm(${JSON.stringify(states)})`);
    await page.keyboard.press('j');
    all.push(await page.evaluate<number[]>('probe.took'));
  }
  return all;
}
