import { Link } from '@tanstack/react-router';
import type { Coverage } from '../server/shapes.ts';
import { AgentText } from '../text/agent-text.tsx';
import { plural, whole } from '../text/counts.ts';
import { When } from '../time/when.tsx';
import { CLASS_TAGS, CLASS_WORDS } from './classes.ts';

type Item = Coverage['items'][number];

const SOURCES: Readonly<Record<NonNullable<Item['declared']>, string>> = {
  openapi: 'in its OpenAPI document',
  tools: 'in its list of tools',
};

/** Agents that are named; the page of the calls has the others. */
const MOST_NAMES = 3;

/** @param from RFC 3339, where the period begins */
export function OperationRow({ item, from }: { readonly item: Item; readonly from: string }) {
  const { system, operation, calls, allowed, held, blocked, unmatched, agents, who, last_at, declared } = item;
  const names = who.slice(0, MOST_NAMES);
  const counts = [
    [held, 'held', 'held'],
    [blocked - unmatched, 'blocked', 'blocked'],
    [unmatched, 'without a rule', 'unmatched'],
    [allowed, 'allowed', 'passed'],
  ] as const;
  return (
    <li className="operation">
      <div className="operation-name">
        {calls === 0 ? (
          <AgentText text={operation} />
        ) : (
          <Link
            to="/calls"
            search={{ system, operation, from, ...(item.class === 'unmatched' && { trigger: 'default' }) }}
            title="The calls of this operation"
          >
            <AgentText text={operation} />
          </Link>
        )}
      </div>
      <span className={`tag ${CLASS_TAGS[item.class]}`}>{CLASS_WORDS[item.class]}</span>
      {last_at === null ? (
        <p className="operation-unseen">Declared {declared && SOURCES[declared]}; no agent called it.</p>
      ) : (
        <>
          <div className="operation-counts">
            <p>
              <strong>{plural(calls, 'call')}</strong>
              {counts.map(([count, word]) => count > 0 && `, ${whole(count)} ${word}`)}
            </p>
            <div className="split" aria-hidden>
              {counts.map(([count, word, part]) =>
                count > 0 ? <span key={word} data-part={part} style={{ flexGrow: count }} /> : null,
              )}
            </div>
          </div>
          <p className="operation-who">
            <AgentText text={names.join(', ')} />
            {agents > names.length && ` and ${whole(agents - names.length)} more`}
          </p>
          <p className="operation-last">
            <When at={last_at} />
          </p>
        </>
      )}
    </li>
  );
}
