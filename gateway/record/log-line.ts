import { symbols, type Logger } from 'pino';
import type { Verdict } from '../domain/decision.ts';

/** What the operations log says of each call: these fields and no others. No header, body or query is ever logged. */
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

type Internals = {
  readonly [symbols.streamSym]: { write(line: string): void };
  readonly [symbols.chindingsSym]: string;
};

/**
 * Writes the canonical line of a call: one each, at level info. The text is that of `log.info(fields, 'call')`, which
 * takes 3.8 µs where this takes 0.6: pino looks at every member of every line anew. Lines of one turn of the event loop
 * are handed over together, as pino's destination measures all that waits in it whenever something is added.
 */
export function createCanonicalLine(log: Logger): (at: number, fields: CallFields) => void {
  if (!log.isLevelEnabled('info')) return () => {};
  const { [symbols.streamSym]: stream, [symbols.chindingsSym]: bindings } = log as unknown as Internals;
  let lines = '';
  const handOver = () => {
    stream.write(lines);
    lines = '';
  };
  return (at, fields) => {
    if (lines === '') setImmediate(handOver);
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

/** An identifier of our own making. */
function id(name: string, value: string | undefined): string {
  return value === undefined ? '' : `,"${name}":"${value}"`;
}

function text(name: string, value: string | undefined): string {
  return value === undefined ? '' : `,"${name}":${JSON.stringify(value)}`;
}
