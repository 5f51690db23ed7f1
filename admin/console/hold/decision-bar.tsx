import { Check, Clock3, CornerUpRight, Hand, Pencil, Undo2, X } from 'lucide-react';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState, type KeyboardEvent, type ReactNode, type Ref } from 'react';
import { useOutbox, useSentOn } from '../decide/use-outbox.tsx';
import { focusPage } from '../page/focus-page.ts';
import { isSubmit, useKeys } from '../page/keys.ts';
import { VERB_KEYS, type Verb } from '../page/verb.ts';
import { titleOf } from '../queue/hold-row.tsx';
import { groupsQuery, type HoldPackage } from '../server/holds.ts';
import { AgentText } from '../text/agent-text.tsx';
import { AnswerPanel, EscalatePanel, GrantPanel, OutcomePanel, RejectPanel, TakeOverPanel } from './panels.tsx';
import { confirmWord, isConfirmed } from './confirm-word.ts';
import { optionOf, type Option } from './option.ts';

export type Panel = 'reject' | 'escalate' | 'take-over' | 'grant' | 'answer' | 'outcome';

type Props = {
  readonly hold: HoldPackage;
  readonly me: string;
  /** Set while the person has not yet seen what changed. */
  readonly isStale: boolean;
  readonly edit: () => void;
  /** What the person meant to do when opening this. */
  readonly verb: Verb | null;
};

/** The verbs of a hold, as `you_may` says: one key each, and nothing is sent for three seconds. */
export function DecisionBar({ hold, me, isStale, edit, verb }: Props) {
  const { kind, you_may: may } = hold;
  const outbox = useOutbox();
  const isOnItsWay = useSentOn(hold.hold_id) !== undefined;
  const [panel, setPanel] = useState<Panel | null>(null);
  const [typed, setTyped] = useState('');
  const approveButton = useRef<HTMLButtonElement>(null);
  const confirmField = useRef<HTMLInputElement>(null);
  const bar = useRef<HTMLElement>(null);
  const word = kind === 'approval' && may.approve ? confirmWord(hold) : null;
  const isReady = isConfirmed(word, typed);
  const isOff = isOnItsWay || isStale;

  /** Sends a decision, in three seconds. */
  function decide(route: string, body: unknown, text: string): void {
    outbox.submit({
      path: `/api/holds/${hold.hold_id}/${route}`,
      body,
      ifMatch: hold.revision,
      holdIds: [hold.hold_id],
      text: `${text}: ${titleOf(hold)}`,
    });
    focusPage();
  }
  const submit = (route: string, body: unknown, text: string) => {
    decide(route, body, text);
    setPanel(null);
  };

  function approve(): void {
    if (isOff) return;
    if (!isReady) return confirmField.current?.focus();
    submit('approve', {}, 'Approved');
  }

  const escalateTo = (group: string) =>
    kind === 'exception'
      ? submit('answer', { option: `escalate_to_${group}` }, 'Escalated')
      : submit('escalate', { to: group }, 'Escalated');

  /** What a verb does on this kind of hold; undefined where `you_may` does not have it. */
  const actions: Readonly<Record<Verb, (() => void) | undefined>> = {
    approve: may.approve
      ? approve
      : may.answer
        ? () => setPanel('answer')
        : may.accept
          ? () => submit('accept', {}, 'Accepted')
          : undefined,
    edit: may.edit ? edit : undefined,
    reject: may.reject || may.return ? () => setPanel('reject') : undefined,
    escalate: may.escalate ? () => setPanel('escalate') : undefined,
    'take-over': may.take_over ? () => setPanel('take-over') : undefined,
  };
  useKeys(
    {
      ...Object.fromEntries(
        Object.entries(VERB_KEYS).flatMap(([key, verb]) => {
          const act = actions[verb];
          return act ? [[key, act]] : [];
        }),
      ),
      ...(panel !== null ? { Escape: () => setPanel(null) } : {}),
    },
    !isOff,
  );

  // A verb that was asked for in the queue is prepared, and never done.
  useEffect(() => {
    if (verb === null) return;
    if (verb === 'approve') (confirmField.current ?? approveButton.current)?.focus();
    else actions[verb]?.();
    // oxlint-disable-next-line react/exhaustive-deps
  }, []);
  useEffect(() => {
    if (panel === null) return;
    const find = (which: string) => bar.current?.querySelector<HTMLElement>(which);
    (find('input:checked') ?? find('input, textarea, select'))?.focus();
  }, [panel]);
  // What somebody takes over, they report on: the fields for that come by themselves, and the focus with them.
  const asksOutcome = useRef(may.outcome);
  useEffect(() => {
    if (may.outcome && !asksOutcome.current) bar.current?.querySelector<HTMLElement>('input')?.focus();
    asksOutcome.current = may.outcome;
  }, [may.outcome]);

  const isOpen = Object.values(actions).some((act) => act !== undefined) || may.outcome;
  if (!isOpen) return null;

  const close = () => setPanel(null);
  return (
    <section ref={bar} className="decision-bar" aria-label="Decide" hidden={isOnItsWay}>
      {panel === 'reject' && (
        <RejectPanel
          verb={may.reject ? 'Reject' : 'Return'}
          close={close}
          send={(body) => submit(may.reject ? 'reject' : 'return', body, may.reject ? 'Rejected' : 'Returned')}
        />
      )}
      {panel === 'escalate' && (
        <EscalatePanel hold={hold} close={close} send={(body) => submit('escalate', body, 'Escalated')} />
      )}
      {panel === 'take-over' && (
        <TakeOverPanel
          word={hold.level >= 3 ? confirmWord(hold) : null}
          close={close}
          send={(body) => submit('take-over', body, 'Taken over')}
        />
      )}
      {panel === 'grant' && (
        <GrantPanel hold={hold} close={close} send={(grant) => submit('approve', { grant }, 'Approved for a while')} />
      )}
      {panel === 'answer' && (
        <AnswerPanel hold={hold} close={close} send={(body) => submit('answer', body, 'Answered')} />
      )}
      {(panel === 'outcome' || (panel === null && may.outcome)) && (
        <OutcomePanel
          hold={hold}
          isMine={hold.decided?.by === me}
          send={(body) => submit('outcome', body, 'Reported')}
        />
      )}
      {panel === null && !may.outcome && (
        <>
          {word !== null && (
            <label className="confirm">
              <span>
                This cannot be undone. Type{' '}
                <code>
                  <AgentText text={word} />
                </code>{' '}
                to approve it
                <span className="only-keys">
                  , then <kbd>Ctrl</kbd> <kbd>Enter</kbd>
                </span>
                .
              </span>
              <input
                ref={confirmField}
                className="input"
                value={typed}
                onChange={({ target }) => setTyped(target.value)}
                onKeyDown={(event) => isSubmit(event) && isReady && approve()}
                autoComplete="off"
                spellCheck={false}
                inputMode={/^[\d.]+$/.test(word) ? 'decimal' : 'text'}
              />
            </label>
          )}
          <Options
            hold={hold}
            isOff={isOff}
            escalateTo={escalateTo}
            answer={(option) => submit('answer', { option }, 'Answered')}
          />
          <div className="verbs">
            {may.approve ? (
              <Button act={approve} isOff={isOff || !isReady} {...PRIMARY} decides name="Approve" at={approveButton} />
            ) : (
              <Button
                act={actions.approve}
                isOff={isOff}
                {...PRIMARY}
                decides={!may.answer}
                name={may.answer ? 'Answer' : 'Accept'}
              />
            )}
            <Button act={actions.edit} isOff={isOff} icon={<Pencil size={16} aria-hidden />} name="Edit" of="e" />
            <Button
              act={actions.reject}
              isOff={isOff}
              icon={may.reject ? <X size={17} aria-hidden /> : <Undo2 size={16} aria-hidden />}
              name={may.reject ? 'Reject' : 'Return'}
              of="r"
              kind="danger"
            />
            <Button
              act={actions.escalate}
              isOff={isOff}
              icon={<CornerUpRight size={16} aria-hidden />}
              name="Escalate"
              of="s"
            />
            <Button
              act={actions['take-over']}
              isOff={isOff}
              icon={<Hand size={16} aria-hidden />}
              name="Take over"
              of="t"
            />
            {isGrantable(hold) && (
              <button type="button" className="button quiet" disabled={isOff} onClick={() => setPanel('grant')}>
                <Clock3 size={16} aria-hidden />
                For a while…
              </button>
            )}
          </div>
        </>
      )}
    </section>
  );
}

