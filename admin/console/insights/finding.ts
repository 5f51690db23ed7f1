import type { CallFilter } from '../calls/call-filter.ts';
import type { ReportHeader } from '../server/shapes.ts';
import { valueWords, type Row } from './value-words.ts';

/** The part of a sentence: words, or a value from the record, which may be of an agent. */
export type FindingPart = { readonly text: string; readonly isValue: boolean };

/** What a row says, in words; null where the report has no words for it. */
export function findingOf({ finding, columns }: ReportHeader, row: Row): readonly FindingPart[] | null {
  if (finding === null) return null;
  return finding.split(/\{(.*?)\}/).map((text, index) => {
    const column = columns.find(({ name }) => index % 2 === 1 && name === text);
    return column ? { text: valueWords(column, row), isValue: true } : { text, isValue: false };
  });
}

/** The rows that need people, in the report's order. */
export function needingPeople({ attention }: ReportHeader, rows: readonly Row[]): readonly Row[] {
  if (attention === null) return [];
  return rows.filter((row) => {
    const value = row[attention];
    return typeof value === 'number' ? value > 0 : typeof value === 'string' && value !== '' && value !== 'no';
  });
}

/** The search for the calls behind a row; null where there is none. */
export function callsBehind(
  { calls }: ReportHeader,
  row: Row,
  period: { readonly from: string; readonly to: string },
): CallFilter | null {
  if (calls === null) return null;
  const members = calls.by.flatMap((name) => {
    const value = row[name];
    return typeof value === 'string' && value !== '' ? [[name, value] as const] : [];
  });
  if (members.length === 0) return null;
  return { ...Object.fromEntries(members), ...(calls.verdict && { verdict: calls.verdict }), ...period };
}
