import { isScalar, LineCounter, parseDocument, type Document } from 'yaml';
import { z } from 'zod';
import {
  CALL_COLUMNS,
  UNITS,
  type ParameterType,
  type ReportHeader,
  type ReportParameter,
} from '../../gateway/domain/report.ts';
import { duration } from '../../gateway/domain/units.ts';

/** A report as its file describes it. */
export type Report = {
  readonly header: ReportHeader;
  /** The question to ClickHouse, with a placeholder for each parameter. */
  readonly sql: string;
};

/** A report's file is malformed; the message names the file, the line and what was expected. */
export class BadReport extends Error {
  override readonly name = 'BadReport';
}

const word = z.string().regex(/^[a-z][a-z0-9_]*$/, 'expected lowercase letters, digits and "_"');
const sentence = z.string().trim().min(1, 'expected some words');
const column = z.strictObject({ unit: z.enum(UNITS), about: sentence });
const about = sentence;
/** Durations are checked here and kept as written, for people to read. */
const span = z.string().refine((text) => duration.safeParse(text).success, 'expected a duration, such as 30d');

/** What a report may be narrowed to; each is a parameter of that name. */
const ONLY = ['owner', 'agent', 'system'] as const;
/** The period, which every report has, what it may be narrowed to, and what the API calls the form of the answer. */
const RESERVED = ['from', 'to', 'format', ...ONLY];

const parameter = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('count'), default: z.number().int().min(0), about }),
  z.strictObject({ type: z.literal('share'), default: z.number().min(0).max(1), about }),
  z.strictObject({ type: z.literal('duration'), default: span, about }),
  z.strictObject({ type: z.literal('step'), default: z.literal('auto'), about }),
  z.strictObject({ type: z.literal('text'), default: z.string(), about }),
  z
    .strictObject({ type: z.literal('choice'), of: z.array(z.string()).min(2), default: z.string(), about })
    .refine((given) => given.of.includes(given.default), { path: ['default'], error: 'expected one of `of`' }),
]);

const chart = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('table') }),
  z.strictObject({ kind: z.literal('bar'), label: z.array(word).min(1), value: word }),
  z.strictObject({ kind: z.literal('line'), x: word, y: z.array(word).min(1) }),
  z.strictObject({ kind: z.literal('heat'), x: word, y: word, value: word }),
]);

const calls = z.strictObject({
  by: z.array(z.enum(CALL_COLUMNS)).min(1),
  verdict: z.enum(['allow', 'hold', 'block']).optional(),
});

const header = z
  .strictObject({
    title: sentence,
    question: sentence,
    act: sentence,
    finding: sentence.optional(),
    attention: word.optional(),
    calls: calls.optional(),
    chart,
    period: span,
    only: z.array(z.enum(ONLY)).default([]),
    parameters: z.record(word, parameter).default({}),
    columns: z.record(word, column).refine((columns) => Object.keys(columns).length > 0, 'expected columns'),
  })
  .superRefine(({ chart, finding, attention, calls, columns, parameters }, ctx) => {
    const expectColumns = (names: readonly string[], path: string[]) => {
      for (const name of names)
        if (!Object.hasOwn(columns, name))
          ctx.addIssue({ code: 'custom', path, message: `there is no column "${name}"` });
    };
    for (const [key, named] of Object.entries(chart)) if (key !== 'kind') expectColumns([named].flat(), ['chart', key]);
    expectColumns(
      [...(finding ?? '').matchAll(/\{(.*?)\}/g)].map(([, name]) => name!),
      ['finding'],
    );
    expectColumns(attention === undefined ? [] : [attention], ['attention']);
    expectColumns(calls?.by ?? [], ['calls', 'by']);
    for (const name of RESERVED)
      if (Object.hasOwn(parameters, name))
        ctx.addIssue({ code: 'custom', path: ['parameters', name], message: 'this name has a meaning of its own' });
  });

/** The type by which a parameter is bound: values never become part of the statement. */
const BOUND: Readonly<Record<ParameterType, string>> = {
  time: "DateTime64(3, 'UTC')",
  count: 'UInt64',
  share: 'Float64',
  duration: 'UInt64',
  step: 'UInt32',
  text: 'String',
  choice: 'String',
};

