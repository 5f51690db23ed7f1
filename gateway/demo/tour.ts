import { writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createBillingBot } from './agent.ts';
import type { BillingBot, Outcome } from './agent.ts';
import { createTokens, demoConfig } from './demo-config.ts';
import type { DemoTokens } from './demo-config.ts';
import { createDemoFolder } from './demo-folder.ts';
import { choosePorts, PREFERRED_PORTS } from './demo-ports.ts';
import type { DemoPorts } from './demo-ports.ts';
import { readLedger } from './ledger.ts';
import type { Query } from './ledger.ts';
import { createNarrator } from './narrator.ts';
import type { Narrator, Verdict } from './narrator.ts';
import { startPaymentsApi } from './payments-api.ts';
import type { PaymentsApi } from './payments-api.ts';
import { createReviewer } from './reviewer.ts';
import type { DemoReviewer, PendingHold } from './reviewer.ts';
import { startWarehouseServer } from './warehouse-server.ts';
import type { WarehouseServer } from './warehouse-server.ts';
import { warehouseTour } from './warehouse-tour.ts';

/** A gateway that is ready for calls at the addresses in its configuration. */
export type RunningGateway = {
  readonly query: Query;
  /** A one-time link that signs a reviewer in to the console. */
  signInLink(reviewer: string): Promise<string>;
  stop(): Promise<void>;
};

/** Starts a real gateway that logs to `log`; resolves when it is ready. Both options are file paths. */
export type StartGateway = (options: { config: string; log: string }) => Promise<RunningGateway>;

export type DemoOptions = {
  /** Ends after the tour. */
  readonly once: boolean;
  /** Ends the demo cleanly at any time, as on Ctrl-C. */
  readonly signal: AbortSignal;
  readonly start: StartGateway;
  /** The folder of policies that the demo copies and runs. */
  readonly policies: string;
  /** The only folder that the demo writes to. Default: `demo-data` in the working directory. */
  readonly folder?: string;
  readonly ports?: DemoPorts;
  readonly out?: NodeJS.WritableStream;
};

type Stage = {
  readonly once: boolean;
  readonly signal: AbortSignal;
  readonly tell: Narrator;
  readonly folder: string;
  readonly tokens: DemoTokens;
  readonly agentsUrl: string;
  readonly adminUrl: string;
  readonly query: Query;
  readonly api: PaymentsApi;
  readonly warehouse: WarehouseServer;
  readonly bot: BillingBot;
  readonly reviewer: DemoReviewer;
};

const CHARGE = 'ch_3Rd000000000000000002';
const REVIEWER = 'ben@example.com';
const SECOND_REVIEWER = 'cleo@example.com';
/** Longest wait for an event to reach ClickHouse on a slow machine. */
const RECORD_TIMEOUT_MS = 15_000;

/** Minor units in a readable form: 5,000.00. */
const money = (amount: number): string => (amount / 100).toLocaleString('en', { minimumFractionDigits: 2 });

const refundCode = (amount: number): string =>
  `stripe.refunds.create({ charge: '${CHARGE}', amount: ${amount} })  // ${money(amount)}`;

/** Calls `ask` every 100 ms until it returns a value; null after `RECORD_TIMEOUT_MS`. */
async function eventually<T>(ask: () => Promise<T | null>, signal: AbortSignal): Promise<T | null> {
  const end = performance.now() + RECORD_TIMEOUT_MS;
  for (;;) {
    const answer = await ask();
    if (answer !== null || performance.now() > end) return answer;
    await pause(100, undefined, { signal });
  }
}

/** The demo also proves that the gateway works: an unexpected outcome ends it with an error. */
function expectVerdict(code: string, expected: Verdict, outcome: Outcome): void {
  if (outcome.verdict === expected && outcome.ok === (expected === 'allow')) return;
  const got = `${outcome.verdict ?? 'no verdict'}: ${outcome.reason ?? outcome.result}`;
  throw new Error(`${code} should have ended with ${expected}, but got ${got}`);
}

