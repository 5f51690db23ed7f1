import { startTransition, useEffect, useRef, useState } from 'react';

/** Rows of the first picture, and how many more follow each time that the end comes near. */
const FIRST = 12;
const MORE = 60;
/** How near: so far below what is in sight. */
const NEAR = '0px 0px 1500px';

/**
 * Draws a long list from its top as far as the person has got, and goes on while they scroll.
 * @param length rows in all
 * @param least rows that are needed at once, such as those down to the one that was opened last
 */
export function useGrowingList(length: number, least: number) {
  const [count, setCount] = useState(Math.max(FIRST, least));
  const end = useRef<HTMLDivElement>(null);
  const isWhole = count >= length;

  useEffect(() => {
    if (isWhole || !end.current) return;
    const watch = new IntersectionObserver(
      ([entry]) => entry?.isIntersecting && startTransition(() => setCount(count + MORE)),
      { rootMargin: NEAR },
    );
    watch.observe(end.current);
    return () => watch.disconnect();
  }, [count, isWhole]);

  /** Draws at least so many rows. */
  const grow = (rows: number) => setCount((before) => Math.max(before, rows + MORE));
  /** `end` is for an element right after the list. */
  return [count, grow, end] as const;
}
