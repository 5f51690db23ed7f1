import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { Ban, CircleCheck, Hand } from 'lucide-react';
import { useDeferredValue, useEffect, useId, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import { visible } from '../../../gateway/domain/visible-text.ts';
import type { ExactJson } from '../../../gateway/json/exact-json.ts';
import { useOutbox, useSentOn } from '../decide/use-outbox.tsx';
import { JsonBox } from '../hold/body-box.tsx';
import { focusPage } from '../page/focus-page.ts';
import { isSubmit } from '../page/keys.ts';
import { titleOf } from '../queue/hold-row.tsx';
import type { JsonSchema, Preview } from '../server/shapes.ts';
import { ask } from '../server/ask.ts';
import { holdQuery, ifServed, type HoldPackage } from '../server/holds.ts';
import { explain } from '../decide/explain.ts';
import { AgentText } from '../text/agent-text.tsx';
import { changeOf, fieldsOf, patched, typed, type Change, type Drafts, type Field } from './field.ts';

/** Milliseconds without a key after which policy is asked. */
const PAUSE = 250;
/** Milliseconds between renewals of the claim, which lasts five minutes. */
const RENEW = 120_000;

type Props = {
  readonly hold: HoldPackage;
  readonly body: ExactJson;
  readonly isStale: boolean;
  readonly close: () => void;
};

/** Changes a held call in a form. The hold is claimed meanwhile, and policy is asked while the person types. */
export function EditForm({ hold, body, isStale, close }: Props) {
  const outbox = useOutbox();
  const isOnItsWay = useSentOn(hold.hold_id) !== undefined;
  const [drafts, setDrafts] = useState<Drafts>({});
  const [note, setNote] = useState('');
  const fields = useMemo(
    () => fieldsOf(body, hold.editable, hold.form?.schema as Readonly<Record<string, JsonSchema>> | undefined),
    [body, hold.editable, hold.form],
  );
  const change = useMemo(() => changeOf(fields, drafts), [fields, drafts]);
  const after = useDeferredValue(useMemo(() => patched(body, change), [body, change]));
  const preview = usePreview(hold, change);
  const claim = useClaim(hold);
  const form = useRef<HTMLElement>(null);
  useEffect(() => form.current?.querySelector<HTMLElement>('input, textarea, select')?.focus(), []);

  const isChanged = change.patch.length > 0;
  const isWrong = Object.keys(change.wrong).length > 0;
  const isBlocked = preview.data?.verdict === 'block' || preview.data?.problem != null;

  function save(): void {
    if (!isChanged || isWrong || isBlocked || isStale) return;
    outbox.submit({
      path: `/api/holds/${hold.hold_id}/approve`,
      body: { patch: change.patch, ...(note.trim() === '' ? {} : { note: note.trim() }) },
      ifMatch: hold.revision,
      holdIds: [hold.hold_id],
      text: `Changed: ${titleOf(hold)}`,
    });
    focusPage();
  }

  function press(event: KeyboardEvent): void {
    if (event.key === 'Escape') close();
    if (isSubmit(event)) save();
  }

  return (
    // Keys of a group of fields; each field can be reached without them.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <section ref={form} className="part edit" aria-labelledby="edit-title" hidden={isOnItsWay} onKeyDown={press}>
      <h2 id="edit-title">Change the call</h2>
      {claim !== null && <p className="notice warn">{claim}</p>}
      <div className="edit-columns">
        <div className="fields">
          {fields.map((field) => (
            <FieldInput
              key={field.pointer}
              field={field}
              value={drafts[field.pointer] ?? typed(field)}
              wrong={change.wrong[field.pointer]}
              set={(text) => setDrafts((before) => ({ ...before, [field.pointer]: text }))}
            />
          ))}
          <label className="field">
            <span>Note, which the agent reads</span>
            <textarea className="input" rows={2} value={note} onChange={({ target }) => setNote(target.value)} />
          </label>
        </div>
        <div className="edit-diff">
          <p className="box-title">{isChanged ? 'What changes' : 'Nothing changes yet'}</p>
          <JsonBox label="What changes" body={after} before={body} />
        </div>
      </div>
      <Judgement preview={preview} isChanged={isChanged && !isWrong} />
      <div className="decision-bar verbs">
        <button
          type="button"
          className="button primary"
          disabled={!isChanged || isWrong || isBlocked || isStale}
          onClick={save}
        >
          Save the change
        </button>
        <button type="button" className="button quiet" onClick={close}>
          Leave it as it is
        </button>
      </div>
    </section>
  );
}

type FieldProps = {
  readonly field: Field;
  readonly value: string;
  readonly wrong: string | undefined;
  readonly set: (text: string) => void;
};

function FieldInput({ field, value, wrong, set }: FieldProps) {
  const { label, help, kind, schema } = field;
  const id = useId();
  const common = {
    id,
    className: kind === 'json' ? 'input mono' : 'input',
    value,
    'aria-invalid': wrong !== undefined,
    'aria-describedby': wrong !== undefined || help !== null ? `${id}-help` : undefined,
    onChange: ({ target }: { readonly target: { readonly value: string } }) => set(target.value),
  };
  return (
    <div className="field">
      <label htmlFor={id}>
        <AgentText text={label} />
      </label>
      {kind === 'choice' || kind === 'boolean' ? (
        <select {...common}>
          {(kind === 'boolean' ? ['true', 'false'] : [...new Set([value, ...(schema.enum as readonly string[])])]).map(
            (choice) => (
              <option key={choice} value={choice}>
                {visible(choice)}
              </option>
            ),
          )}
        </select>
      ) : kind === 'json' || value.length > 60 || value.includes('\n') ? (
        <textarea {...common} rows={3} spellCheck={kind === 'text'} />
      ) : (
        <input
          {...common}
          type="text"
          inputMode={kind === 'number' ? 'decimal' : 'text'}
          autoComplete="off"
          spellCheck={kind === 'text'}
        />
      )}
      {(wrong !== undefined || help !== null) && (
        <p id={`${id}-help`} className={wrong === undefined ? 'hint' : 'wrong'}>
          <AgentText text={wrong ?? help ?? ''} />
        </p>
      )}
    </div>
  );
}

type PreviewState = { readonly data: Preview | null | undefined; readonly error: Error | null };

/** What policy says of the change, once the person has stopped typing for a moment. Null where the gateway cannot tell. */
function usePreview({ hold_id, revision }: HoldPackage, { patch, wrong }: Change): PreviewState {
  const text = JSON.stringify(patch);
  const settled = useSettled(text);
  return useQuery({
    queryKey: ['preview', hold_id, revision, settled],
    queryFn: ({ signal }) =>
      ifServed(
        ask<Preview>(`/api/holds/${hold_id}/preview`, {
          method: 'POST',
          body: { patch: JSON.parse(settled, keepDigits) as unknown },
          ifMatch: revision,
          signal,
          exactly: true,
        }),
      ),
    enabled: settled !== '[]' && settled === text && Object.keys(wrong).length === 0,
    placeholderData: keepPreviousData,
    staleTime: 30_000,
    retry: false,
  });
}

const keepDigits = (_name: string, value: unknown, context?: { readonly source?: string }) =>
  typeof value === 'number' && context?.source !== undefined ? JSON.rawJSON(context.source) : value;

function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), PAUSE);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}

