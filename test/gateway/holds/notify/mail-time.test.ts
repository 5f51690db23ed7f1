import { describe, expect, test } from 'vitest';
import type { Preferences } from '../../../../gateway/domain/preferences.ts';
import { mailTime, quietUntil } from '../../../../gateway/holds/notify/mail-time.ts';

const at = (text: string) => Date.parse(text);
const shown = (time: number | null) => time && new Date(time).toISOString();

describe('quiet hours', () => {
  const night = { from: '22:00', to: '07:00', timeZone: 'Europe/Berlin' };
  const until = (now: string, hours = night) => shown(quietUntil(hours, at(now)));

  test('quiet hours over midnight are quiet on both sides of it', () => {
    expect(until('2026-11-24T20:59:59.999Z')).toBeNull();
    expect(until('2026-11-24T21:00:00Z')).toBe('2026-11-25T06:00:00.000Z');
    expect(until('2026-11-25T05:59:59.999Z')).toBe('2026-11-25T06:00:00.000Z');
    expect(until('2026-11-25T06:00:00Z')).toBeNull();
  });

  test('quiet hours within a day end on that day', () => {
    const lunch = { from: '12:00', to: '13:30', timeZone: 'Asia/Kolkata' };
    expect(until('2026-11-24T06:29:59Z', lunch)).toBeNull();
    expect(until('2026-11-24T06:30:00Z', lunch)).toBe('2026-11-24T08:00:00.000Z');
    expect(until('2026-11-24T08:00:00Z', lunch)).toBeNull();
  });

  test('quiet hours end by the clock on the wall in the nights in which it is changed', () => {
    // 29 March 2026: an hour is missing. 25 October 2026: an hour comes twice.
    expect(until('2026-03-28T21:00:00Z')).toBe('2026-03-29T05:00:00.000Z');
    expect(until('2026-10-24T20:00:00Z')).toBe('2026-10-25T06:00:00.000Z');
  });

  test('quiet hours that end in the hour which the clocks skip end as much later', () => {
    const short = { from: '22:00', to: '02:30', timeZone: 'Europe/Berlin' };
    expect(until('2026-03-29T00:59:00Z', short)).toBe('2026-03-29T01:30:00.000Z');
    expect(until('2026-03-29T01:29:00Z', short)).toBe('2026-03-29T01:30:00.000Z');
    expect(until('2026-03-29T01:30:00Z', short)).toBeNull();
  });
});

describe('the time of a mail', () => {
  const wishes: Preferences = { quietHours: null, digest: null, mail: 'if-unanswered' };
  const night = { from: '22:00', to: '07:00', timeZone: 'Europe/Berlin' };
  const day = at('2026-11-24T10:20:00Z');
  const midnight = at('2026-11-24T23:20:00Z');
  const time = (changes: Partial<Preferences>, ...rest: [Parameters<typeof mailTime>[1], number]) =>
    shown(mailTime({ ...wishes, ...changes }, ...rest));

  test('the time of a mail is now without quiet hours and digest', () => {
    expect(time({}, 'calm', day)).toBeNull();
  });

  test('the time of a mail in quiet hours is their end, unless it is urgent', () => {
    expect(time({ quietHours: night }, 'urgent', midnight)).toBeNull();
    for (const urgency of ['pressing', 'calm'] as const)
      expect(time({ quietHours: night }, urgency, midnight)).toBe('2026-11-25T06:00:00.000Z');
    expect(time({ quietHours: night }, 'calm', day)).toBeNull();
  });

  test('the time of a mail with a digest is the next hour or the next morning, unless it presses', () => {
    expect(time({ digest: 'hourly' }, 'pressing', day)).toBeNull();
    expect(time({ digest: 'hourly' }, 'calm', day)).toBe('2026-11-24T11:00:00.000Z');
    expect(time({ digest: 'daily' }, 'calm', day)).toBe('2026-11-25T08:00:00.000Z');
    expect(time({ digest: 'daily' }, 'calm', at('2026-11-24T07:59:00Z'))).toBe('2026-11-24T08:00:00.000Z');
    expect(time({ digest: 'daily', quietHours: night }, 'calm', day)).toBe('2026-11-25T06:00:00.000Z');
  });

  test('the time of a digest that would fall into quiet hours is their end', () => {
    const evening = at('2026-11-24T20:30:00Z');
    expect(time({ digest: 'hourly', quietHours: night }, 'calm', evening)).toBe('2026-11-25T06:00:00.000Z');
  });
});
