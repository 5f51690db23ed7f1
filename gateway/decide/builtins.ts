import type { Clock } from '../domain/clock.ts';

/** Values that a policy may pass, which are JSON. Sets arrive as arrays. */
type Builtin = (...args: never[]) => unknown;

/** Built-ins that the WASM runtime implements in JavaScript and policies may use. Its other ones differ from OPA's. */
const RUNTIME_BUILTINS = ['sprintf'] as const;

/**
 * Built-ins whose result depends on the moment. Without them, a decision follows from the input alone and may be
 * remembered.
 */
export const MOMENTARY_BUILTINS: readonly string[] = ['time.now_ns'];

/**
 * OPA built-ins that its WASM modules lack. Only pure ones that mean the same as in `opa test`: none that tells sets
 * from arrays, no other regular expression dialect, no I/O. As in OPA, an invalid argument makes the call undefined.
 * `policies/capabilities.json` lists the same names.
 *
 * An instant read back from a number has microsecond precision at best, because JSON numbers pass through doubles.
 */
export function createBuiltins(now: Clock): Record<string, Builtin> {
  return {
    'time.now_ns': () => nanoseconds(BigInt(now()) * 1_000_000n),
    'time.parse_rfc3339_ns': parseRfc3339,
    'time.parse_duration_ns': parseDuration,
    'time.weekday': (at: unknown) => calendar(at)?.weekday,
    'time.clock': (at: unknown) => {
      const parts = calendar(at);
      return parts && [Number(parts.hour), Number(parts.minute), Number(parts.second)];
    },
    'time.date': (at: unknown) => {
      const parts = calendar(at);
      return parts && [Number(parts.year), Number(parts.month), Number(parts.day)];
    },
    'strings.any_prefix_match': (search: unknown, base: unknown) =>
      anyMatch(search, base, (text, part) => text.startsWith(part)),
    'strings.any_suffix_match': (search: unknown, base: unknown) =>
      anyMatch(search, base, (text, part) => text.endsWith(part)),
    'strings.count': (text: unknown, part: unknown) =>
      typeof text !== 'string' || typeof part !== 'string'
        ? undefined
        : part === ''
          ? [...text].length + 1
          : text.split(part).length - 1,
  };
}

/**
 * The built-ins that a module needs and the gateway lacks. Such a module would fail only when a call reaches one, so it
 * is refused as a whole.
 */
export function missingBuiltins(required: readonly string[], provided: Record<string, Builtin>): string[] {
  return required.filter((name) => !(name in provided) && !RUNTIME_BUILTINS.some((known) => known === name)).sort();
}

const INT64_LIMIT = 2n ** 63n;

/** Exact where a double is not. */
function nanoseconds(ns: bigint): unknown {
  if (ns < -INT64_LIMIT || ns >= INT64_LIMIT) return undefined;
  return JSON.rawJSON(ns.toString());
}

function parseRfc3339(text: unknown): unknown {
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

function parseDuration(text: unknown): unknown {
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
function calendar(at: unknown): Record<string, string> | undefined {
  const [ns, zone = 'UTC'] = Array.isArray(at) ? at : [at];
  if (!Number.isInteger(ns) || Math.abs(ns) >= 2 ** 63 || typeof zone !== 'string') return undefined;
  const format = zoneFormat(zone === '' ? 'UTC' : zone);
  const parts = format?.formatToParts(Math.floor(ns / 1e6));
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

function anyMatch(search: unknown, base: unknown, matches: (text: string, part: string) => boolean) {
  const texts = strings(search);
  const parts = strings(base);
  return texts && parts && texts.some((text) => parts.some((part) => matches(text, part)));
}

function strings(value: unknown): string[] | undefined {
  if (typeof value === 'string') return [value];
  return Array.isArray(value) && value.every((each) => typeof each === 'string') ? value : undefined;
}
