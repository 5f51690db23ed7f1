import { Link } from '@tanstack/react-router';
import { whole } from '../text/counts.ts';
import type { AgentNumbers } from './numbers.ts';

const VERDICTS = [
  ['allowed', 'allow'],
  ['held', 'hold'],
  ['blocked', 'block'],
] as const satisfies readonly (readonly [keyof AgentNumbers, string])[];

/** What policy said of an agent's calls within 30 days, as parts of a bar; each number leads to its calls. */
export function VerdictBar({ numbers }: { readonly numbers: AgentNumbers }) {
  const { agent, calls, allowed, held, blocked } = numbers;
  return (
    <div className="verdicts">
      <svg viewBox={`0 0 ${Math.max(1, calls)} 1`} preserveAspectRatio="none" className="verdict-bar" aria-hidden>
        <rect className="allowed" width={allowed} height="1" />
        <rect className="held" x={allowed} width={held} height="1" />
        <rect className="blocked" x={allowed + held} width={blocked} height="1" />
      </svg>
      <p className="verdict-counts">
        {VERDICTS.map(([name, verdict]) => (
          <Link
            key={name}
            to="/calls"
            search={{ agent, verdict, period: '30d' }}
            className={numbers[name] > 0 ? name : 'none'}
          >
            <b>{whole(numbers[name])}</b> {name}
          </Link>
        ))}
      </p>
    </div>
  );
}

/** The levels of an agent's calls: 1 by itself, 2 a person approves, 3 a person takes over, 4 blocked. */
export function Levels({ numbers: { allowed, toApprove, toTakeOver, blocked } }: { readonly numbers: AgentNumbers }) {
  const levels = [
    ['by itself', allowed],
    ['a person approves', toApprove],
    ['a person takes over', toTakeOver],
    ['blocked', blocked],
  ] as const;
  return (
    <ol className="levels" aria-label="Calls at each level">
      {levels.map(([meaning, count], index) => (
        <li key={meaning} title={`Level ${index + 1}: ${meaning}`} className={count > 0 ? '' : 'none'}>
          <span className="level-number">L{index + 1}</span> <b>{whole(count)}</b>
          <span className="unseen"> {meaning}</span>
        </li>
      ))}
    </ol>
  );
}
