import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { OctagonX } from 'lucide-react';
import { sessionQuery } from '../server/session.ts';
import { liftStop, stopQuery } from '../server/stop.ts';
import { AgentText } from '../text/agent-text.tsx';
import { Said } from '../text/said.tsx';
import { When } from '../time/when.tsx';

/** On every page, while everything is stopped: since when, by whom and why, and how that ends. */
export function StopNotice() {
  const cache = useQueryClient();
  const { data: person } = useQuery(sessionQuery);
  const { data } = useQuery(stopQuery);
  const lift = useMutation({
    mutationFn: liftStop,
    onSuccess: (state) => cache.setQueryData(stopQuery.queryKey, state),
  });
  const stop = data?.stop;
  const asked = stop?.lift_asked_by ?? null;
  const mayLift = person?.roles.includes('operator') && asked !== person.id;
  if (!stop) return null;
  return (
    <div role="alert" className="stopped">
      <OctagonX size={18} aria-hidden />
      <p>
        <strong>Everything is stopped</strong> since <When at={stop.at} />, by <AgentText text={stop.by} />.{' '}
        <Said text={stop.reason} /> No call goes out, and nothing can be approved. Held calls keep the time that they
        have left.
        {asked !== null && (
          <>
            {' '}
            <AgentText text={asked} /> asked to lift it; another operator has to agree.
          </>
        )}
        {lift.error && <> It was not lifted: {lift.error.message}</>}
      </p>
      {mayLift && (
        <button type="button" className="button" disabled={lift.isPending} onClick={() => lift.mutate()}>
          {data.lifted_by === 2 && asked === null ? 'Ask to lift the stop' : 'Lift the stop'}
        </button>
      )}
    </div>
  );
}
