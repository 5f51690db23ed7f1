import '../styles/coverage.css';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { ScanSearch } from 'lucide-react';
import { useMemo } from 'react';
import { Choice, Toggle, without } from '../page/chips.tsx';
import { PeriodChoice, USUAL_PERIOD, wordsOf } from '../page/period.tsx';
import { RecordAway } from '../page/record-away.tsx';
import { useTitle } from '../page/use-title.ts';
import { coverageQuery } from '../server/coverage.ts';
import type { Coverage } from '../server/shapes.ts';
import { AgentText } from '../text/agent-text.tsx';
import { whole } from '../text/counts.ts';
import { CLASS_WORDS, CLASSES } from './classes.ts';
import type { CoverageFilter } from './coverage-filter.ts';
import { nextSteps } from './next-steps.ts';
import { Shares } from './shares.tsx';
import { SystemCoverage } from './system-coverage.tsx';

const route = getRouteApi('/shell/coverage');

/** What rules do about each operation of each system: hold or block it, let it pass unreviewed, or nothing. */
export function CoveragePage() {
  const filter = route.useSearch();
  const navigate = route.useNavigate();
  const { period = USUAL_PERIOD } = filter;
  const { data, error, isPending, refetch } = useQuery(coverageQuery(period));
  useTitle('Coverage');
  if (error && !data) return <RecordAway title="Coverage" error={error} again={() => void refetch()} />;
  return (
    <main id="main" className="coverage" aria-busy={isPending}>
      <div className="page-head">
        <h1>Coverage</h1>
        <p>{isPending ? 'Counting…' : 'what rules do about each operation'}</p>
        <PeriodChoice
          period={period}
          set={(chosen) => void navigate({ search: (before) => ({ ...before, period: chosen }), replace: true })}
        />
      </div>
      {data && <Whole coverage={data} filter={filter} />}
    </main>
  );
}

type WholeProps = { readonly coverage: Coverage; readonly filter: CoverageFilter };

function Whole({ coverage, filter }: WholeProps) {
  const { items, from, is_cut } = coverage;
  const shown = useMemo(
    () =>
      items.filter(
        (item) =>
          (filter.class === undefined || item.class === filter.class) &&
          (filter.system === undefined || item.system === filter.system),
      ),
    [items, filter.class, filter.system],
  );
  const systems = useMemo(() => [...Map.groupBy(shown, ({ system }) => system)], [shown]);
  if (items.length === 0)
    return (
      <div className="quiet-state">
        <ScanSearch size={32} aria-hidden />
        <h2>No agent has called in {wordsOf(filter.period ?? USUAL_PERIOD)}</h2>
        <p>Operations appear here once they were called, or a system declares them in an OpenAPI document.</p>
      </div>
    );
  return (
    <>
      <Shares coverage={coverage} />
      <NextSteps items={items} filter={filter} />
      <Filters coverage={coverage} filter={filter} />
      {is_cut && (
        <p className="notice">
          More operations were called than are shown: these are the most called. Where agents call paths without an
          OpenAPI document, each new path can be an operation of its own.
        </p>
      )}
      {systems.length === 0 && <p className="hint">No operation is both.</p>}
      {systems.map(([system, own]) => (
        <SystemCoverage key={system} system={system} items={own} from={from} />
      ))}
    </>
  );
}

function NextSteps({
  items,
  filter: { period },
}: {
  readonly items: Coverage['items'];
  readonly filter: CoverageFilter;
}) {
  const steps = useMemo(() => nextSteps(items), [items]);
  if (steps.length === 0) return null;
  return (
    <section className="next-steps" aria-labelledby="next-title">
      <h2 id="next-title">What to do next</h2>
      <ul>
        {steps.map(({ text, search }) => (
          <li key={text}>
            <p>
              <AgentText text={text} />
            </p>
            <Link to="/coverage" search={{ ...search, ...(period && { period }) }} resetScroll={false}>
              Show them
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Filters({ coverage: { items, operations }, filter }: WholeProps) {
  const navigate = route.useNavigate();
  const set = (changes: Readonly<Record<string, unknown>>) =>
    void navigate({
      search: (before) => without<CoverageFilter>({ ...before, ...changes }),
      replace: true,
      resetScroll: false,
    });
  const systems = [...new Set(items.map(({ system }) => system))].toSorted();
  return (
    <div className="filters" role="group" aria-label="Filters">
      {CLASSES.filter((each) => operations[each] > 0).map((each) => (
        <Toggle
          key={each}
          name={`${CLASS_WORDS[each]} ${whole(operations[each])}`}
          isOn={filter.class === each}
          set={(isOn) => set({ class: isOn ? each : undefined })}
        />
      ))}
      <Choice name="System" value={filter.system} choices={systems} set={(system) => set({ system })} />
    </div>
  );
}
