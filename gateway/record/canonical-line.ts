import type { Logger } from 'pino';
import type { Verdict } from '../domain/decision.ts';

/** The only fields of a call in the operations log. No header, body or query is ever logged. */
export type CallFields = {
  readonly decision_id: string | undefined;
  readonly call_id: string | undefined;
  readonly hold_id: string | undefined;
  readonly agent: string | undefined;
  readonly system: string | undefined;
  readonly operation: string | undefined;
  readonly method: string | undefined;
  readonly verdict: Verdict;
  readonly status: number;
  readonly code: string | undefined;
  /** Milliseconds from the arrival of the call to the end of its answer. */
  readonly ms: number;
  readonly decide_us: number | undefined;
};

export type LogCall = (at: number, fields: CallFields) => void;

/**
 * Writes the canonical line of a call: one each, at level info, with the text of `log.info(fields, 'call')`. It is put
 * together here because the names are known, which spares the hot path pino's look at every member. Lines of one turn
 * of the event loop are written together, as pino's destination measures its whole buffer on each write.
 * @param destination where `log` writes, so that the order of lines is that of events
 */
export function createCanonicalLine(
  log: Pick<Logger, 'isLevelEnabled' | 'bindings'>,
  destination: { write(text: string): unknown },
): LogCall {
  if (!log.isLevelEnabled('info')) return () => {};
  const members = JSON.stringify(log.bindings()).slice(1, -1);
  const bindings = members === '' ? '' : `,${members}`;
  let lines = '';
  const writeTurn = () => {
    destination.write(lines);
    lines = '';
  };
  return (at, fields) => {
    if (lines === '') setImmediate(writeTurn);
    lines +=
      `{"level":"info","time":${at}${bindings}` +
      id('decision_id', fields.decision_id) +
      id('call_id', fields.call_id) +
      id('hold_id', fields.hold_id) +
      text('agent', fields.agent) +
      text('system', fields.system) +
      text('operation', fields.operation) +
      text('method', fields.method) +
      `,"verdict":"${fields.verdict}","status":${fields.status}` +
      text('code', fields.code) +
      `,"ms":${fields.ms}` +
      (fields.decide_us === undefined ? '' : `,"decide_us":${fields.decide_us}`) +
      ',"msg":"call"}\n';
  };
}

/** An identifier that the gateway made, so it needs no escaping. */
function id(name: string, value: string | undefined): string {
  return value === undefined ? '' : `,"${name}":"${value}"`;
}

function text(name: string, value: string | undefined): string {
  return value === undefined ? '' : `,"${name}":${JSON.stringify(value)}`;
}
