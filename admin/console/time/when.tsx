import { ago, moment } from './duration.ts';
import { useClock } from './use-clock.ts';

/** A moment, and on pointing at it how long ago that is. */
export function When({ at }: { readonly at: string }) {
  const past = useClock((now) => ago(at, now));
  return (
    <time dateTime={at} title={past}>
      {moment(at)}
    </time>
  );
}
