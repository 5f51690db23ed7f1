/** @param wall the time that a clock of the zone shows, as if it were UTC, in milliseconds */
export type Instant = { readonly ns: bigint; readonly zone: string; readonly wall: number };

/** The layouts that OPA knows by name. */
const LAYOUTS: Readonly<Record<string, string>> = {
  ANSIC: 'Mon Jan _2 15:04:05 2006',
  UnixDate: 'Mon Jan _2 15:04:05 MST 2006',
  RubyDate: 'Mon Jan 02 15:04:05 -0700 2006',
  RFC822: '02 Jan 06 15:04 MST',
  RFC822Z: '02 Jan 06 15:04 -0700',
  RFC850: 'Monday, 02-Jan-06 15:04:05 MST',
  RFC1123: 'Mon, 02 Jan 2006 15:04:05 MST',
  RFC1123Z: 'Mon, 02 Jan 2006 15:04:05 -0700',
  RFC3339: '2006-01-02T15:04:05Z07:00',
  RFC3339Nano: '2006-01-02T15:04:05.999999999Z07:00',
};

const MONTHS = 'January,February,March,April,May,June,July,August,September,October,November,December'.split(',');
const DAYS = 'Sunday,Monday,Tuesday,Wednesday,Thursday,Friday,Saturday'.split(',');

/** The parts of a Go layout that stand for parts of a time. */
const PART =
  /January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|2006|__2|002|_2(?!006)|0[1-6]|15|1|2|3|4|5|PM|pm|[-Z]07(?::00:00|0000|:00|00)?|[.,](?:0+|9+)(?!\d)/g;

type Offset = { readonly format: string; readonly isUtc: boolean };

function formatOffset(minutesEast: number, { format, isUtc }: Offset): string {
  if (isUtc && format.startsWith('Z')) return 'Z';
  const seconds = Math.round(Math.abs(minutesEast) * 60);
  const fields = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60].map(twoDigits);
  const length = { 3: 1, 5: 2, 6: 2, 7: 3, 9: 3 }[format.length]!;
  return (minutesEast < 0 ? '-' : '+') + fields.slice(0, length).join(format.includes(':') ? ':' : '');
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}

