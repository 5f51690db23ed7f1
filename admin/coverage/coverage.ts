import type { DeclaredOperation } from '../../gateway/domain/declared-operation.ts';
import type { ReportRow } from '../../gateway/domain/report.ts';

/** What becomes of the calls of an operation, in the order in which people want to read it. */
export const CLASSES = ['allowed', 'unmatched', 'unseen', 'guarded'] as const;
export type CoverageClass = (typeof CLASSES)[number];

/** The most rows that the report gives. */
const MOST_ROWS = 5_000;

export type CoveredOperation = {
  readonly system: string;
  readonly operation: string;
  readonly class: CoverageClass;
  readonly calls: number;
  readonly allowed: number;
  readonly held: number;
  readonly blocked: number;
  readonly unmatched: number;
  readonly looked_at: number;
  readonly agents: number;
  readonly who: readonly string[];
  /** RFC 3339; null if it was not called. */
  readonly last_at: string | null;
  readonly declared: DeclaredOperation['source'] | null;
};

export type Coverage = {
  readonly operations: Readonly<Record<CoverageClass, number>>;
  readonly calls: Readonly<Record<'all' | 'looked_at' | 'allowed' | 'unmatched', number>>;
  readonly items: readonly CoveredOperation[];
  /** Whether more operations were called than are told. */
  readonly is_cut: boolean;
};

const NEVER = {
  class: 'unseen',
  calls: 0,
  allowed: 0,
  held: 0,
  blocked: 0,
  unmatched: 0,
  looked_at: 0,
  agents: 0,
  who: [],
  last_at: null,
} as const;

/** @param rows of the report `coverage` */
export function coverageOf(rows: readonly ReportRow[], declared: readonly DeclaredOperation[]): Coverage {
  const sources = new Map(declared.map((each) => [keyOf(each), each.source]));
  const called = rows.map((row) => calledOperation(row, sources));
  const known = new Set(called.map(keyOf));
  const unseen = [...new Map(declared.map((each) => [keyOf(each), each])).values()].flatMap(
    ({ system, operation, source }): CoveredOperation[] =>
      known.has(keyOf({ system, operation })) ? [] : [{ system, operation, ...NEVER, declared: source }],
  );
  const items = [...called, ...unseen];
  const count = (of: CoverageClass) => items.filter((each) => each.class === of).length;
  const sum = (of: 'calls' | 'looked_at' | 'allowed' | 'unmatched') =>
    items.reduce((total, each) => total + each[of], 0);
  return {
    operations: {
      allowed: count('allowed'),
      unmatched: count('unmatched'),
      unseen: count('unseen'),
      guarded: count('guarded'),
    },
    calls: { all: sum('calls'), looked_at: sum('looked_at'), allowed: sum('allowed'), unmatched: sum('unmatched') },
    items,
    is_cut: rows.length >= MOST_ROWS,
  };
}

function keyOf({ system, operation }: Pick<DeclaredOperation, 'system' | 'operation'>): string {
  return JSON.stringify([system, operation]);
}

function calledOperation(row: ReportRow, sources: ReadonlyMap<string, DeclaredOperation['source']>): CoveredOperation {
  const text = (name: string) => String(row[name]);
  const number = (name: string) => Number(row[name]);
  const place = { system: text('system'), operation: text('operation') };
  return {
    ...place,
    class: text('class') as CoverageClass,
    calls: number('calls'),
    allowed: number('allowed'),
    held: number('held'),
    blocked: number('blocked'),
    unmatched: number('unmatched'),
    looked_at: number('looked_at'),
    agents: number('agents'),
    who: row['who'] as readonly string[],
    last_at: text('last_at'),
    declared: sources.get(keyOf(place)) ?? null,
  };
}