async function allowed(stage: Stage, code: string, call: () => Promise<Outcome>): Promise<void> {
  const { tell, reviewer, signal } = stage;
  tell.intent(code);
  const outcome = await call();
  expectVerdict(code, 'allow', outcome);
  tell.verdict('allow', outcome.result, outcome.milliseconds);
  const record = await eventually(() => reviewer.recorded(outcome.decisionId ?? ''), signal);
  if (record) tell.note(`${record.rules.join(', ')}${record.reason ? `: ${record.reason}` : ''}`);
  tell.line();
}

async function blocked(stage: Stage, amount: number): Promise<void> {
  const { tell, bot, api } = stage;
  const before = api.executed().length;
  tell.intent(refundCode(amount));
  const outcome = await bot.refund(CHARGE, amount);
  expectVerdict(refundCode(amount), 'block', outcome);
  tell.verdict('block', `the SDK raises ${outcome.result}`, outcome.milliseconds);
  tell.note(outcome.reason ?? '');
  if (api.executed().length === before) tell.note('The payments API never saw it.');
  tell.line();
}

/** Approves as the reviewer after a delay, unless a person decides first. */
async function approveAfterDelay(stage: Stage, hold: PendingHold, settled: Promise<unknown>): Promise<void> {
  const { tell, once, signal, reviewer } = stage;
  const seconds = once ? 3 : 20;
  tell.note(`Or wait ${seconds} s: the demo then approves it as ${REVIEWER}.`);
  const isSettled = await Promise.race([settled.then(() => true), pause(seconds * 1000, false, { signal })]);
  if (isSettled) return tell.note('You decided.');
  const said = {
    approved: `The demo approved it as ${REVIEWER}.`,
    taken: 'The demo leaves it to you.',
    changed: `You changed it. Now ${SECOND_REVIEWER} must approve the change.`,
  };
  tell.note(said[await reviewer.approve(hold, 'Approved by the demo.')]);
}

async function held(stage: Stage, amount: number): Promise<void> {
  const { tell, bot, api, adminUrl, tokens, reviewer, signal } = stage;
  const before = api.executed().length;
  const begun = performance.now();
  tell.intent(refundCode(amount));
  const call = refundPatiently(bot, amount, signal);
  const hold = await Promise.race([eventually(() => reviewer.nextPending(), signal), call.then(() => null)]);
  if (!hold) {
    expectVerdict(refundCode(amount), 'hold', await call);
    throw new Error(`${refundCode(amount)} should have been held, but there is no hold`);
  }
  tell.verdict('hold', hold.policy.reasons.join('; '), performance.now() - begun);
  if (api.executed().length === before) tell.note('The SDK waits. The payments API has not seen the call.');
  tell.note(`Approve it in the console, ${adminUrl}/holds/${hold.hold_id}, or from another terminal:`);
  tell.line();
  tell.command(
    `curl -X POST ${adminUrl}/api/holds/${hold.hold_id}/approve`,
    `-H 'Authorization: Bearer ${tokens.reviewer}' -H 'If-Match: "${hold.revision}"'`,
    `-H 'Content-Type: application/json' -d '{"note":"agreed with the customer"}'`,
  );
  tell.line();
  await approveAfterDelay(stage, hold, call);
  const outcome = await call;
  signal.throwIfAborted();
  if (outcome.ok) tell.verdict('allow', `released: the SDK gets ${outcome.result}`, outcome.milliseconds);
  else tell.verdict('block', `the SDK raises ${outcome.result}: ${outcome.reason}`, outcome.milliseconds);
  tell.line();
}

/** One more held refund, for the person who watches: no script decides on it. Tells its hold, then how it ends. */
async function yourTurn(stage: Stage, amount: number): Promise<void> {
  const { tell, bot, adminUrl, reviewer, signal, folder } = stage;
  const begun = performance.now();
  tell.heading('Your turn');
  tell.intent(refundCode(amount));
  const call = refundPatiently(bot, amount, signal);
  const hold = await Promise.race([eventually(() => reviewer.nextPending(), signal), call.then(() => null)]);
  if (hold) {
    tell.verdict('hold', hold.policy.reasons.join('; '), performance.now() - begun);
    tell.note('The agent waits for you: no script decides on this one.');
    tell.line();
    tell.command(`${adminUrl}/holds/${hold.hold_id}`);
    tell.line();
    tell.line('  To sign in again, as either reviewer:');
    for (const who of [REVIEWER, SECOND_REVIEWER])
      tell.command(`npx holdpoint sign-in --as ${who} --config ./${relative('.', join(folder, 'holdpoint.yaml'))}`);
    tell.line('\n  Running. Press Ctrl-C to stop.');
  }
  const outcome = await call;
  signal.throwIfAborted();
  tell.line();
  if (outcome.ok) tell.verdict('allow', `released: the SDK gets ${outcome.result}`, outcome.milliseconds);
  else tell.verdict('block', `the SDK raises ${outcome.result}: ${outcome.reason}`, outcome.milliseconds);
}

