import { useQueryClient } from '@tanstack/react-query';
import { visibleLine } from '../../../gateway/domain/visible-text.ts';
import { ReasonDialog } from '../page/reason-dialog.tsx';
import { keepSuspension, suspend, type Suspendable, type Suspended } from '../server/suspensions.ts';
import { AgentText } from '../text/agent-text.tsx';

type Props = {
  readonly kind: Suspendable;
  readonly name: string;
  /** Told what became of it, once the gateway applies it. */
  readonly done?: (answer: Suspended) => void;
  readonly close: () => void;
};

/** Asks for a reason, and says what it does, before an agent or a system is suspended. Open for as long as it is drawn. */
export function SuspendDialog({ kind, name, done, close }: Props) {
  const cache = useQueryClient();
  const act = async (reason: string) => {
    const answer = await suspend(kind, name, reason);
    keepSuspension(cache, kind, answer);
    done?.(answer);
  };
  return (
    <ReasonDialog title={`Suspend ${visibleLine(name)}?`} verb="Suspend" act={act} close={close}>
      {kind === 'agent' ? (
        <>
          Every call of <AgentText text={name} /> is refused from then on
        </>
      ) : (
        <>
          Every call to <AgentText text={name} /> is refused from then on, whichever agent sends it
        </>
      )}
      , on every gateway that shares this store. Uploads and answers under way end. Its held and approved calls are
      superseded{kind === 'agent' ? ', and its grants end' : ''}: they do not come back when an operator resumes it.
    </ReasonDialog>
  );
}
