import type { Verdict } from './decision.ts';

/**
 * The unit of a column's values. `share` is 0 to 1. `cost` is in the unit that the row's `cost_unit` names. `time` is
 * RFC 3339 in UTC. `names` is a list of text.
 */
export const UNITS = ['text', 'names', 'time', 'count', 'number', 'share', 'ms', 'us', 'bytes', 'cost'] as const;
export type Unit = (typeof UNITS)[number];

export type ReportColumn = {
  readonly name: string;
  readonly unit: Unit;
  /** The exact measure, in words. */
  readonly about: string;
};

/** The chart of a report. Members name columns. */
type ReportChart =
  | { readonly kind: 'table' }
  | { readonly kind: 'bar'; readonly label: readonly string[]; readonly value: string }
  | { readonly kind: 'line'; readonly x: string; readonly y: readonly string[] }
  | { readonly kind: 'heat'; readonly x: string; readonly y: string; readonly value: string };

/**
 * - `time`: RFC 3339, or a duration before now (for `from`: before `to`)
 * - `count`: a whole number
 * - `share`: 0 to 1
 * - `duration`: with its unit, such as `10s`
 * - `step`: a duration, or `auto` for one that suits the period
 * - `text`: any text
 * - `choice`: one of `of`
 */
export type ParameterType = 'time' | 'count' | 'share' | 'duration' | 'step' | 'text' | 'choice';

/** Calls whose members are those of a row, by columns of the same names, and that have this verdict. */
export type ReportCalls = { readonly by: readonly CallColumn[]; readonly verdict?: Verdict | undefined };

/** The members of a call by which a row finds its calls. */
export const CALL_COLUMNS = ['owner', 'agent', 'system', 'operation', 'rule', 'failure'] as const;
export type CallColumn = (typeof CALL_COLUMNS)[number];

export type ReportParameter = {
  readonly name: string;
  readonly type: ParameterType;
  /** As a user would write it. */
  readonly default: string;
  readonly about: string;
  readonly of?: readonly string[];
};

/** The description of a report. */
export type ReportHeader = {
  readonly name: string;
  readonly title: string;
  readonly question: string;
  /** How to act on the report. */
  readonly act: string;
  /** What its first row says, in words; `{column}` stands for a value. Null where one row says nothing by itself. */
  readonly finding: string | null;
  /** A row in which this column has something, more than nothing or "no", needs people; null where none does. */
  readonly attention: string | null;
  /** Which recorded calls are behind a row; null where calls cannot be searched for so. */
  readonly calls: ReportCalls | null;
  readonly chart: ReportChart;
  readonly parameters: readonly ReportParameter[];
  readonly columns: readonly ReportColumn[];
};

export type ReportValue = string | number | null | readonly string[];
export type ReportRow = Readonly<Record<string, ReportValue>>;

/** The result of a report. */
export type ReportResult = Omit<ReportHeader, 'parameters'> & {
  /** Each with its actual value: times in RFC 3339, durations in milliseconds, steps in seconds. */
  readonly parameters: readonly (ReportParameter & { readonly value: string | number })[];
  readonly rows: readonly ReportRow[];
  readonly statistics: {
    /** Seconds that ClickHouse took. */
    readonly elapsed: number;
    readonly rows_read: number;
    readonly bytes_read: number;
  };
};

export type Reports = {
  /** By name. */
  list(): readonly ReportHeader[];
  /**
   * @param given values by parameter, as users write them; other parameters have their defaults
   * @throws UnknownReport, BadParameter, ReportTookTooLong; any other error means that the record cannot be read
   */
  run(name: string, given: Readonly<Record<string, string>>): Promise<ReportResult>;
};

export class UnknownReport extends Error {
  override readonly name = 'UnknownReport';
}

/** An unknown parameter, or an invalid value. The message says what was expected. */
export class BadParameter extends Error {
  override readonly name = 'BadParameter';
  readonly parameter: string;
  readonly expected: string;

  constructor(parameter: string, expected: string) {
    super(`${parameter}: ${expected}`);
    this.parameter = parameter;
    this.expected = expected;
  }
}

export class ReportTookTooLong extends Error {
  override readonly name = 'ReportTookTooLong';
}
