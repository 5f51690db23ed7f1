import type { Preferences, QuietHours } from '../../domain/preferences.ts';

const HOUR = 3_600_000;

/** When a daily digest comes to a person without quiet hours. */
const MORNING = { to: '08:00', timeZone: 'UTC' } as const;

/**
 * How little a mail can wait. `urgent`: not at all. `pressing`: for the end of quiet hours, and no longer. `calm`: for
 * the next digest.
 */
export type Urgency = 'urgent' | 'pressing' | 'calm';

/** When a mail may be sent, in milliseconds since the epoch; null: now. */
export function mailTime({ quietHours, digest }: Preferences, urgency: Urgency, now: number): number | null {
  if (urgency === 'urgent') return null;
  const quiet = quietHours && quietUntil(quietHours, now);
  if (quiet !== null || digest === null || urgency === 'pressing') return quiet;
  const next = digest === 'hourly' ? now - (now % HOUR) + HOUR : nextAt(quietHours ?? MORNING, now);
  return (quietHours && quietUntil(quietHours, next)) ?? next;
}

/**
 * The end of the quiet hours that `now` is in; null outside of them. Both ends are times on the clocks of the zone: a
 * night in which they are changed is an hour longer or shorter, and a time that they skip is an hour later.
 */
export function quietUntil({ from, to, timeZone }: QuietHours, now: number): number | null {
  const today = dayOf(now, timeZone);
  for (const day of [today.subtract({ days: 1 }), today]) {
    const end = instant(from < to ? day : day.add({ days: 1 }), to, timeZone);
    if (instant(day, from, timeZone) <= now && now < end) return end;
  }
  return null;
}

/** The next time at which the clocks show it. */
function nextAt({ to, timeZone }: Pick<QuietHours, 'to' | 'timeZone'>, now: number): number {
  const today = dayOf(now, timeZone);
  const at = instant(today, to, timeZone);
  return at > now ? at : instant(today.add({ days: 1 }), to, timeZone);
}

function dayOf(now: number, timeZone: string): Temporal.PlainDate {
  return Temporal.Instant.fromEpochMilliseconds(now).toZonedDateTimeISO(timeZone).toPlainDate();
}

function instant(day: Temporal.PlainDate, time: string, timeZone: string): number {
  return day.toZonedDateTime({ timeZone, plainTime: time }).epochMilliseconds;
}