function Judgement({
  preview: { data, error },
  isChanged,
}: {
  readonly preview: PreviewState;
  readonly isChanged: boolean;
}) {
  const others =
    'Saving counts as your approval of the change. Somebody else must approve this change before it is sent.';
  if (!isChanged) return null;
  if (error) return <p className="notice warn">{explain(error)}</p>;
  if (data === undefined) return <p className="hint">Asking policy…</p>;
  if (data === null)
    return (
      <p className="notice">
        <Hand size={18} aria-hidden />
        <span>{others} Policy judges it when it is saved.</span>
      </p>
    );
  if (data.problem !== null || data.verdict === 'block')
    return (
      <p role="status" className="notice danger">
        <Ban size={18} aria-hidden />
        <span>
          <AgentText text={data.problem?.detail ?? `Policy blocks this: ${data.reasons.join('; ')}`} />
        </span>
      </p>
    );
  return (
    <p role="status" className="notice good">
      <CircleCheck size={18} aria-hidden />
      <span>
        {data.verdict === 'allow' ? 'Policy would allow this by itself.' : 'Policy lets people approve this.'}{' '}
        {data.somebody_else ? others : 'You may approve it yourself.'}
      </span>
    </p>
  );
}

/** Claims the hold while the form is open, so that nobody decides meanwhile. What is wrong with that, or null. */
function useClaim({ hold_id, revision }: HoldPackage): string | null {
  const cache = useQueryClient();
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(() => {
    const path = `/api/holds/${hold_id}/claim`;
    let isOver = false;
    const claim = async () => {
      try {
        const hold = await ask<HoldPackage>(path, { method: 'POST', ifMatch: revision });
        if (!isOver)
          cache.setQueryData(holdQuery(hold_id).queryKey, (known) => ({
            ...hold,
            history: known?.history ?? hold.history,
          }));
        setProblem(null);
      } catch (error) {
        setProblem(explain(error));
      }
    };
    const release = () =>
      void ask(path, { method: 'DELETE', ifMatch: revision, keepalive: true }).catch(() => {
        // It ends by itself, after five minutes.
      });
    void claim();
    const renewal = setInterval(() => void claim(), RENEW);
    addEventListener('pagehide', release);
    return () => {
      isOver = true;
      clearInterval(renewal);
      removeEventListener('pagehide', release);
      release();
    };
  }, [hold_id, revision, cache]);
  return problem;
}