/** Goes on waiting where the gateway says that the call still waits: it is the same hold. */
async function refundPatiently(bot: BillingBot, amount: number, signal: AbortSignal): Promise<Outcome> {
  for (;;) {
    const outcome = await bot.refund(CHARGE, amount);
    if (outcome.status !== 503 || outcome.verdict !== 'hold' || signal.aborted) return outcome;
  }
}

async function showLedger(stage: Stage, calls: number): Promise<void> {
  const { tell, query, signal } = stage;
  tell.heading('The record in ClickHouse');
  const complete = async () => {
    const { rows, unfinished } = await readLedger(query);
    return rows.length >= calls && unfinished === 0 ? rows : null;
  };
  const rows = (await eventually(complete, signal)) ?? (await readLedger(query)).rows;
  tell.table(rows);
}

function introduce(tell: Narrator, folder: string, ports: DemoPorts, moved: readonly string[]): void {
  tell.heading('Holdpoint demo');
  tell.line(
    `  http://127.0.0.1:${ports.agents}  the gateway, for agents (payments also has its own port: ${ports.payments})`,
  );
  tell.line(`  http://127.0.0.1:${ports.admin}  the console and the admin API, for reviewers`);
  tell.line(`  http://127.0.0.1:${ports.api}  an example payments API; only the gateway knows its key`);
  tell.line(`  http://127.0.0.1:${ports.warehouse}  an example MCP server, in the same way`);
  tell.line(
    `  ./${relative('.', folder)}`.padEnd(25) +
      'everything the demo writes: holdpoint.yaml, policies, data, gateway.log',
  );
  for (const word of moved) tell.line(`  ${word}`);
}

function suggest(stage: Stage): void {
  const { tell, folder, agentsUrl, adminUrl, tokens } = stage;
  const agent = `-H 'Authorization: Bearer ${tokens.agent}'`;
  const reviewer = `-H 'Authorization: Bearer ${tokens.reviewer}'`;
  tell.heading('Try it yourself');
  tell.line('  an allowed call:');
  tell.command(`curl '${agentsUrl}/payments/v1/customers?limit=1'`, agent);
  tell.line('  a held refund; the request waits up to 50 s for your decision:');
  tell.command(`curl ${agentsUrl}/payments/v1/refunds -d charge=${CHARGE} -d amount=30000`, agent);
  tell.line('  a held order at the MCP server; the stream stays open for your decision:');
  const order = '{"name":"order","arguments":{"item":"nuts","quantity":900}}';
  tell.command(
    `curl ${agentsUrl}/warehouse/mcp -H 'Authorization: Bearer ${tokens.stockBot}'`,
    `-H 'Content-Type: application/json' -d '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${order}}'`,
  );
  tell.line('  held calls (approve as above, with their hold_id and revision):');
  tell.command(`curl '${adminUrl}/api/holds?status=pending'`, reviewer);
  const rules = `./${relative('.', join(folder, 'policies', 'rules', 'payments.rego'))}`;
  tell.line(`  change the policy: edit ${rules} and its test, save, and see a new revision:`);
  tell.command(`curl ${adminUrl}/api/policy`, reviewer);
  const config = `--config ./${relative('.', join(folder, 'holdpoint.yaml'))}`;
  tell.line('  a report on cost (no name lists all reports), and proof that the record was not altered:');
  tell.command(`npx holdpoint report cost ${config}`);
  tell.command(`npx holdpoint audit verify ${config}`);
}

