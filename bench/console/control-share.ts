import { setTimeout as pause } from 'node:timers/promises';
import type { Browser } from 'playwright-core';
import { cpuMicros } from '../proc.ts';
import { signedIn } from './chromium.ts';
import { fillQueue } from './queue.ts';

/** Milliseconds in which a page has read what it needs. */
const SETTLED = 5_000;

/** The share of a core that control uses while nobody looks, while the queue is open, and while a hold is open. */
export type ControlSample = { readonly nobody: number; readonly queue: number; readonly hold: number };

type Place = {
  readonly agents: string;
  readonly admin: string;
  readonly agentToken: string;
  readonly reviewerToken: string;
  /** The process that serves the console. */
  readonly control: number;
  readonly seconds: number;
  /** Calls are numbered from here. */
  readonly from: number;
};

/** Meanwhile a call is held each second, which every open console is told. */
export async function controlShare(browser: Browser, place: Place): Promise<ControlSample> {
  let number = place.from;
  async function busy(): Promise<number> {
    const before = cpuMicros(place.control);
    const began = performance.now();
    for (let second = 1; second <= place.seconds; second += 1) {
      await fillQueue(place.agents, place.agentToken, 1, number);
      number += 1;
      await pause(Math.max(0, began + second * 1000 - performance.now()));
    }
    const after = cpuMicros(place.control);
    if (before === null || after === null) throw new Error('the processor time of control cannot be read here');
    return (after - before) / 1000 / (performance.now() - began);
  }

  const nobody = await busy();
  const context = await signedIn(browser, place.admin, place.reviewerToken);
  try {
    const page = await context.newPage();
    await page.goto(`${place.admin}/holds`);
    await page.waitForSelector('a[data-hold]');
    await pause(SETTLED);
    const queue = await busy();
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.waitForSelector('main[aria-busy="false"] .headline');
    await pause(SETTLED);
    return { nobody, queue, hold: await busy() };
  } finally {
    await context.close();
  }
}
