import { setTimeout as pause } from 'node:timers/promises';
import type { Narrator } from './narrator.ts';
import type { DemoReviewer } from './reviewer.ts';
import { createStockBot } from './stock-bot.ts';
import type { ToolOutcome } from './stock-bot.ts';
import type { WarehouseServer } from './warehouse-server.ts';

/** Milliseconds for which a reader sees that the client waits. */
const SUSPENSE = 2000;

/** The demo also proves that the gateway works: an unexpected outcome ends it with an error. */
function expectOutcome({ isError, text }: ToolOutcome, expected: { readonly isError: boolean }): void {
  if (isError !== expected.isError) throw new Error(`a call of a tool had an unexpected result: ${text}`);
}

/** An agent calls the tools of an MCP server: one call is allowed, one held and approved, one blocked. */
export async function warehouseTour(stage: {
  readonly tell: Narrator;
  readonly signal: AbortSignal;
  readonly url: URL;
  readonly token: string;
  readonly server: WarehouseServer;
  readonly reviewer: DemoReviewer;
  readonly approvesAs: string;
  readonly pendingHold: () => ReturnType<DemoReviewer['nextPending']>;
}): Promise<void> {
  const { tell, signal, url, token, server, reviewer, approvesAs, pendingHold } = stage;
  tell.heading(
    'stock-bot at work: the official MCP client, with another URL and token. Its model reads the quoted text.',
  );
  const bot = await createStockBot(url, token);
  const quote = (text: string) => `“${text}”`.split('\n').forEach((line) => tell.note(line));
  try {
    tell.line(
      `  It may choose from ${(await bot.tools()).join(' and ')}. The server also has write_off, which policy blocks.`,
    );
    tell.line();

    tell.intent('read_stock { item: "bolts" }');
    const read = await bot.call('read_stock', { item: 'bolts' });
    expectOutcome(read, { isError: false });
    tell.verdict('allow', 'the result of the tool', read.milliseconds);
    quote(read.text);
    tell.line();

    const begun = performance.now();
    tell.intent('order { item: "bolts", quantity: 500 }');
    const waiting = bot.call('order', { item: 'bolts', quantity: 500 });
    const hold = await Promise.race([pendingHold(), waiting.then(() => null)]);
    if (!hold) throw new Error('the order should have been held, but there is no hold');
    tell.verdict('hold', hold.policy.reasons.join('; '), performance.now() - begun);
    tell.note(`The client waits. The demo approves the order as ${approvesAs}.`);
    await pause(SUSPENSE, undefined, { signal });
    await reviewer.approve(hold, 'Approved by the demo.');
    const ordered = await waiting;
    expectOutcome(ordered, { isError: false });
    tell.verdict('allow', 'released: the result of the tool', ordered.milliseconds);
    quote(ordered.text);
    tell.line();

    tell.intent('write_off { item: "bolts" }');
    const blocked = await bot.call('write_off', { item: 'bolts' });
    expectOutcome(blocked, { isError: true });
    tell.verdict('block', 'a result that is marked as an error', blocked.milliseconds);
    quote(blocked.text);
    tell.line();
    tell.line(`  The server executed ${server.executed().length} calls: ${server.executed().join(' and ')}.`);
  } finally {
    await bot.close();
  }
}