/** The instant in a Go layout, or in one that OPA names. */
export function formatTime({ ns, zone, wall }: Instant, name: string): string {
  const date = new Date(wall);
  const nanos = String(((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n).padStart(9, '0');
  const offset = (wall - Number((ns - (((ns % 1_000_000n) + 1_000_000n) % 1_000_000n)) / 1_000_000n)) / 60_000;
  const year = date.getUTCFullYear();
  const hour = date.getUTCHours();
  const dayOfYear = Math.floor((date.getTime() - Date.UTC(year, 0, 1)) / 86_400_000) + 1;
  const written: Readonly<Record<string, string>> = {
    January: MONTHS[date.getUTCMonth()]!,
    Jan: MONTHS[date.getUTCMonth()]!.slice(0, 3),
    Monday: DAYS[date.getUTCDay()]!,
    Mon: DAYS[date.getUTCDay()]!.slice(0, 3),
    '2006': String(year).padStart(4, '0'),
    '06': twoDigits(year % 100),
    '01': twoDigits(date.getUTCMonth() + 1),
    '1': String(date.getUTCMonth() + 1),
    '02': twoDigits(date.getUTCDate()),
    _2: String(date.getUTCDate()).padStart(2),
    '2': String(date.getUTCDate()),
    '002': String(dayOfYear).padStart(3, '0'),
    __2: String(dayOfYear).padStart(3),
    '15': twoDigits(hour),
    '03': twoDigits(hour % 12 || 12),
    '3': String(hour % 12 || 12),
    '04': twoDigits(date.getUTCMinutes()),
    '4': String(date.getUTCMinutes()),
    '05': twoDigits(date.getUTCSeconds()),
    '5': String(date.getUTCSeconds()),
    PM: hour < 12 ? 'AM' : 'PM',
    pm: hour < 12 ? 'am' : 'pm',
  };
  return (LAYOUTS[name] ?? name).replace(PART, (part) => {
    if (part === 'MST') {
      if (zone === 'UTC') return 'UTC';
      throw new Error('time.format: the abbreviation of a time zone (MST) is only known for UTC; use -0700');
    }
    if (/^[.,]/.test(part)) {
      const digits = nanos.slice(0, part.length - 1);
      if (part[1] === '0') return part[0] + digits;
      const kept = digits.replace(/0+$/, '');
      return kept === '' ? '' : part[0] + kept;
    }
    return written[part] ?? formatOffset(offset, { format: part, isUtc: offset === 0 });
  });
}

/** Expressions for the parts of a layout. Go takes one or two digits where the layout has one. */
const READ: Readonly<Record<string, string>> = {
  January: MONTHS.join('|'),
  Jan: MONTHS.map((name) => name.slice(0, 3)).join('|'),
  Monday: DAYS.join('|'),
  Mon: DAYS.map((name) => name.slice(0, 3)).join('|'),
  '2006': '\\d{4}',
  '06': '\\d\\d',
  '01': '\\d\\d',
  '1': '\\d{1,2}',
  '02': '\\d\\d',
  _2: ' ?\\d{1,2}',
  '2': '\\d{1,2}',
  '002': '\\d{3}',
  __2: ' {0,2}\\d{1,3}',
  '15': '\\d\\d',
  '03': '\\d\\d',
  '3': '\\d{1,2}',
  '04': '\\d\\d',
  '4': '\\d{1,2}',
  '05': '\\d\\d(?:[.,]\\d+)?',
  '5': '\\d{1,2}(?:[.,]\\d+)?',
  PM: 'AM|PM',
  pm: 'am|pm',
  MST: 'UTC|GMT',
};

/** Nanoseconds since 1970 of a text in a Go layout, or in one that OPA names; undefined when it is not in it. */
export function parseTime(name: string, text: string): bigint | undefined {
  const layout = LAYOUTS[name] ?? name;
  const parts: string[] = [];
  let expression = '';
  let copied = 0;
  for (const match of layout.matchAll(PART)) {
    expression += escaped(layout.slice(copied, match.index));
    copied = match.index + match[0].length;
    parts.push(match[0]);
    expression += `(${READ[match[0]] ?? expressionFor(match[0])})`;
  }
  const found = new RegExp(`^${expression}${escaped(layout.slice(copied))}$`, 'i').exec(text);
  return found ? instantFrom(new Map(parts.map((part, index) => [part, found[index + 1]!]))) : undefined;
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&').replace(/ +/g, ' +');
}

function expressionFor(part: string): string {
  if (/^[.,]0/.test(part)) return `[.,]\\d{${part.length - 1}}`;
  if (/^[.,]9/.test(part)) return '(?:[.,]\\d+)?';
  const digits = part.slice(1).replace(/\d/g, '\\d');
  return part.startsWith('Z') ? `Z|[+-]${digits}` : `[+-]${digits}`;
}

function instantFrom(read: ReadonlyMap<string, string>): bigint | undefined {
  const of = (...parts: string[]) => parts.map((part) => read.get(part)).find((each) => each !== undefined);
  const indexIn = (names: readonly string[], text: string | undefined) =>
    text === undefined ? undefined : names.findIndex((each) => each.toLowerCase().startsWith(text.toLowerCase())) + 1;
  const short = of('06');
  const year = Number(of('2006') ?? (short === undefined ? 0 : Number(short) + (Number(short) >= 69 ? 1900 : 2000)));
  const ordinal = of('002', '__2');
  const month = Number(of('01', '1') ?? indexIn(MONTHS, of('January', 'Jan')) ?? 1);
  const day = Number(of('02', '_2', '2') ?? 1);
  const [second = '0', secondFraction] = (of('05', '5') ?? '0').split(/[.,]/);
  const half = of('PM', 'pm')?.toUpperCase();
  const written = Number(of('15', '03', '3') ?? 0);
  const hour = half === 'PM' && written < 12 ? written + 12 : half === 'AM' && written === 12 ? 0 : written;
  const minute = Number(of('04', '4') ?? 0);
  const fraction = secondFraction ?? [...read].find(([part]) => /^[.,]/.test(part))?.[1].slice(1) ?? '';
  const offset = [...read].find(([part]) => /^[-Z]07/.test(part))?.[1];
  if (hour > 23 || minute > 59 || Number(second) > 59) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, ordinal === undefined ? month - 1 : 0, ordinal === undefined ? day : Number(ordinal));
  if (ordinal === undefined && (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day)) return undefined;
  date.setUTCHours(hour, minute, Number(second));
  const ns = BigInt(fraction.slice(0, 9).padEnd(9, '0'));
  return BigInt(date.getTime()) * 1_000_000n + ns - BigInt(offsetSeconds(offset)) * 1_000_000_000n;
}

function offsetSeconds(text: string | undefined): number {
  const match = /^([+-])(\d\d):?(\d\d)?:?(\d\d)?$/.exec(text ?? '');
  if (!match) return 0;
  const [, sign, hours, minutes = '0', seconds = '0'] = match;
  return (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * (sign === '-' ? -1 : 1);
}
