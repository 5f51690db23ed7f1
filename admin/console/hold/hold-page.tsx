import '../styles/hold.css';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate, useRouterState } from '@tanstack/react-router';
import { ArrowLeft, ChevronDown, ChevronUp, Info } from 'lucide-react';
import { useEffect, useMemo, useRef, useState } from 'react';
import { exactBody, keepsDigits } from '../body/exact-body.ts';
import { useSentOn } from '../decide/use-outbox.tsx';
import { EditForm } from '../edit/edit-form.tsx';
import { ErrorPage } from '../page/error-page.tsx';
import { useKeys } from '../page/keys.ts';
import { StateNotices } from '../page/state-notices.tsx';
import { useTitle } from '../page/use-title.ts';
import type { Verb } from '../page/verb.ts';
import { titleOf } from '../queue/hold-row.tsx';
import { fits, lanesOf, RESORT } from '../queue/lanes.ts';
import { neighbour, visited } from '../queue/walk.ts';
import { holdQuery, summaryOf, waitingQuery, type HoldPackage, type HoldSummary } from '../server/holds.ts';
import { isRefused } from '../server/problem.ts';
import { sessionQuery, useDeciders } from '../server/session.ts';
import { AgentText } from '../text/agent-text.tsx';
import { useClock } from '../time/use-clock.ts';
import { Aftermath } from './aftermath.tsx';
import { Artifacts } from './artifacts.tsx';
import { CallSection } from './call-section.tsx';
import { ClaimsSection, HintNotices } from './claims-section.tsx';
import { DecisionBar } from './decision-bar.tsx';
import { Side } from './side.tsx';
import { StaleNotice } from './stale-notice.tsx';

const route = getRouteApi('/shell/holds/$holdId');

export function HoldPage() {
  const { holdId } = route.useParams();
  const walk = useWalk(holdId);
  return <OneHold key={holdId} id={holdId} walk={walk} />;
}

function OneHold({ id, walk }: { readonly id: string; readonly walk: Walk }) {
  const cache = useQueryClient();
  const { data: hold, error, refetch } = useQuery(holdQuery(id));
  const summary = useMemo(() => summaryOf(cache, id), [cache, id]);
  useEffect(() => visited(id), [id]);
  const shown = hold ?? summary;
  useTitle(shown ? titleOf(shown) : 'Held call');
  const top = useRef<HTMLElement>(null);
  // From one hold to the next the page stays; those who hear it must be told that it is another.
  useEffect(() => top.current?.focus({ preventScroll: true }), []);

  if (isRefused(error, 404))
    return (
      <main id="main" className="quiet-state">
        <h1>There is no such hold</h1>
        <p>The link may be cut off, or the hold is older than the gateway keeps them.</p>
        <Link to="/holds" className="button">
          Go to the held calls
        </Link>
      </main>
    );
  if (error && !hold) return <ErrorPage error={error} reset={() => void refetch()} />;
  return (
    <main id="main" className="hold-page" ref={top} tabIndex={-1} aria-busy={!hold}>
      <WalkBar {...walk} />
      <StateNotices />
      {hold ? <Loaded hold={hold} /> : <Coming summary={summary} />}
    </main>
  );
}

/** What the list knows of a hold, until the rest has come. Nothing can be decided on that. */
function Coming({ summary }: { readonly summary: HoldSummary | undefined }) {
  return (
    <div className="hold-columns">
      <div className="hold-main">
        {summary && <Headline hold={summary} says={summary.policy.reason} />}
        <div className="bone" />
      </div>
    </div>
  );
}

function Loaded({ hold: latest }: { readonly hold: HoldPackage }) {
  const { data: person } = useQuery(sessionQuery);
  const me = person?.id ?? '';
  const [read, setRead] = useState(latest);
  const [editing, setEditing] = useState<number | null>(null);
  const verb = useVerb();
  const isOnItsWay = useSentOn(latest.hold_id) !== undefined;

  // One's own change is no news, and of what is over there is nothing left to decide.
  const isOwn = latest.diff?.edited_by.at(-1) === me && latest.revision === read.revision + 1;
  const isStale = latest.revision > read.revision && latest.status === 'pending' && !isOwn;
  const hold = isStale ? { ...latest, ...callOf(read) } : latest;
  if (!isStale && read.revision !== latest.revision) setRead(latest);

  const body = hold.action ? exactBody(hold.action) : undefined;
  const isEditing = editing === latest.revision && latest.you_may.edit && body !== undefined && keepsDigits;

  return (
    <>
      <div className="hold-columns">
        <div className="hold-main">
          <Headline hold={hold} says={hold.consequence} />
          {isStale && <StaleNotice read={read} latest={latest} adopt={() => setRead(latest)} />}
          <Notices hold={hold} me={me} />
          {hold.status !== 'pending' && <Aftermath hold={hold} />}
          {isEditing && <EditForm hold={hold} body={body} isStale={isStale} close={() => setEditing(null)} />}
          <HintNotices hints={hold.hints} />
          {hold.action && (!isEditing || isOnItsWay) && <CallSection hold={hold} action={hold.action} />}
          <ClaimsSection hold={hold} />
          <Artifacts hold={hold} me={me} />
        </div>
        <Side hold={hold} />
      </div>
      {(!isEditing || isOnItsWay) && (
        <DecisionBar
          key={hold.revision}
          hold={hold}
          me={me}
          isStale={isStale}
          edit={() => setEditing(latest.revision)}
          verb={verb}
        />
      )}
    </>
  );
}

