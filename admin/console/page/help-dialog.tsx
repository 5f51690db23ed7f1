import { useEffect, useRef } from 'react';

const KEYS = [
  [['j', 'k'], 'the next and the previous of a list'],
  [['Enter'], 'open it; never approves'],
  [['x'], 'select it, to decide on several at once'],
  [['a'], 'approve, answer or accept'],
  [['e'], 'edit'],
  [['r'], 'reject or return'],
  [['s'], 'escalate'],
  [['t'], 'take over'],
  [['Ctrl', 'Enter'], 'send what was filled in'],
  [['u'], 'undo, for three seconds'],
  [['Esc'], 'back, to where you were before'],
  [['?'], 'this list'],
] as const;

export function HelpDialog({ isOpen, close }: { readonly isOpen: boolean; readonly close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (isOpen) dialog.current?.showModal();
    else dialog.current?.close();
  }, [isOpen]);
  return (
    <dialog ref={dialog} onClose={close} aria-labelledby="keys-title">
      <h2 id="keys-title">Keys</h2>
      <dl className="keys">
        {KEYS.map(([keys, does]) => (
          <div key={does} className="key-row">
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <button type="button" className="button" onClick={close}>
        Close
      </button>
    </dialog>
  );
}
