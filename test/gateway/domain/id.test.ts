import { expect, it, vi } from 'vitest';
import { createId } from '../../../gateway/domain/id.ts';

it('an identifier is a UUIDv7 without dashes behind its kind', () => {
  for (let i = 0; i < 1000; i++) expect(createId('call')).toMatch(/^call_[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}$/);
});

it('no two are the same, and those of a later millisecond sort behind earlier ones', () => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0) });
  try {
    const ids = Array.from({ length: 5000 }, () => createId('evt'));
    expect(new Set(ids).size).toBe(ids.length);
    vi.setSystemTime(Date.UTC(2026, 0) + 1);
    expect(createId('evt') > ids.toSorted().at(-1)!).toBe(true);
    expect(Number.parseInt(ids[0]!.slice(4, 16), 16)).toBe(Date.UTC(2026, 0));
  } finally {
    vi.useRealTimers();
  }
});

it('4,096 of one millisecond sort by their order', () => {
  vi.useFakeTimers({ now: Date.UTC(2026, 1) });
  try {
    const ids = Array.from({ length: 4096 }, () => createId('sess'));
    expect(ids).toEqual(ids.toSorted());
  } finally {
    vi.useRealTimers();
  }
});
