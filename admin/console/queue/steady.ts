import { useRef, useState, type PointerEvent } from 'react';

/** Milliseconds after the last key, touch or scroll in which the list stays as it is. */
const QUIET = 3_000;

/**
 * Keeps a list from moving under the finger: while a pointer is over it, or a key or a touch was just used on it, it
 * stays as it was. What `current` has by then comes in afterwards, or when the person asks for it.
 */
export function useSteady<List>(current: List) {
  const [kept, setKept] = useState<List | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const keep = () => setKept((before) => before ?? current);
  const release = () => {
    clearTimeout(timer.current);
    setKept(null);
  };
  const keepBriefly = () => {
    keep();
    clearTimeout(timer.current);
    timer.current = setTimeout(release, QUIET);
  };
  const isMouse = ({ pointerType }: PointerEvent) => pointerType === 'mouse';

  return {
    shown: kept ?? current,
    isKept: kept !== null,
    release,
    handlers: {
      onPointerEnter: (event: PointerEvent) => (isMouse(event) ? keep() : keepBriefly()),
      onPointerLeave: (event: PointerEvent) => isMouse(event) && release(),
      onPointerDown: (event: PointerEvent) => !isMouse(event) && keepBriefly(),
      onTouchMove: keepBriefly,
      onKeyDown: keepBriefly,
    },
  };
}
