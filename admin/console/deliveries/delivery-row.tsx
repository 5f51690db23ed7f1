import { Link } from '@tanstack/react-router';
import { Mail, MessageSquare, RotateCw, Webhook } from 'lucide-react';
import type { Delivery } from '../server/shapes.ts';
import { AgentText } from '../text/agent-text.tsx';
import { When } from '../time/when.tsx';
import { kindWords, STATE_WORDS, stateTag } from './words.ts';

type Props = {
  readonly delivery: Delivery;
  readonly isSending: boolean;
  readonly resend: (id: string) => void;
};

/** One message to one place: what it tells, where it goes, and what became of it. */
export function DeliveryRow({ delivery, isSending, resend }: Props) {
  const { notice_id, kind, hold_id, channel, to, state, created_at, attempts, error, next_at } = delivery;
  const place = to === null ? channel : `${to} (${channel})`;
  return (
    <li className="delivery">
      <Icon channel={channel} />
      <div className="delivery-what">
        <p>
          <strong>{kindWords(kind)}</strong>{' '}
          {hold_id !== null && (
            <Link to="/holds/$holdId" params={{ holdId: hold_id }} className="mono" title={hold_id}>
              {hold_id.slice(0, 'hold_'.length + 12)}…
            </Link>
          )}
        </p>
        <p className="delivery-place">
          to <AgentText text={place} />
        </p>
        {error !== null && (
          <p className={state === 'dead' ? 'wrong' : 'delivery-error'}>
            <AgentText text={error} />
          </p>
        )}
      </div>
      <div className="delivery-state">
        <p>
          <span className={`tag ${stateTag(delivery)}`}>{STATE_WORDS[state]}</span>
        </p>
        <p className="hint">
          <When at={created_at} />
          {attempts > 0 && `, tried ${attempts === 1 ? 'once' : `${attempts} times`}`}
          {next_at !== null && (
            <>
              , {state === 'gathered' ? 'goes' : 'next'} at <When at={next_at} />
            </>
          )}
        </p>
      </div>
      {state === 'dead' && (
        <button
          type="button"
          className="button small"
          disabled={isSending}
          aria-label={`Send again to ${place}`}
          onClick={() => resend(notice_id)}
        >
          <RotateCw size={15} aria-hidden />
          Send again
        </button>
      )}
    </li>
  );
}

/** `email`, `slack/<name>` or `webhook/<name>`. */
function Icon({ channel }: { readonly channel: string }) {
  if (channel === 'email') return <Mail size={18} aria-hidden />;
  return channel.startsWith('slack/') ? <MessageSquare size={18} aria-hidden /> : <Webhook size={18} aria-hidden />;
}