/**
 * Reads a report's file: a comment that holds the header in YAML, then one `SELECT` without settings, format or
 * semicolon.
 * @throws BadReport
 */
export function parseReport(name: string, file: string, text: string): Report {
  const fail = (line: number, problem: string) => new BadReport(`${file}:${line}: ${problem}`);
  if (!/^[a-z][a-z0-9-]*$/.test(name)) throw fail(1, 'expected a name of lowercase letters, digits and "-"');
  const end = text.indexOf('*/');
  if (!text.startsWith('/*\n') || end === -1) throw fail(1, 'expected a header between /* and */');

  const lines = new LineCounter();
  const document = parseDocument(text.slice(2, end), { lineCounter: lines });
  const [broken] = document.errors;
  if (broken)
    throw fail(
      lines.linePos(broken.pos[0]).line,
      `the header is no YAML: ${broken.message.replace(/ at line [\s\S]*/, '')}`,
    );
  const parsed = header.safeParse(document.toJS());
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const at = lineOf(document, lines, issue!.path);
    throw fail(at, [issue!.path.join('.'), issue!.message].filter((part) => part !== '').join(': '));
  }

  const { period, only, parameters, columns, ...rest } = parsed.data;
  const declared: readonly ReportParameter[] = [
    {
      name: 'from',
      type: 'time',
      default: period,
      about: 'Start of the period: a moment, or how long before its end.',
    },
    {
      name: 'to',
      type: 'time',
      default: 'now',
      about: 'End of the period, itself not part of it: a moment, or how long ago.',
    },
    ...only.map((name) => ({ name, type: 'text', default: '', about: `Only this ${name}; empty for all.` }) as const),
    ...Object.entries(parameters).map(([name, given]) => ({ name, ...given, default: String(given.default) })),
  ];
  const sql = text.slice(end + 2).trim();
  const first = text.slice(0, end + 2 + text.slice(end + 2).search(/\S|$/)).split('\n').length;
  const lineAt = (index: number) => first + sql.slice(0, index).split('\n').length - 1;
  checkSql(sql, declared, (index, problem) => fail(lineAt(index), problem));

  const described = Object.entries(columns).map(([name, rest]) => ({ name, ...rest }));
  const { title, question, act, chart, finding = null, attention = null, calls = null } = rest;
  return {
    header: { name, title, question, act, finding, attention, calls, chart, parameters: declared, columns: described },
    sql,
  };
}

function checkSql(
  sql: string,
  declared: readonly ReportParameter[],
  fail: (index: number, problem: string) => BadReport,
): void {
  if (!/^(WITH|SELECT)\b/.test(sql)) throw fail(0, 'expected SELECT, or WITH … SELECT');
  const forbidden = /;|\bFORMAT\s+\w+\s*$|\bSETTINGS\b/.exec(sql);
  if (forbidden) throw fail(forbidden.index, `"${forbidden[0]}" is not allowed in a report`);
  const used = new Set<string>();
  for (const { 1: name = '', 2: type, index } of sql.matchAll(/\{(\w+):([^}]*)\}/g)) {
    const known = declared.find((one) => one.name === name);
    if (!known) throw fail(index, `the header has no parameter "${name}"`);
    const expected = BOUND[known.type];
    if (type !== expected) throw fail(index, `"${name}" is bound as ${expected}: expected {${name}:${expected}}`);
    used.add(name);
  }
  const idle = declared.find(({ name }) => !used.has(name));
  if (idle) throw fail(0, `the statement does not use the parameter "${idle.name}"`);
}

/** The line of what a path leads to, or of the nearest thing around it that is there. */
function lineOf(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number {
  for (let depth = path.length; depth > 0; depth--) {
    const node: unknown = document.getIn(path.slice(0, depth), true);
    const range = isScalar(node) || (typeof node === 'object' && node !== null && 'range' in node) ? node.range : null;
    if (Array.isArray(range)) return lines.linePos(range[0] as number).line;
  }
  return 1;
}
