import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectClickHouse } from '../../../audit/clickhouse/clickhouse.ts';
import { migrate } from '../../../audit/clickhouse/migrate.ts';
import { createReports, loadReports } from '../../../audit/reports/reports.ts';
import { MARCH, smallMonth } from '../../audit/reports/small-month.ts';
import { openWarehouse, type Warehouse } from '../../audit/clickhouse/warehouse.ts';
import { openDesk, type Desk } from '../desk.ts';

const PERIOD = new URLSearchParams(MARCH);
const COST = `/api/reports/cost?${PERIOD}&by=operation`;

let warehouse: Warehouse;
let desk: Desk;

beforeAll(async () => {
  warehouse = await openWarehouse();
  await migrate(warehouse.client);
  await warehouse.insert(smallMonth);
  desk = await openDesk({ reports: createReports(warehouse.client, await loadReports()) });
});
afterAll(async () => {
  await desk.close();
  await warehouse[Symbol.asyncDispose]();
});

test('the reports are listed with their questions, parameters and columns', async () => {
  const { status, json } = await desk.get('/api/reports');
  const { items, next } = json as { items: { name: string }[]; next: null };
  expect(status).toBe(200);
  expect(next).toBeNull();
  expect(items.length).toBeGreaterThanOrEqual(20);
  expect(items.find(({ name }) => name === 'cost')).toMatchObject({
    title: 'Cost',
    question: expect.stringMatching(/\?$/),
    chart: { kind: 'bar', value: 'cost' },
    parameters: expect.arrayContaining([
      { name: 'from', type: 'time', default: '30d', about: expect.any(String) },
      expect.objectContaining({ name: 'by', type: 'choice', of: expect.arrayContaining(['operation']) }),
    ]),
    columns: expect.arrayContaining([{ name: 'cost', unit: 'cost', about: expect.any(String) }]),
  });
  // What is asked of ClickHouse is nobody's business.
  expect(JSON.stringify(items)).not.toContain('SELECT');
});

test('a report runs over a period', async () => {
  const { status, json } = await desk.get(COST);
  expect(status).toBe(200);
  expect(json).toMatchObject({
    name: 'cost',
    rows: [
      { system: 'payments', operation: 'createRefund', cost_unit: 'EUR', cost: 16, calls: 8 },
      { system: 'payments', operation: 'list', cost_unit: 'EUR', cost: 1.5, calls: 3 },
    ],
    parameters: expect.arrayContaining([
      expect.objectContaining({ name: 'from', value: '2026-03-01T00:00:00.000Z' }),
      expect.objectContaining({ name: 'by', value: 'operation' }),
    ]),
    statistics: { elapsed: expect.any(Number), rows_read: expect.any(Number), bytes_read: expect.any(Number) },
  });
});

test('a report is available as CSV', async () => {
  const { status, headers, text } = await desk.get(`${COST}&format=csv`);
  expect(status).toBe(200);
  expect(headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present');
  expect(headers.get('content-disposition')).toBe('attachment; filename="cost.csv"');
  const [head, first] = text.split('\r\n');
  expect(head).toBe('owner,agent,system,operation,cost_unit,cost,share,calls,cost_per_call');
  expect(first).toMatch(/^,,payments,createRefund,EUR,16,0\.91\d*,8,2$/);
});

test('every signed-in person may read reports; requests without a token may not', async () => {
  for (const who of ['ben', 'eve', 'olga']) expect((await desk.get(COST, who)).status).toBe(200);
  expect((await desk.get(COST, null)).status).toBe(401);
});

test('an unknown report is 404', async () => {
  const { status, json } = await desk.get('/api/reports/no-such-report');
  expect({ status, json }).toMatchObject({ status: 404, json: { code: 'not-found' } });
  expect((await desk.get('/api/reports/..%2f..%2fschema%2f0001-events')).status).toBe(404);
});

test.each([
  ['from=yesterday', '/from', 'expected a moment'],
  ['from=2026-05-01&to=2026-04-01', '/from', 'before the end of the period'],
  ['by=table', '/by', 'expected one of'],
  ['tabel=x', '/tabel', 'no such parameter'],
  ['format=xml', '/format', 'json'],
  ['agent=a&agent=b', '/agent', 'expected it once'],
  ['step=1h', '/step', 'no such parameter'],
])('a report asked with %s is 422, with the expected value', async (query, pointer, expected) => {
  const { status, json } = await desk.get(`/api/reports/cost?${query}`);
  expect(status).toBe(422);
  expect(json).toMatchObject({ code: 'invalid', errors: [{ in: 'querystring', pointer }] });
  expect((json as { detail: string }).detail).toContain(expected);
});

test('report parameters are bound as values, so SQL in them has no effect', async () => {
  for (const owner of ["' OR 1=1 --", '{from:String}', '\\', 'a\u0000b', ') FORMAT Null', '🦭']) {
    const { status, json } = await desk.get(`${COST}&owner=${encodeURIComponent(owner)}`);
    expect({ owner, status, rows: (json as { rows: unknown[] }).rows }).toEqual({ owner, status: 200, rows: [] });
  }
});

test('the report routes are described in the OpenAPI document and offer no write', async () => {
  const { json } = await desk.get('/api/openapi.json', null);
  const { paths } = json as { paths: Record<string, Record<string, { responses: object }>> };
  expect(Object.keys(paths['/api/reports/{name}'] ?? {})).toEqual(['get']);
  expect(Object.keys(paths['/api/reports/{name}']!['get']!.responses)).toEqual(['200', '401', '404', '422', '503']);
  expect((await desk.post('/api/reports/cost')).status).toBe(404);
});

test('a report is 503 without the cause while ClickHouse is unavailable', async () => {
  const client = connectClickHouse({ url: 'http://127.0.0.1:1' });
  const other = await openDesk({ reports: createReports(client, await loadReports()) });
  const { status, json, headers } = await other.get(COST);
  expect({ status, json }).toMatchObject({ status: 503, json: { code: 'record-unavailable' } });
  expect(headers.get('retry-after')).toBe('2');
  expect(JSON.stringify(json)).not.toContain('127.0.0.1');
  // The list needs no ClickHouse.
  expect((await other.get('/api/reports')).status).toBe(200);
  await other.close();
  await client.close();
});
