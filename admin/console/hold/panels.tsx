import { useQuery } from '@tanstack/react-query';
import { useEffect, useId, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import { REJECT_CODES, type RejectCode } from '../../../gateway/domain/hold.ts';
import { parseExactly, type ExactJson } from '../../../gateway/json/exact-json.ts';
import { isSubmit } from '../page/keys.ts';
import { groupsQuery, type HoldPackage } from '../server/holds.ts';
import { AgentText } from '../text/agent-text.tsx';
import { When } from '../time/when.tsx';
import { isConfirmed } from './confirm-word.ts';
import { grantSentence, GRANT_TIMES } from './grant-sentence.ts';
import { optionOf } from './option.ts';
import { REJECT_WORDS } from './reject-codes.ts';

/** Longest note, in characters, as the API has it. */
const NOTE_LENGTH = 4_000;

type PanelProps<Body> = { readonly close: () => void; readonly send: (body: Body) => void };

type FrameProps = {
  readonly title: string;
  readonly children: ReactNode;
  readonly confirm: ReactNode;
  readonly close?: () => void;
  /** What Ctrl or ⌘ with Enter does. */
  readonly submit?: () => void;
};

function Frame({ title, children, confirm, close, submit }: FrameProps) {
  const id = useId();
  const press = (event: KeyboardEvent) => {
    if (event.key === 'Escape') close?.();
    if (isSubmit(event)) submit?.();
  };
  return (
    // Keys of a group of fields; each field can be reached without them.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <div className="panel" role="group" aria-labelledby={id} onKeyDown={press}>
      <h2 id={id}>{title}</h2>
      {children}
      <div className="verbs">
        {confirm}
        {close && (
          <button type="button" className="button quiet" onClick={close}>
            Back
          </button>
        )}
      </div>
    </div>
  );
}

type NoteProps = { readonly label: string; readonly value: string; readonly set: (note: string) => void };

function Note({ label, value, set }: NoteProps) {
  return (
    <label className="field">
      <span>{label}</span>
      <textarea
        className="input"
        rows={2}
        maxLength={NOTE_LENGTH}
        value={value}
        onChange={({ target }) => set(target.value)}
      />
    </label>
  );
}

const noteIn = (note: string) => (note.trim() === '' ? {} : { note: note.trim() });

type RejectBody = { readonly code: RejectCode; readonly note?: string };

export function RejectPanel({ verb, close, send }: PanelProps<RejectBody> & { readonly verb: 'Reject' | 'Return' }) {
  const [code, setCode] = useState<RejectCode>('other');
  const [note, setNote] = useState('');
  const submit = () => send({ code, ...noteIn(note) });
  return (
    <Frame
      title={`${verb} it: why?`}
      close={close}
      submit={submit}
      confirm={
        <button type="button" className="button danger solid" onClick={submit}>
          {verb}
        </button>
      }
    >
      <fieldset className="codes">
        <legend className="unseen">Reason</legend>
        {REJECT_CODES.map((each) => (
          <label key={each} className="code">
            <input type="radio" name="code" value={each} checked={code === each} onChange={() => setCode(each)} />
            {REJECT_WORDS[each]}
          </label>
        ))}
      </fieldset>
      <Note label="Note, which the agent reads" value={note} set={setNote} />
    </Frame>
  );
}

type EscalateBody = { readonly to: readonly string[]; readonly note?: string };

export function EscalatePanel({ hold, close, send }: PanelProps<EscalateBody> & { readonly hold: HoldPackage }) {
  const [to, setTo] = useState<readonly string[]>([]);
  const [note, setNote] = useState('');
  const { data: groups, error } = useQuery(groupsQuery);
  // Those that decide already are asked already.
  const offered = groups?.filter((group) => !hold.routing.groups.includes(group)) ?? [];
  const first = useRef<HTMLInputElement>(null);
  // They may come after the panel was opened.
  const areKnown = groups !== undefined;
  useEffect(() => {
    if (areKnown) first.current?.focus();
  }, [areKnown]);
  const submit = () => to.length > 0 && send({ to, ...noteIn(note) });
  const toggle = (group: string) =>
    setTo((before) => (before.includes(group) ? before.filter((each) => each !== group) : [...before, group]));
  return (
    <Frame
      title="Ask others too"
      close={close}
      submit={submit}
      confirm={
        <button type="button" className="button primary" disabled={to.length === 0} onClick={submit}>
          Escalate
        </button>
      }
    >
      <fieldset className="codes">
        <legend>Groups</legend>
        {offered.map((group, index) => (
          <label key={group} className="code">
            <input
              ref={index === 0 ? first : null}
              type="checkbox"
              checked={to.includes(group)}
              onChange={() => toggle(group)}
            />
            {group}
          </label>
        ))}
        {offered.length === 0 && (
          <p className="hint">
            {groups ? 'Every group decides on this already.' : (error?.message ?? 'Looking for the groups…')}
          </p>
        )}
      </fieldset>
      <Note label="Note" value={note} set={setNote} />
    </Frame>
  );
}

type TakeOverBody = { readonly note?: string };

export function TakeOverPanel({ word, close, send }: PanelProps<TakeOverBody> & { readonly word: string | null }) {
  const [note, setNote] = useState('');
  const [typed, setTyped] = useState('');
  const submit = () => isConfirmed(word, typed) && send(noteIn(note));
  return (
    <Frame
      title="You do it instead of the agent"
      close={close}
      submit={submit}
      confirm={
        <button type="button" className="button primary" disabled={!isConfirmed(word, typed)} onClick={submit}>
          Take over
        </button>
      }
    >
      <p className="hint">Nothing is sent. The agent is told that you do it; afterwards, report here how it went.</p>
      {word !== null && (
        <label className="confirm">
          <span>
            Type{' '}
            <code>
              <AgentText text={word} />
            </code>{' '}
            to take it over.
          </span>
          <input
            className="input"
            value={typed}
            autoComplete="off"
            spellCheck={false}
            onChange={({ target }) => setTyped(target.value)}
          />
        </label>
      )}
      <Note label="Note, which the agent reads" value={note} set={setNote} />
    </Frame>
  );
}

type Grant = { readonly uses: number; readonly for: string; readonly open: readonly string[] };

export function GrantPanel({ hold, close, send }: PanelProps<Grant> & { readonly hold: HoldPackage }) {
  const [uses, setUses] = useState('5');
  const [time, setTime] = useState<string>('8h');
  const [open, setOpen] = useState<readonly string[]>([]);
  const count = /^[1-9]\d{0,5}$/.test(uses.trim()) ? Number(uses) : null;
  const toggle = (place: string) =>
    setOpen((before) => (before.includes(place) ? before.filter((each) => each !== place) : [...before, place]));
  return (
    <Frame
      title="Approve this, and calls like it for a while"
      close={close}
      confirm={
        <button
          type="button"
          className="button primary"
          disabled={count === null}
          onKeyDown={(event) => event.key === 'Enter' && event.preventDefault()}
          onClick={() => count !== null && send({ uses: count, for: time, open })}
        >
          Approve for a while
        </button>
      }
    >
      <div className="row-fields">
        <label className="field">
          <span>Further calls, at most</span>
          <input
            className="input"
            inputMode="numeric"
            value={uses}
            aria-invalid={count === null}
            onChange={({ target }) => setUses(target.value)}
          />
        </label>
        <label className="field">
          <span>For</span>
          <select className="input" value={time} onChange={({ target }) => setTime(target.value)}>
            {GRANT_TIMES.map((each) => (
              <option key={each.for} value={each.for}>
                {each.words}
              </option>
            ))}
          </select>
        </label>
      </div>
      {hold.openable.length > 0 && (
        <fieldset className="codes">
          <legend>May differ in those calls</legend>
          {hold.openable.map(({ place, value, at_most: atMost }) => (
            <label key={place} className="code">
              <input type="checkbox" checked={open.includes(place)} onChange={() => toggle(place)} />
              <code>
                <AgentText text={place} />
              </code>
              <span className="hint">
                {atMost ? 'at most ' : 'here '}
                <AgentText text={value} />
              </span>
            </label>
          ))}
        </fieldset>
      )}
      <p className="notice">
        <span>
          <AgentText text={grantSentence(hold, { uses: count ?? 0, for: time, open })} />
          {hold.history.available &&
            ` This agent made ${hold.history.similar_30d} calls of this operation in 30 days.`}{' '}
          It can be revoked at any time.
        </span>
      </p>
    </Frame>
  );
}

type AnswerBody = { readonly option?: string; readonly data?: ExactJson; readonly note?: string };

export function AnswerPanel({ hold, close, send }: PanelProps<AnswerBody> & { readonly hold: HoldPackage }) {
  const options = hold.options.map(optionOf).filter(({ group }) => group === null);
  const [chosen, setChosen] = useState<number | null>(null);
  const [data, setData] = useState('');
  const [note, setNote] = useState('');
  const read = dataIn(data);
  const option = chosen === null ? undefined : options[chosen]?.id;
  const isEmpty = option === undefined && data.trim() === '' && note.trim() === '';
  const submit = () =>
    !isEmpty &&
    send({
      ...(option === undefined ? {} : { option }),
      ...(read === undefined ? {} : { data: read }),
      ...noteIn(note),
    });
  return (
    <Frame
      title={`Answer ${hold.agent.id}`}
      close={close}
      submit={submit}
      confirm={
        <button type="button" className="button primary" disabled={isEmpty} onClick={submit}>
          Send the answer
        </button>
      }
    >
      {options.length > 0 && (
        <fieldset className="codes">
          <legend>One of its options</legend>
          {/* Nothing keeps an agent from offering one twice. */}
          {options.map(({ label }, index) => (
            <label key={index} className="code">
              <input type="radio" name="option" checked={chosen === index} onChange={() => setChosen(index)} />
              <AgentText text={label} />
            </label>
          ))}
        </fieldset>
      )}
      <label className="field">
        <span>Anything else that it asked for</span>
        <textarea className="input" rows={2} value={data} onChange={({ target }) => setData(target.value)} />
      </label>
      <Note label="Note, which the agent reads" value={note} set={setNote} />
    </Frame>
  );
}

/** JSON as JSON, any other text as text. */
function dataIn(typed: string): ExactJson | undefined {
  if (typed.trim() === '') return undefined;
  try {
    return parseExactly(typed);
  } catch {
    return typed;
  }
}

type OutcomeBody = {
  readonly result: 'executed' | 'not-executed';
  readonly reference?: string;
  readonly note?: string;
};

type OutcomeProps = {
  readonly hold: HoldPackage;
  /** Whether this person took it over. */
  readonly isMine: boolean;
  readonly send: (body: OutcomeBody) => void;
};

/** How it went: of what a person took over, or of a call of which nobody knows. The latter needs evidence. */
export function OutcomePanel({ hold, isMine, send }: OutcomeProps) {
  const [reference, setReference] = useState('');
  const [note, setNote] = useState('');
  const isUnknown = hold.execution === 'indeterminate';
  const lacks = isUnknown && reference.trim() === '' && note.trim() === '';
  const tell = (result: OutcomeBody['result']) =>
    send({ result, ...(reference.trim() === '' ? {} : { reference: reference.trim() }), ...noteIn(note) });
  return (
    <Frame
      submit={() => !lacks && tell('executed')}
      title={
        isUnknown ? 'Was it done?' : isMine ? 'How did it go?' : `How did it go for ${hold.decided?.by ?? 'them'}?`
      }
      confirm={
        <>
          <button type="button" className="button primary" disabled={lacks} onClick={() => tell('executed')}>
            It was done
          </button>
          <button type="button" className="button" disabled={lacks} onClick={() => tell('not-executed')}>
            It was not done
          </button>
        </>
      }
    >
      {isUnknown && hold.attempt && (
        <p className="hint">
          Look in the system for attempt {hold.attempt.number} at <When at={hold.attempt.at} />, with Idempotency-Key{' '}
          <code className="hash">
            <AgentText text={hold.attempt.idempotency_key} />
          </code>
          .
        </p>
      )}
      <label className="field">
        <span>
          {isUnknown ? 'What shows it: an identifier in the system' : 'Reference, such as an identifier in the system'}
        </span>
        <input
          className="input"
          value={reference}
          maxLength={500}
          autoComplete="off"
          onChange={({ target }) => setReference(target.value)}
        />
      </label>
      <Note label={isUnknown ? 'Or what you looked at' : 'Note'} value={note} set={setNote} />
    </Frame>
  );
}
