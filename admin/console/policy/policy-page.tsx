import '../styles/hold.css';
import '../styles/policy.css';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { FlaskConical } from 'lucide-react';
import { ErrorPage } from '../page/error-page.tsx';
import { useTitle } from '../page/use-title.ts';
import { policyQuery } from '../server/policy.ts';
import type { PolicyStatus } from '../server/shapes.ts';
import { When } from '../time/when.tsx';
import { RuleList } from './rule-list.tsx';
import { TryCall } from './try-call.tsx';

const route = getRouteApi('/shell/policy');

/** The policy in force: its rules with what they did, and a place to try a call. */
export function PolicyPage() {
  const { call } = route.useSearch();
  const { data: policy, error, isPending, refetch } = useQuery(policyQuery);
  useTitle('Policy');
  if (error && !policy) return <ErrorPage error={error} reset={() => void refetch()} />;
  return (
    <main id="main" className="policy" aria-busy={isPending}>
      <div className="page-head">
        <h1>Policy</h1>
        {policy && <InForce policy={policy} />}
        {call === undefined && (
          <Link to="/policy" search={true} hash="try-title" className="button small to-try">
            <FlaskConical size={16} aria-hidden />
            Try a call
          </Link>
        )}
      </div>
      {policy?.refused && <Refused refused={policy.refused} />}
      {policy && (
        // A call that was picked comes first: it is what the person came for.
        <div className={call === undefined ? 'policy-parts' : 'policy-parts from-call'}>
          {call !== undefined && <TryCall call={call} system="" />}
          <RuleList sources={policy.sources} />
          {call === undefined && <TryCall call={undefined} system={systemIn(policy)} />}
        </div>
      )}
    </main>
  );
}

function InForce({ policy: { revision, activated_at } }: { readonly policy: PolicyStatus }) {
  if (revision === null) return <p className="wrong">No policy is in force, so every call is refused.</p>;
  return (
    <p>
      revision <code title={revision}>{revision.slice(0, 12)}</code>
      {activated_at !== null && (
        <>
          , in force since <When at={activated_at} />
        </>
      )}
    </p>
  );
}

function Refused({ refused: { at, reason } }: { readonly refused: NonNullable<PolicyStatus['refused']> }) {
  return (
    <div className="notice danger" role="alert">
      <div>
        <p>
          A newer version was refused at <When at={at} />. The one before it stays in force until this is mended:
        </p>
        <pre>{reason}</pre>
      </div>
    </div>
  );
}

/** A system that rules are for. */
function systemIn({ sources }: PolicyStatus): string {
  const names = sources.map(({ package: name }) => name.replace(/^rules\./, ''));
  return names.find((name) => name !== 'all') ?? 'payments';
}
