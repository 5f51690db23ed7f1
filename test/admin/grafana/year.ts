import { generateKeyPairSync } from 'node:crypto';
import { expect } from 'vitest';
import { migrate } from '../../../audit/clickhouse/migrate.ts';
import { createSigner } from '../../../audit/ledger/ledger.ts';
import { createReports, loadReports } from '../../../audit/reports/reports.ts';
import { YEAR } from '../../../bench/year/facts.ts';
import { loadEvents } from '../../../bench/year/load.ts';
import type { Story } from '../../../bench/year/story.ts';
import { eventsOf, tellYear } from '../../../bench/year/year.ts';
import type { Event } from '../../../gateway/domain/event.ts';
import type { ReportRow } from '../../../gateway/domain/report.ts';
import { hashToken } from '../../../gateway/identify/token.ts';
import { openWarehouse } from '../../audit/clickhouse/warehouse.ts';
import { panelsOf, type Panel } from './dashboards.ts';
import { asSent, type View } from './macros.ts';

export const DAY = 86_400_000;
/** A month longer than the year, so that whatever began in it has ended. Points are days. */
export const ALL: View = { from: YEAR.from, to: YEAR.to + 31 * DAY, interval: DAY };
export const PANELS = panelsOf('grafana-clickhouse-datasource');

/** In the year all holds are decided. This one waits, and longer than its rule asks. */
export const WAITING = {
  event_id: 'evt_waiting',
  at: YEAR.to + DAY,
  node: 'node-1',
  type: 'hold.opened',
  layer: 'decide',
  hold_id: 'hold_waiting',
  call_id: 'call_waiting',
  decision_id: 'dec_waiting',
  agent: 'late-bot',
  owner: 'ana@example.com',
  system: 'payments',
  operation: 'createPayout',
  verdict: 'hold',
  rules: ['rules.payments/payout'],
  groups: ['treasury'],
  reason: 'A payout needs a person.',
  level: 2,
  respond_within_ms: 60_000,
} as const satisfies Event;

export type Row = Readonly<Record<string, unknown>>;
type Column = { readonly name: string; readonly type: string };

/** The generated year behind the analysts' endpoint, as Grafana sees it. */
export type YearInGrafana = AsyncDisposable & {
  readonly stories: readonly Story[];
  /** Sends a statement with an analyst's token. @throws Error with the answer of the endpoint */
  ask(sql: string, format: string): Promise<Response>;
  /** Sends a query of a dashboard. */
  query(rawSql: string, view?: View): Promise<{ readonly meta: readonly Column[]; readonly data: readonly Row[] }>;
  /** The rows of the panel with this title. */
  rows(title: string, view?: View): Promise<readonly Row[]>;
  /** The rows of a report over the same period. */
  report(name: string, given?: Readonly<Record<string, string>>): Promise<readonly ReportRow[]>;
};

export async function openYear(): Promise<YearInGrafana> {
  const user = 'ana@example.com';
  const token = 'hp_token-of-the-analyst';
  const analysts = [{ id: user, token_sha256: hashToken(token) }];
  const warehouse = await openWarehouse({ queryEndpoint: { host: '127.0.0.1', port: 0, analysts } });
  const { client, embedded } = warehouse;
  await migrate(client);
  const stories = [...tellYear({ events: 30_000 })];
  const signer = createSigner(generateKeyPairSync('ed25519').privateKey);
  await loadEvents(client, [...eventsOf(stories), WAITING], { signer });
  const reports = createReports(client, await loadReports());

  async function ask(sql: string, format: string): Promise<Response> {
    const authorization = `Basic ${Buffer.from(`${user}:${token}`).toString('base64')}`;
    const search = new URLSearchParams({
      database: 'holdpoint',
      default_format: format,
      client_protocol_version: '54460',
      output_format_json_quote_64bit_integers: '0',
    });
    const url = `http://127.0.0.1:${embedded.queryPort}/?${search}`;
    const answer = await fetch(url, { method: 'POST', headers: { authorization }, body: sql });
    if (!answer.ok) throw new Error(`${await answer.text()}\n${sql}`);
    return answer;
  }

  async function query(rawSql: string, view: View = ALL) {
    const answer = await ask(asSent(rawSql, view), 'JSON');
    return (await answer.json()) as { meta: Column[]; data: Row[] };
  }

  return {
    stories,
    ask,
    query,
    rows: async (title, view) => (await query(panel(title).targets[0]!.rawSql!, view)).data,
    async report(name, given = {}) {
      const period = { from: new Date(ALL.from).toISOString(), to: new Date(ALL.to).toISOString() };
      return (await reports.run(name, { ...period, ...given })).rows;
    },
    [Symbol.asyncDispose]: () => warehouse[Symbol.asyncDispose](),
  };
}

function panel(title: string): Panel {
  const found = PANELS.filter((each) => each.title === title);
  expect(found, `panels with the title ${title}`).toHaveLength(1);
  return found[0]!;
}
