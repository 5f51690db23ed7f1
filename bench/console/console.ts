import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startHoldGateway } from '../holds/gateway.ts';
import { machine } from '../machine.ts';
import { descendants } from '../proc.ts';
import { roleOf } from '../role.ts';
import { launch } from './chromium.ts';
import { controlShare } from './control-share.ts';
import { fillQueue } from './queue.ts';
import { report, type ConsoleSample } from './report.ts';
import { scriptBytes } from './script-size.ts';
import { visit } from './visit.ts';
import { wholeNumber } from '../whole-number.ts';

/** A middling phone has about a quarter of the speed of this machine. */
const RATE = 4;
/** Nothing is sent on: these calls only wait. */
const UPSTREAM = '127.0.0.1:9';

/**
 * What a reviewer waits for, with a long queue and a slow processor. Writes `results/console.md` and
 * `results/console.json`.
 * @returns the exit code
 * @throws Error when there is no Chromium, or the console is not built
 */
export async function benchConsole(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: 'string', default: '9' },
      holds: { type: 'string', default: '1000' },
      duration: { type: 'string', default: '20' },
    },
  });
  const rounds = wholeNumber('rounds', values.rounds);
  const holds = wholeNumber('holds', values.holds);
  const seconds = wholeNumber('duration', values.duration);

  await using cleanup = new AsyncDisposableStack();
  const scripts = scriptBytes();
  const browser = await launch();
  cleanup.defer(() => browser.close());
  const folder = mkdtempSync(join(tmpdir(), 'holdpoint-console-'));
  cleanup.defer(() => rmSync(folder, { recursive: true, force: true }));
  const gateway = await startHoldGateway(folder, UPSTREAM, null);
  cleanup.defer(() => gateway.stop());
  await fillQueue(gateway.agents, gateway.agentToken, holds);

  const { admin, reviewerToken: token } = gateway;
  const samples: ConsoleSample[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    const sample = { load: loadavg()[0]!, ...(await visit(browser, { admin, token, holds, rate: RATE })) };
    samples.push(sample);
    process.stderr.write(`round ${round}/${rounds}: first paint ${Math.round(sample.firstPaint)} ms\n`);
  }
  const place = { ...gateway, control: controlOf(process.pid), seconds, from: holds };
  const control = await controlShare(browser, place);

  const text = report({ samples, control, scripts, holds, rate: RATE, browser: browser.version() });
  process.stdout.write(`${text}\n`);
  const results = new URL('../results/', import.meta.url);
  mkdirSync(results, { recursive: true });
  writeFileSync(new URL('console.md', results), `${text}\n`);
  const all = { at: new Date().toISOString(), machine: machine(), holds, scripts, control, samples };
  writeFileSync(new URL('console.json', results), `${JSON.stringify(all, null, 2)}\n`);
  return 0;
}

function controlOf(parent: number): number {
  const control = descendants(parent).find((pid) => roleOf(pid) === 'control');
  if (control === undefined) throw new Error('the gateway runs, but none of its processes is control');
  return control;
}
