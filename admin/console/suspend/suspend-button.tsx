import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Play, OctagonPause } from 'lucide-react';
import { useState } from 'react';
import { sessionQuery } from '../server/session.ts';
import { keepSuspension, resume, type Suspendable, type Suspended } from '../server/suspensions.ts';
import { SuspendDialog } from './suspend-dialog.tsx';

type Props = {
  readonly kind: Suspendable;
  readonly name: string;
  readonly isSuspended: boolean;
  /** Told what became of it, once the gateway applies it. */
  readonly done?: (answer: Suspended) => void;
};

/** Suspends an agent or a system, after asking for a reason; or resumes it. For operators: others see nothing here. */
export function SuspendButton({ kind, name, isSuspended, done }: Props) {
  const cache = useQueryClient();
  const { data: person } = useQuery(sessionQuery);
  const [asks, setAsks] = useState(false);
  const resuming = useMutation({
    mutationFn: () => resume(kind, name),
    onSuccess(answer) {
      keepSuspension(cache, kind, answer);
      done?.(answer);
    },
  });
  if (!person?.roles.includes('operator')) return null;
  return (
    <>
      {isSuspended ? (
        <button
          type="button"
          className="button small"
          aria-label={`Resume ${name}`}
          disabled={resuming.isPending}
          onClick={() => resuming.mutate()}
        >
          <Play size={15} aria-hidden />
          Resume
        </button>
      ) : (
        <button
          type="button"
          className="button small danger"
          aria-label={`Suspend ${name}`}
          onClick={() => setAsks(true)}
        >
          <OctagonPause size={15} aria-hidden />
          Suspend
        </button>
      )}
      {resuming.error && (
        <p role="alert" className="wrong">
          {resuming.error.message}
        </p>
      )}
      {asks && <SuspendDialog kind={kind} name={name} close={() => setAsks(false)} {...(done && { done })} />}
    </>
  );
}
