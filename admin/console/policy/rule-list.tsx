import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import { Toggle, without } from '../page/chips.tsx';
import { PeriodChoice, USUAL_PERIOD, wordsOf } from '../page/period.tsx';
import { hitsQuery } from '../server/policy.ts';
import type { PolicyStatus } from '../server/shapes.ts';
import { AgentText } from '../text/agent-text.tsx';
import { plural } from '../text/counts.ts';
import { When } from '../time/when.tsx';
import type { PolicyFilter } from './policy-filter.ts';
import { RuleRow } from './rule-row.tsx';
import { othersOf, rulesOf } from './rules.ts';

const route = getRouteApi('/shell/policy');

/** What the gateway itself notes in the place of a rule. */
const OWN: Readonly<Record<string, string>> = {
  'holdpoint/default': 'No rule matched, so the call was blocked.',
  'holdpoint/fault': 'The policy failed, so the call was blocked.',
  'holdpoint/mcp': 'Messages that only keep a session of MCP going.',
};

/** The rules in force, by package, with what each did in a period. */
export function RuleList({ sources }: Pick<PolicyStatus, 'sources'>) {
  const { period = USUAL_PERIOD, unreached = false } = route.useSearch();
  const navigate = route.useNavigate();
  const { data: hits, error } = useQuery(hitsQuery(period));
  const rules = useMemo(() => rulesOf(sources, hits?.items ?? null), [sources, hits]);
  const others = useMemo(() => othersOf(sources, hits?.items ?? []), [sources, hits]);
  const idle = rules.filter((rule) => rule.hits === 0);
  const packages = [...Map.groupBy(unreached && hits ? idle : rules, (rule) => rule.package)];
  const set = (changes: PolicyFilter | { readonly unreached: undefined }) =>
    void navigate({
      search: (before) => without<PolicyFilter>({ ...before, ...changes } as PolicyFilter),
      replace: true,
      resetScroll: false,
    });
  return (
    <section className="policy-rules" aria-labelledby="rules-title" aria-busy={!hits && !error}>
      <div className="page-head">
        <h2 id="rules-title">{plural(rules.length, 'rule')} in force</h2>
        <PeriodChoice period={period} set={(chosen) => set({ period: chosen })} />
      </div>
      {error && (
        <p className="notice" role="status">
          Hits cannot be counted now: {error.message} The rules below are in force all the same, and calls can be tried.
        </p>
      )}
      {idle.length > 0 && (
        <div className="policy-idle">
          <Toggle
            name={`Not reached ${idle.length}`}
            isOn={unreached}
            set={(isOn) => set({ unreached: isOn || undefined } as PolicyFilter)}
          />
          <p className="hint">
            No call of {wordsOf(period)} matched these. Either no agent did what they are for, or their conditions never
            fit: try one on a call that it should match.
          </p>
        </div>
      )}
      {packages.map(([name, own]) => (
        <section key={name} aria-label={`Rules of ${name}`}>
          <h3>{name}</h3>
          <ul className="row-box">
            {own.map((rule) => (
              <RuleRow
                key={`${rule.verdict} ${rule.id}`}
                rule={rule}
                from={hits?.from ?? null}
                days={wordsOf(period)}
              />
            ))}
          </ul>
        </section>
      ))}
      {others.length > 0 && !unreached && (
        <section aria-label="Not of this policy">
          <h3>Matched in {wordsOf(period)}, and no rule of this policy</h3>
          <ul className="row-box">
            {others.map(({ rule, verdict, hits: count, last_at }) => (
              <li key={`${verdict} ${rule}`} className="policy-rule">
                <div className="policy-rule-name">
                  <code>
                    <AgentText text={rule} />
                  </code>
                  <p className="hint">{OWN[rule] ?? 'Of an earlier policy, or a computed name.'}</p>
                </div>
                <span className="tag">{verdict}</span>
                <p className="policy-rule-levels" />
                <p className="policy-rule-hits">
                  <Link to="/calls" search={{ rule, ...(hits && { from: hits.from }) }}>
                    {plural(count, 'hit')}
                  </Link>
                </p>
                <p className="policy-rule-last">
                  <When at={last_at} />
                </p>
              </li>
            ))}
          </ul>
        </section>
      )}
    </section>
  );
}
