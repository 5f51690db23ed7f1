import { Link } from '@tanstack/react-router';
import { AgentText } from '../text/agent-text.tsx';
import { plural } from '../text/counts.ts';
import { When } from '../time/when.tsx';
import { levelWords, SAID_TAGS } from './level-words.ts';
import type { Rule } from './rules.ts';

type Props = { readonly rule: Rule; readonly from: string | null; readonly days: string };

/** @param props.from RFC 3339, where the period begins; null while the record cannot be read */
export function RuleRow({ rule: { name, id, verdict, places, hits, lastAt, levels }, from, days }: Props) {
  return (
    <li className={hits === 0 ? 'policy-rule unreached' : 'policy-rule'}>
      <div className="policy-rule-name">
        {name === null ? (
          <span className="hint">a computed name</span>
        ) : (
          <code>
            <AgentText text={name} />
          </code>
        )}
        <p className="hint">
          {places.map(({ file, line }) => (
            <span key={`${file}:${line}`}>
              {file}:{line}
            </span>
          ))}
        </p>
      </div>
      <span className={`tag ${SAID_TAGS[verdict]}`}>{verdict}</span>
      <p className="policy-rule-levels">{levels.map(levelWords).join(', ')}</p>
      <p className="policy-rule-hits">
        {hits === 0 ? (
          <span className="tag warn">not reached in {days}</span>
        ) : hits !== null && from !== null ? (
          <Link to="/calls" search={{ rule: id, from }} title="The calls that it matched">
            {plural(hits, 'hit')}
          </Link>
        ) : (
          name === null && from !== null && <span className="hint">counted below, by its names</span>
        )}
      </p>
      <p className="policy-rule-last">{lastAt !== null && <When at={lastAt} />}</p>
    </li>
  );
}
