import type { Clock } from '../../domain/clock.ts';
import { integerOf, isArray, number, type RegoNumber, type RegoValue } from '../rego-value.ts';
import type { Builtins } from './builtin.ts';
import { formatTime, type Instant, parseTime } from './time-layout.ts';

export function createTimeBuiltins(now: Clock): Builtins {
  return {
    'time.now_ns': () => nanoseconds(BigInt(now()) * 1_000_000n),
    'time.parse_rfc3339_ns': parseRfc3339,
    'time.parse_duration_ns': parseDuration,
    'time.weekday': (at) => calendar(at)?.weekday,
    'time.clock': (at) => {
      const parts = calendar(at);
      return parts && [number(Number(parts.hour)), number(Number(parts.minute)), number(Number(parts.second))];
    },
    'time.date': (at) => {
      const parts = calendar(at);
      return parts && [number(Number(parts.year)), number(Number(parts.month)), number(Number(parts.day))];
    },
    'time.format': (at) => {
      const layout = isArray(at ?? null) ? (at as readonly RegoValue[])[2] : undefined;
      const instant = instantOf(at);
      if (!instant || (layout !== undefined && typeof layout !== 'string')) return undefined;
      return formatTime(instant, layout || 'RFC3339Nano');
    },
    'time.parse_ns': (layout, text) => {
      if (typeof layout !== 'string' || typeof text !== 'string') return undefined;
      const ns = parseTime(layout, text);
      return ns === undefined ? undefined : nanoseconds(ns);
    },
    'time.add_date': (at, years, months, days) => {
      const instant = instantOf(at);
      const [y, m, d] = [years, months, days].map((each) => (each === undefined ? undefined : integerOf(each)));
      if (!instant || y === undefined || m === undefined || d === undefined) return undefined;
      const wall = new Date(instant.wall);
      wall.setUTCFullYear(
        wall.getUTCFullYear() + Number(y),
        wall.getUTCMonth() + Number(m),
        wall.getUTCDate() + Number(d),
      );
      if (Number.isNaN(wall.getTime())) return undefined;
      const rest = instant.ns - BigInt(Math.floor(Number(instant.ns / 1_000_000n))) * 1_000_000n;
      return nanoseconds(BigInt(instantAt(wall.getTime(), instant.zone)) * 1_000_000n + rest);
    },
    'time.diff': (a, b) => {
      const [one, other] = [instantOf(a), instantOf(b)];
      return one && other && difference(one, { ...other, ...instantIn(other.ns, one.zone) });
    },
  };
}

/** Years, months, days, hours, minutes and seconds between two instants of one time zone. */
function difference(a: Instant, b: Instant): RegoNumber[] {
  const [first, last] = a.ns > b.ns ? [b, a] : [a, b];
  const [from, to] = [new Date(first.wall), new Date(last.wall)];
  const parts = (date: Date) => [
    date.getUTCFullYear(),
    date.getUTCMonth(),
    date.getUTCDate(),
    date.getUTCHours(),
    date.getUTCMinutes(),
    date.getUTCSeconds(),
  ];
  const ends = parts(to);
  const between = parts(from).map((part, index) => ends[index]! - part);
  const daysInMonth = new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + 1, 0)).getUTCDate();
  const sizes = [0, 12, daysInMonth, 24, 60, 60];
  for (let index = 5; index > 0; index--) {
    if (between[index]! >= 0) continue;
    between[index]! += sizes[index]!;
    between[index - 1]!--;
  }
  return between.map((each) => number(each));
}

function instantOf(at: RegoValue | undefined): Instant | undefined {
  const [instant, zone = 'UTC'] = isArray(at ?? null) ? (at as readonly RegoValue[]) : [at];
  const ns = instant === undefined ? undefined : integerOf(instant);
  if (ns === undefined || nanoseconds(ns) === undefined || typeof zone !== 'string') return undefined;
  return zoneFormat(zone === '' ? 'UTC' : zone) && instantIn(ns, zone === '' ? 'UTC' : zone);
}

function instantIn(ns: bigint, zone: string): Instant {
  const ms = Number((ns - (((ns % 1_000_000n) + 1_000_000n) % 1_000_000n)) / 1_000_000n);
  return { ns, zone, wall: wallOf(ms, zone) };
}