/** What belongs to the revision that was read. All else of the page is as it is now. */
function callOf({ revision, action, diff, consequence, hints, editable, openable, policy }: HoldPackage) {
  return { revision, action, diff, consequence, hints, editable, openable, policy };
}

/** What was meant to be done when this was opened; once. */
function useVerb(): Verb | null {
  const verb = useRouterState({ select: ({ location }) => location.state.verb });
  return verb ?? null;
}

type HeadlineProps = {
  readonly hold: Pick<HoldSummary, 'kind' | 'level' | 'status' | 'agent'> & {
    readonly action:
      | ({ readonly operation: string; readonly system: string } & { readonly reversible?: boolean | null })
      | null;
    readonly risk?: HoldPackage['risk'];
  };
  /** A sentence of the gateway. The address of a call, or the name of a tool, may be in it. */
  readonly says: string;
};

/** What deciding does comes first, in the gateway's words. */
function Headline({ hold, says }: HeadlineProps) {
  const isFinal = hold.action?.reversible === false || hold.risk?.reversible === false;
  return (
    <header className="headline">
      <p className="eyebrow">
        <span>
          <AgentText text={titleOf(hold)} />
        </span>
        {hold.action && <span>{hold.action.system}</span>}
        <span>{hold.agent.id}</span>
        {isFinal && <span className="tag danger">cannot be undone</span>}
        {hold.level === 3 && <span className="tag danger">a person must do this</span>}
      </p>
      <h1>
        <AgentText text={says} />
      </h1>
    </header>
  );
}

function Notices({ hold, me }: { readonly hold: HoldPackage; readonly me: string }) {
  const { you_may: may, status, routing, kind } = hold;
  if (status !== 'pending') return null;
  const said: string[] = [];
  const more = routing.quorum - routing.approvals;
  if (hold.you_voted)
    // Of those who approve an edit, one must be somebody else than its editors.
    said.push(`You approved this. ${more > 0 ? `${more} more` : 'Somebody else'} must, before it is sent.`);
  else if (routing.lease && routing.lease.by !== me)
    said.push(`${routing.lease.by} is deciding on this. You can decide once they let go of it.`);
  else if (kind === 'approval' && !may.approve && may.why !== null) said.push(may.why);
  return said.map((text) => (
    <p key={text} className="notice">
      <Info size={18} aria-hidden />
      <span>{text}</span>
    </p>
  ));
}

const isThere = () => true;

type Walk = { readonly at: number; readonly of: number; readonly go: (step: 1 | -1) => (() => void) | undefined };

/** Where this hold stands in the queue, and the way to its neighbours. The queue is put in order once for all of them. */
function useWalk(id: string): Walk {
  const filter = route.useSearch();
  const navigate = useNavigate();
  // The hold comes first; the list is only needed for its neighbours.
  const isLoaded = useQuery({ ...holdQuery(id), select: isThere }).data === true;
  const { data: list } = useQuery({ ...waitingQuery, enabled: isLoaded });
  const mine = useDeciders();
  const now = useClock((time) => Math.ceil(time / RESORT) * RESORT);
  const order = useMemo(() => {
    const holds = (list?.items ?? []).filter((hold) => fits(hold, filter, mine, now));
    const { overdue, waiting } = lanesOf(holds, now);
    return [...overdue, ...waiting].map(({ hold_id }) => hold_id);
  }, [list, filter, mine, now]);
  const to = (target: string | null) =>
    target === null
      ? undefined
      : () =>
          void navigate({ to: '/holds/$holdId', params: { holdId: target }, search: true, replace: true, state: {} });
  const go = (step: 1 | -1) => to(neighbour(id, step, order));
  const back = () => void navigate({ to: '/holds', search: true });
  useKeys({ j: () => go(1)?.(), k: () => go(-1)?.(), Escape: back });
  return { at: order.indexOf(id) + 1, of: order.length, go };
}

function WalkBar({ at, of, go }: Walk) {
  const next = go(1);
  const previous = go(-1);
  return (
    <nav className="walk" aria-label="Queue">
      <Link to="/holds" search={true} className="button small quiet">
        <ArrowLeft size={16} aria-hidden />
        Held calls
      </Link>
      <span className="apart" />
      {of > 0 && <span className="hint">{at > 0 ? `${at} of ${of}` : `${of} waiting`}</span>}
      <button
        type="button"
        className="button small quiet"
        onClick={previous}
        disabled={!previous}
        aria-keyshortcuts="k"
      >
        <ChevronUp size={16} aria-hidden />
        Previous <kbd aria-hidden="true">k</kbd>
      </button>
      <button type="button" className="button small quiet" onClick={next} disabled={!next} aria-keyshortcuts="j">
        <ChevronDown size={16} aria-hidden />
        Next <kbd aria-hidden="true">j</kbd>
      </button>
    </nav>
  );
}
