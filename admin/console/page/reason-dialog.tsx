import { useMutation } from '@tanstack/react-query';
import { useEffect, useId, useRef, useState, type ReactNode } from 'react';
import { isSubmit } from './keys.ts';

type Props = {
  readonly title: string;
  /** What happens then, and how it ends. */
  readonly children: ReactNode;
  /** The word on the button. */
  readonly verb: string;
  /** Does it. What it throws is shown, and the dialog stays. */
  readonly act: (reason: string) => Promise<unknown>;
  readonly close: () => void;
};

/** Asks for a reason before something that stops agents. It is open for as long as it is drawn; Enter alone does nothing. */
export function ReasonDialog({ title, children, verb, act, close }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  const [reason, setReason] = useState('');
  const acting = useMutation({ mutationFn: () => act(reason.trim()), onSuccess: close });
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  return (
    <dialog ref={dialog} onClose={close} aria-labelledby={`${id}-title`} className="reason-dialog">
      <h2 id={`${id}-title`}>{title}</h2>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          acting.mutate();
        }}
      >
        <p>{children}</p>
        <label className="field">
          <span>Why? Everybody reads it here, and it is on record</span>
          <textarea
            className="input"
            rows={2}
            maxLength={4_000}
            value={reason}
            onChange={({ target }) => setReason(target.value)}
            onKeyDown={(event) => {
              if (!isSubmit(event) || acting.isPending) return;
              event.preventDefault();
              acting.mutate();
            }}
          />
        </label>
        {acting.error && (
          <p role="alert" className="wrong">
            {acting.error.message}
          </p>
        )}
        <div className="dialog-buttons">
          <button type="button" className="button" onClick={close}>
            Leave it
          </button>
          <button type="submit" className="button danger solid" disabled={acting.isPending}>
            {verb}
          </button>
        </div>
      </form>
    </dialog>
  );
}