function wallOf(ms: number, zone: string): number {
  if (zone === 'UTC') return ms;
  const parts = Object.fromEntries(
    zoneFormat(zone)!
      .formatToParts(ms)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const { year, month, day, hour, minute, second } = parts as Record<string, number>;
  return Date.UTC(year!, month! - 1, day!, hour!, minute!, second!) + (((ms % 1000) + 1000) % 1000);
}

/** The instant at which a clock of the zone shows a time. As Go does, the offset before a change of clocks is tried first. */
function instantAt(wall: number, zone: string): number {
  if (zone === 'UTC') return wall;
  const offset = wallOf(wall, zone) - wall;
  const guess = wall - offset;
  const corrected = wallOf(guess, zone) - guess;
  return wall - corrected;
}

const INT64_LIMIT = 2n ** 63n;

function nanoseconds(ns: bigint): RegoNumber | undefined {
  return ns < -INT64_LIMIT || ns >= INT64_LIMIT ? undefined : number(ns);
}

function parseRfc3339(text: RegoValue | undefined): RegoNumber | undefined {
  const match =
    typeof text === 'string' &&
    /^(\d{4}-(\d\d)-(\d\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:\.(\d+))?(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))$/.exec(
      text,
    );
  if (!match) return undefined;
  const [, local, , day, , fraction = '', sign, hours = '0', minutes = '0'] = match;
  const ms = Date.parse(`${local}Z`);
  // Date rolls 30 February over to March.
  if (Number.isNaN(ms) || new Date(ms).getUTCDate() !== Number(day)) return undefined;
  const offset = (Number(hours) * 60 + Number(minutes)) * 60_000 * (sign === '-' ? -1 : 1);
  return nanoseconds(BigInt(ms - offset) * 1_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, '0')));
}

const NANOSECONDS = {
  ns: 1n,
  us: 1000n,
  µs: 1000n,
  μs: 1000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
  d: 86_400_000_000_000n,
  w: 604_800_000_000_000n,
  y: 31_536_000_000_000_000n,
};

function parseDuration(text: RegoValue | undefined): RegoNumber | undefined {
  const match =
    typeof text === 'string' && /^([+-]?)((?:(?:\d+(?:\.\d*)?|\.\d+)(?:[num\u00b5\u03bc]?s|[mhdwy]))+|0)$/.exec(text);
  if (!match) return undefined;
  let total = 0n;
  for (const [, whole, fraction = '', unit] of match[2]!.matchAll(/(\d*)(?:\.(\d*))?([num\u00b5\u03bc]?s|[mhdwy])/g)) {
    const scale = NANOSECONDS[unit as keyof typeof NANOSECONDS];
    total += BigInt(whole || 0) * scale + (BigInt(fraction || 0) * scale) / 10n ** BigInt(fraction.length);
  }
  return nanoseconds(match[1] === '-' ? -total : total);
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** The parts of an instant, given as nanoseconds or as [nanoseconds, time zone]. */
function calendar(at: RegoValue | undefined): Record<string, string> | undefined {
  const [instant, zone = 'UTC'] = isArray(at ?? null) ? (at as readonly RegoValue[]) : [at];
  const ns = instant === undefined ? undefined : integerOf(instant);
  if (ns === undefined || nanoseconds(ns) === undefined || typeof zone !== 'string') return undefined;
  const format = zoneFormat(zone === '' ? 'UTC' : zone);
  const parts = format?.formatToParts(Number(ns / 1_000_000n) - (ns < 0n && ns % 1_000_000n !== 0n ? 1 : 0));
  return parts && Object.fromEntries(parts.map(({ type, value }) => [type, value]));
}

function zoneFormat(zone: string): Intl.DateTimeFormat | undefined {
  const known = formats.get(zone);
  if (known) return known;
  // Intl accepts plain offsets as time zones; OPA does not.
  if (!/^[A-Za-z]/.test(zone)) return undefined;
  try {
    const format = new Intl.DateTimeFormat('en-US', {
      ...(zone === 'Local' ? {} : { timeZone: zone }),
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      weekday: 'long',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formats.set(zone, format);
    return format;
  } catch {
    return undefined;
  }
}
