import { useEffect, useEffectEvent } from 'react';

export type Keys = Readonly<Record<string, () => void>>;

/** Calls what belongs to a key that is pressed anywhere but where people write. A held key acts once, but for `j k`. */
export function useKeys(keys: Keys, isOn = true): void {
  const press = useEffectEvent((event: KeyboardEvent) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isWriting(event.target)) return;
    if (document.querySelector('dialog[open]')) return;
    const act = keys[event.key];
    if (!act || (event.repeat && !'jk'.includes(event.key))) return;
    event.preventDefault();
    act();
  });
  useEffect(() => {
    if (!isOn) return;
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, [isOn]);
}

function isWriting(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.matches('textarea, select, [contenteditable]') ||
      (target instanceof HTMLInputElement && !/^(?:checkbox|radio|button)$/.test(target.type)))
  );
}

/** What sends a form whose fields take Enter for themselves, or where Enter alone must do nothing. */
export function isSubmit({ key, ctrlKey, metaKey }: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey'>): boolean {
  return key === 'Enter' && (ctrlKey || metaKey);
}
