import { MessageSquareQuote, TriangleAlert } from 'lucide-react';
import { isNumber, type ExactJson } from '../../../gateway/json/exact-json.ts';
import type { HoldPackage } from '../server/holds.ts';
import { AgentText } from '../text/agent-text.tsx';
import { JsonBox } from './body-box.tsx';
import { optionOf } from './option.ts';

/** What an agent says commonly, in the order in which people ask; everything else follows as it is. */
const ORDER = ['task', 'client', 'summary', 'recommended_action', 'confidence', 'flags', 'draft_response'];

/** What the agent wrote: plain text in a frame of its own, so that it is never taken for what the gateway says. */
export function ClaimsSection({ hold }: { readonly hold: HoldPackage }) {
  // Options are buttons; those that do not fit on one stand here too.
  const areButtons = !hold.options.some((option) => optionOf(option).isCut);
  const said = Object.entries(hold.handoff ?? hold.claims).filter(([name]) => !(areButtons && name === 'options'));
  const place = (name: string) => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
  if (said.length === 0) return null;
  return (
    <section className="claims" aria-labelledby="claims-title">
      <h2 id="claims-title">
        <MessageSquareQuote size={17} aria-hidden />
        Claimed by {hold.agent.id}, not checked
      </h2>
      <dl>
        {said
          .toSorted(([a], [b]) => place(a) - place(b))
          .map(([name, value]) => (
            <div key={name}>
              <dt>
                <AgentText text={name.replaceAll('_', ' ')} />
              </dt>
              <dd>
                <Claim value={value} />
              </dd>
            </div>
          ))}
      </dl>
    </section>
  );
}

function Claim({ value }: { readonly value: unknown }) {
  if (typeof value === 'string') return <AgentText text={value} />;
  if (Array.isArray(value) && value.every((each) => typeof each === 'string'))
    return value.map((each, index) => (
      <span key={index} className="tag claim">
        <AgentText text={each} />
      </span>
    ));
  if (typeof value !== 'object' || value === null || isNumber(value as ExactJson)) return JSON.stringify(value);
  return <JsonBox label="What the agent sent" body={value as ExactJson} />;
}

const PARTS = {
  url: 'the address',
  headers: 'a header',
  body: 'the body',
  claims: 'what the agent claims',
  handoff: 'what was handed over',
};

/** Where the text is not what it looks like. */
export function HintNotices({ hints }: Pick<HoldPackage, 'hints'>) {
  if (hints.length === 0) return null;
  return (
    <div className="notice warn">
      <TriangleAlert size={18} aria-hidden />
      <div>
        <p>Some of the text is not what it looks like. Look closely before you decide.</p>
        <ul className="hints">
          {hints.map((hint, index) => (
            <li key={index}>
              {hint.kind === 'hidden' ? 'Characters that are not seen' : 'A word with letters of several alphabets'} in{' '}
              {PARTS[hint.in]}:{' '}
              <code>
                <AgentText text={hint.excerpt} />
              </code>
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}