/** What cannot be undone needs an approval each time. */
function isGrantable({ you_may, action, risk }: HoldPackage): boolean {
  return you_may.approve && action?.reversible === true && risk.reversible !== false;
}

/** Enter opens and never approves: it is the key that people press without looking. */
function noEnter(event: KeyboardEvent): void {
  if (event.key === 'Enter') event.preventDefault();
}

function Key({ of }: { readonly of: string }) {
  return <kbd aria-hidden="true">{of}</kbd>;
}

type ButtonProps = {
  readonly act: (() => void) | undefined;
  readonly isOff: boolean;
  readonly icon: ReactNode;
  readonly name: string;
  readonly of: string;
  readonly kind?: 'primary' | 'danger';
  /** Whether it decides by itself, and opens nothing. */
  readonly decides?: boolean;
  readonly at?: Ref<HTMLButtonElement>;
};

/** How the first of the verbs looks, whatever it is. */
const PRIMARY = { icon: <Check size={18} aria-hidden />, of: 'a', kind: 'primary' } as const;

function Button({ act, isOff, icon, name, of, kind, decides = false, at }: ButtonProps) {
  if (!act) return null;
  return (
    <button
      ref={at}
      type="button"
      className={kind ? `button ${kind}` : 'button'}
      onClick={act}
      onKeyDown={decides ? noEnter : undefined}
      disabled={isOff}
      aria-keyshortcuts={of}
    >
      {icon}
      {name}
      <Key of={of} />
    </button>
  );
}

type OptionsProps = {
  readonly hold: HoldPackage;
  readonly isOff: boolean;
  readonly escalateTo: (group: string) => void;
  readonly answer: (option: string) => void;
};

/** The agent's own options, marked as its words. Those that lead nowhere on this kind of hold are only named. */
function Options({ hold, isOff, escalateTo, answer }: OptionsProps) {
  const { options, you_may: may } = hold;
  const { data: groups } = useQuery({ ...groupsQuery, enabled: may.escalate });
  const isGroup = (name: string) => (groups?.includes(name) ?? false) && !hold.routing.groups.includes(name);
  function actOf({ id, group }: Option): (() => void) | undefined {
    if (group === null) return may.answer ? () => answer(id) : undefined;
    return may.escalate && isGroup(group) ? () => escalateTo(group) : undefined;
  }
  if (options.length === 0 || hold.status !== 'pending') return null;
  return (
    <div className="options">
      <span className="hint">{hold.agent.id} offers</span>
      {options.map((given, index) => {
        const option = optionOf(given);
        const { label } = option;
        const act = actOf(option);
        return act ? (
          <button
            key={index}
            type="button"
            className="button small option"
            onClick={act}
            onKeyDown={noEnter}
            disabled={isOff}
          >
            <AgentText text={label} />
          </button>
        ) : (
          <span key={index} className="tag claim">
            <AgentText text={label} />
          </span>
        );
      })}
    </div>
  );
}
