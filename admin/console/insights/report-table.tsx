import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { Report } from '../server/shapes.ts';
import { AgentText } from '../text/agent-text.tsx';
import { callsBehind } from './finding.ts';
import { valueWords } from './value-words.ts';

/** Rows that are shown at first. */
const FIRST = 50;
const TEXTS = new Set(['text', 'names', 'time']);

type Props = { readonly report: Report; readonly moment: { readonly from: string; readonly to: string } };

/** Every row of a report. A row leads to its calls, where they can be told. */
export function ReportTable({ report, moment }: Props) {
  const [showsAll, setShowsAll] = useState(false);
  const { rows, columns } = report;
  // What is empty in every row, as owners where they are summed, says nothing.
  const shown = columns.filter(({ name }) => rows.some((row) => row[name] !== null && row[name] !== ''));
  const visible = showsAll ? rows : rows.slice(0, FIRST);
  if (rows.length === 0) return null;
  return (
    <>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className="report-table" role="region" aria-label="All values" tabIndex={0}>
        <table>
          <thead>
            <tr>
              {shown.map(({ name, about, unit }) => (
                <th key={name} scope="col" title={about} className={TEXTS.has(unit) ? '' : 'number'}>
                  {nameWords(name)}
                </th>
              ))}
              {report.calls && <th scope="col">calls</th>}
            </tr>
          </thead>
          <tbody>
            {visible.map((row, index) => {
              const calls = callsBehind(report, row, moment);
              return (
                <tr key={index}>
                  {shown.map((column) => (
                    <td key={column.name} className={TEXTS.has(column.unit) ? '' : 'number'}>
                      <AgentText text={valueWords(column, row)} />
                    </td>
                  ))}
                  {report.calls && (
                    <td>
                      {calls && (
                        <Link to="/calls" search={calls}>
                          show<span className="unseen"> calls of row {index + 1}</span>
                        </Link>
                      )}
                    </td>
                  )}
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      {visible.length < rows.length && (
        <button type="button" className="button" onClick={() => setShowsAll(true)}>
          Show all {rows.length} rows
        </button>
      )}
    </>
  );
}

/** The name of a column; the values have their units. */
function nameWords(name: string): string {
  return name.replace(/_(?:ms|us|at)$/, '').replaceAll('_', ' ');
}
