import { Link } from '@tanstack/react-router';
import { Check, CircleAlert, Undo2, X } from 'lucide-react';
import { useKeys } from '../page/keys.ts';
import { AgentText } from '../text/agent-text.tsx';
import { explain } from './explain.ts';
import type { Sent } from './outbox.ts';
import { useOutbox, useSent } from './use-outbox.tsx';

/** What was decided, for as long as it can be undone, and what became of it. */
export function UndoMessages() {
  const sent = useSent();
  // Of what is done only the last is news, and whoever decides quickly needs the room.
  const lastDone = sent.findLast(({ state }) => state === 'done');
  const outbox = useOutbox();
  useKeys({ u: () => outbox.undo() });
  return (
    <section className="undo-messages" aria-label="Your decisions">
      {sent
        .filter((each) => each.state !== 'done' || each === lastDone)
        .map((each) => (
          <Message key={each.id} {...each} />
        ))}
    </section>
  );
}

function Message({ id, state, text, error, holdIds }: Sent) {
  const outbox = useOutbox();
  const [first, another] = holdIds;
  return (
    <div role="status" className={`undo-message ${state}`}>
      {state === 'failed' ? <CircleAlert size={18} aria-hidden /> : <Check size={18} aria-hidden />}
      <p>
        <strong>
          <AgentText text={text} />
        </strong>
        <span>
          <AgentText text={said(state, error)} />
        </span>
      </p>
      {state === 'waiting' && (
        <button type="button" className="button small" onClick={() => outbox.undo(id)} aria-keyshortcuts="u">
          <Undo2 size={15} aria-hidden />
          Undo
        </button>
      )}
      {state === 'failed' && first !== undefined && another === undefined && (
        <Link to="/holds/$holdId" params={{ holdId: first }} className="button small">
          Look
        </Link>
      )}
      {state === 'failed' && (
        <button type="button" className="button small quiet" aria-label="Close" onClick={() => outbox.forget(id)}>
          <X size={15} aria-hidden />
        </button>
      )}
    </div>
  );
}

function said(state: Sent['state'], error: unknown): string {
  switch (state) {
    case 'waiting':
      return 'Nothing has been sent yet.';
    case 'sending':
      return 'Sending…';
    case 'done':
      return 'Done.';
    case 'failed':
      return explain(error);
  }
}