async function tour(stage: Stage): Promise<void> {
  const { tell, bot, api } = stage;
  tell.heading('billing-bot at work: the unmodified stripe SDK with another host and key. Owner: ana@example.com.');
  await allowed(stage, 'stripe.customers.list()', () => bot.listCustomers());
  await allowed(stage, refundCode(2_000), () => bot.refund(CHARGE, 2_000));
  await held(stage, 25_000);
  await blocked(stage, 500_000);
  const refunds = api.executed().filter((call) => call.method === 'POST');
  const amounts = refunds.map((call) => money(Number(call.params['amount'])));
  tell.line(`  The payments API executed ${refunds.length} refunds: ${amounts.join(' and ')}.`);
  await warehouseTour({
    ...stage,
    url: new URL(`${stage.agentsUrl}/warehouse/mcp`),
    token: stage.tokens.stockBot,
    server: stage.warehouse,
    approvesAs: REVIEWER,
    pendingHold: () => eventually(() => stage.reviewer.nextPending(), stage.signal),
  });
  await showLedger(stage, 7);
}

function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function movedPorts(wanted: DemoPorts, got: DemoPorts): string[] {
  const names = Object.keys(wanted) as (keyof DemoPorts)[];
  return names
    .filter((name) => wanted[name] !== 0 && wanted[name] !== got[name])
    .map((name) => `(port ${wanted[name]} is in use; using ${got[name]})`);
}

/**
 * Starts an example business system and a gateway in front of it, lets a scripted agent make calls that are allowed,
 * held and blocked, and prints what happens. Runs until `signal` aborts; with `once` it ends after the tour.
 *
 * @throws Error when something cannot be started, or a call has an unexpected outcome
 */
export async function runDemo(options: DemoOptions): Promise<void> {
  const { once, start, policies, out = process.stdout } = options;
  const wantedFolder = options.folder ?? 'demo-data';
  const wantedPorts = options.ports ?? PREFERRED_PORTS;
  const folder = createDemoFolder(wantedFolder, policies);
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => folder.release());
  // A closed pipe (`| head`) ends the demo as Ctrl-C does.
  const unread = new AbortController();
  out.on('error', () => unread.abort());
  const signal = AbortSignal.any([options.signal, unread.signal]);

  const ports = await choosePorts(wantedPorts);
  const tokens = createTokens();
  const config = join(folder.path, 'holdpoint.yaml');
  writeFileSync(config, demoConfig(ports, tokens), { mode: 0o600 });
  const tell = createNarrator(out);
  introduce(tell, folder.path, ports, [
    ...movedPorts(wantedPorts, ports),
    ...(folder.path === wantedFolder ? [] : [`(${wantedFolder} is in use or not a demo folder; using ${folder.path})`]),
  ]);
  const begun = performance.now();
  const api = await startPaymentsApi({ port: ports.api, key: tokens.paymentsKey });
  cleanup.defer(() => api.close());
  const warehouse = await startWarehouseServer({ port: ports.warehouse, key: tokens.warehouseKey });
  cleanup.defer(() => warehouse.close());
  const gateway = await start({ config, log: join(folder.path, 'gateway.log') });
  cleanup.defer(() => gateway.stop());
  tell.line(`\n  Ready after ${((performance.now() - begun) / 1000).toFixed(1)} s.`);
  tell.line(`  Sign in to the console as ${REVIEWER}, once, within five minutes:\n`);
  tell.command(await gateway.signInLink(REVIEWER));
  tell.line(`\n  ${SECOND_REVIEWER} approves what ${REVIEWER} edits. Open this in a private window:\n`);
  tell.command(await gateway.signInLink(SECOND_REVIEWER));

  const adminUrl = `http://127.0.0.1:${ports.admin}`;
  const stage: Stage = {
    once,
    signal,
    tell,
    folder: folder.path,
    tokens,
    agentsUrl: `http://127.0.0.1:${ports.agents}`,
    adminUrl,
    query: gateway.query,
    api,
    warehouse,
    bot: createBillingBot(new URL(`http://127.0.0.1:${ports.payments}`), tokens.agent),
    reviewer: createReviewer(adminUrl, tokens.reviewer),
  };
  await Promise.race([tour(stage), whenAborted(signal)]);
  if (once || signal.aborted) return;
  suggest(stage);
  await Promise.race([yourTurn(stage, 40_000), whenAborted(signal)]);
  await whenAborted(signal);
}
