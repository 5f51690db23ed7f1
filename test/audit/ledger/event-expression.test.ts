import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventOfRow, ROW_COLUMNS, type EventRow } from '../../../audit/clickhouse/event-row.ts';
import { migrate } from '../../../audit/clickhouse/migrate.ts';
import { eventLine } from '../../../audit/journal/event-line.ts';
import { LINE_EXPRESSION } from '../../../audit/ledger/event-expression.ts';
import { isRawInput } from '../../../gateway/domain/raw-input.ts';
import { event } from '../events.ts';
import { brokenInputs, lineInputs } from '../inputs.ts';
import { openWarehouse, type Warehouse } from '../clickhouse/warehouse.ts';

let warehouse: Warehouse;

beforeAll(async () => {
  warehouse = await openWarehouse();
  await migrate(warehouse.client);
});
afterAll(() => warehouse[Symbol.asyncDispose]());

/** As deep as a body may be, and longer than a buffer of the engine. */
const EXTREMES = [
  `{"a":${'[{"b":'.repeat(64)}1${'}]'.repeat(64)}}`,
  `{"a":"${'x'.repeat(3 * 1024 * 1024)}"}`,
  `{"a":"${'\\"'.repeat(200_000)}"}`,
  `{"a":"${'😀'.repeat(50_000)}"}`,
  '{}',
];

test('a row of an event is its line again and has its input, byte for byte, in both versions', async () => {
  const texts = [...fc.sample(lineInputs, 1500), ...fc.sample(brokenInputs, 500), ...EXTREMES, '"text"', '{}{}'];
  const events = texts.flatMap((input, n) =>
    [1, 2].map((version) =>
      event(2 * n + version, {
        version,
        input,
        ...(n % 3 > 0 && { masked: ['/a'] }),
        ...(n % 2 > 0 && { trace_id: '0a' }),
      }),
    ),
  );
  await warehouse.insert(events, { chain: 'chain-1', from: 1 });
  const rows = await warehouse.select<EventRow & { line: string }>(
    `SELECT ${ROW_COLUMNS}, ${LINE_EXPRESSION} AS line FROM holdpoint.events ORDER BY seq
    SETTINGS output_format_json_escape_forward_slashes = 0`,
  );
  expect(rows).toHaveLength(events.length);
  for (const [n, row] of rows.entries()) {
    const { version, input = '' } = events[n]!;
    const line = eventLine(events[n]!);
    expect(row['input']).toBe(input.toWellFormed());
    expect(eventLine(eventOfRow(row))).toBe(line);
    // In a quoted text the engine escapes two characters, so `inspectSegment` looks again.
    const isQuoted = version === 1 || !isRawInput(input);
    expect(row.line).toBe(isQuoted ? line.replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029') : line);
  }
});
