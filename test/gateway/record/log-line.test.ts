import { setImmediate as endOfTurn } from 'node:timers/promises';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { createCanonicalLine, type CallFields } from '../../../gateway/record/log-line.ts';

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
  return pino({ level, base: { process: 'worker-0' }, formatters }, { write: (line: string) => void lines.push(line) });
}

describe('the canonical line of a call', () => {
  it('is what pino would write', async () => {
    const lines: string[] = [];
    const log = logInto(lines, 'info');
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
      createCanonicalLine(log)(time, fields);
      await endOfTurn();
      expect(lines.at(-1)).toBe(lines.at(-2));
    }
    expect(lines).toHaveLength(4);
  });

  it('goes out with those of the same turn of the event loop', async () => {
    const written: string[] = [];
    const write = createCanonicalLine(logInto(written, 'info'));
    write(1, FIELDS);
    write(2, FIELDS);
    await endOfTurn();
    write(3, FIELDS);
    await endOfTurn();
    expect(written.map((text) => text.trimEnd().split('\n').length)).toEqual([2, 1]);
  });

  it('is not written where only warnings are', async () => {
    const lines: string[] = [];
    createCanonicalLine(logInto(lines, 'warn'))(1, FIELDS);
    await endOfTurn();
    expect(lines).toEqual([]);
  });
});
