import { setImmediate as endOfTurn } from 'node:timers/promises';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { createCanonicalLine, type CallFields } from '../../../gateway/record/canonical-line.ts';

const FIELDS: CallFields = {
  decision_id: 'dec_1',
  call_id: 'call_1',
  hold_id: undefined,
  agent: 'bot "one"',
  system: 'payments',
  operation: 'POST /v1/\u2028refunds\n',
  method: 'POST',
  verdict: 'allow',
  status: 200,
  code: undefined,
  ms: 3,
  decide_us: 12,
};

function logInto(lines: string[], level: string) {
  const formatters = { level: (label: string) => ({ level: label }) };
  const destination = { write: (line: string) => void lines.push(line) };
  const log = pino({ level, base: { process: 'worker-0' }, formatters }, destination);
  return { log, logCall: createCanonicalLine(log, destination) };
}

it('the canonical line of a call is what pino would write', async () => {
  const lines: string[] = [];
  const { log, logCall } = logInto(lines, 'info');
  const refused: CallFields = {
    ...FIELDS,
    call_id: undefined,
    hold_id: 'hold_1',
    code: 'blocked',
    decide_us: undefined,
  };
  for (const fields of [FIELDS, refused]) {
    log.info(fields, 'call');
    const { time } = JSON.parse(lines.at(-1)!) as { time: number };
    logCall(time, fields);
    await endOfTurn();
    expect(lines.at(-1)).toBe(lines.at(-2));
  }
  expect(lines).toHaveLength(4);
});

it('the canonical lines of one turn of the event loop are written together', async () => {
  const written: string[] = [];
  const { logCall } = logInto(written, 'info');
  logCall(1, FIELDS);
  logCall(2, FIELDS);
  await endOfTurn();
  logCall(3, FIELDS);
  await endOfTurn();
  expect(written.map((text) => text.trimEnd().split('\n').length)).toEqual([2, 1]);
});

it('no canonical line is written when only warnings are logged', async () => {
  const lines: string[] = [];
  logInto(lines, 'warn').logCall(1, FIELDS);
  await endOfTurn();
  expect(lines).toEqual([]);
});
