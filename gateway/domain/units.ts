import { z } from 'zod';

const DURATION_UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SIZE_UNITS = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

function quantity(units: Record<string, number>, expected: string) {
  const pattern = new RegExp(`^(\\d+(?:\\.\\d+)?)\\s*(${Object.keys(units).join('|')})$`);
  return z.string({ error: `expected ${expected}` }).transform((text, ctx) => {
    const match = pattern.exec(text.trim());
    if (!match) {
      ctx.issues.push({ code: 'custom', message: `expected ${expected}`, input: text });
      return z.NEVER;
    }
    return Math.round(Number(match[1]) * (units[match[2]!] ?? NaN));
  });
}

/** A duration with its unit, such as `250ms`, `50s`, `30m`, `8h` or `2d`. Parsed to milliseconds. */
export const duration = quantity(DURATION_UNITS, 'a duration with its unit, such as 250ms, 50s, 30m, 8h or 2d');

/** A size with its unit, such as `512KiB`, `1MiB` or `2GiB`. Parsed to bytes. */
export const size = quantity(SIZE_UNITS, 'a size with its unit, such as 512KiB, 1MiB or 2GiB');
