import { ServerException } from './exception.ts';

/**
 * The engine writes Native in revision 0 of the protocol. Clients that send `client_protocol_version` (clickhouse-go, and
 * Grafana with it) expect what later revisions put between the data.
 */

/** From this revision on, a block begins with block info. */
const BLOCK_INFO = 51_903;
/** From this revision on, each column says whether it has a custom serialization; ours have none. */
const CUSTOM_SERIALIZATION = 54_454;
/** Field 1: no overflow; field 2: bucket -1; end. */
const PLAIN_BLOCK = Buffer.from([1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0]);
const PLAIN_COLUMN = Buffer.from([0]);

/**
 * Converts blocks of revision 0 to the given revision.
 * @throws ServerException for types of unknown size (JSON, Dynamic, Variant, AggregateFunction)
 */
export function* reviseNative(input: Buffer, revision: number): Generator<Buffer> {
  if (revision < CUSTOM_SERIALIZATION && revision < BLOCK_INFO) {
    yield input;
    return;
  }
  const reader = createReader(input);
  while (reader.at < input.length) {
    yield PLAIN_BLOCK;
    let from = reader.at;
    const columns = reader.number();
    const rows = reader.number();
    for (let column = 0; column < columns; column++) {
      reader.skip(reader.number());
      const size = reader.number();
      const type = parseType(input.toString('utf8', reader.at, reader.skip(size)));
      if (revision >= CUSTOM_SERIALIZATION) {
        yield input.subarray(from, reader.at);
        yield PLAIN_COLUMN;
        from = reader.at;
      }
      if (rows > 0) {
        skipPrefix(reader, type);
        skipData(reader, type, rows);
      }
    }
    yield input.subarray(from, reader.at);
  }
}

type Reader = {
  readonly at: number;
  /** An unsigned LEB128 number. */
  number(): number;
  u64(): number;
  /** @returns the new position */
  skip(bytes: number): number;
};

function createReader(input: Buffer): Reader {
  let at = 0;
  const skip = (bytes: number) => {
    if (at + bytes > input.length) throw new Error("The engine's Native block is shorter than its types say");
    return (at += bytes);
  };
  return {
    get at() {
      return at;
    },
    number() {
      for (let value = 0, shift = 0; ; shift += 7) {
        const byte = input[skip(1) - 1]!;
        value += (byte & 127) * 2 ** shift;
        if (byte < 128) return value;
      }
    },
    u64: () => Number(input.readBigUInt64LE(skip(8) - 8)),
    skip,
  };
}

type Type = { readonly name: string; readonly inner: readonly Type[]; readonly text: string };

const SIZES: Readonly<Record<string, number>> = {
  Bool: 1,
  Date: 2,
  Date32: 4,
  DateTime: 4,
  DateTime64: 8,
  Time: 4,
  Time64: 8,
  Enum8: 1,
  Enum16: 2,
  UUID: 16,
  IPv4: 4,
  IPv6: 16,
  Nothing: 1,
  BFloat16: 2,
};

/** Types with inner types. Of every other type, the content of the brackets is kept as text. */
const NESTING = new Set(['Nullable', 'Array', 'Tuple', 'Map', 'LowCardinality', 'Nested', 'SimpleAggregateFunction']);

function parseType(text: string): Type {
  const [, name = text, content] = /^(\w+)\((.*)\)$/s.exec(text) ?? [];
  if (content === undefined || !NESTING.has(name)) return { name, inner: [], text };
  const parts = splitTypes(content);
  // The first part is the function's name.
  const types = name === 'SimpleAggregateFunction' ? parts.slice(1) : parts;
  const named = name === 'Tuple' || name === 'Nested';
  return { name, text, inner: types.map((part) => parseType(named ? withoutName(part) : part)) };
}

/** Splits at commas outside brackets and quotes. */
function splitTypes(content: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (const { 0: piece, index } of content.matchAll(/'(?:[^'\\]|\\.|'')*'|`(?:[^`\\]|\\.)*`|[(),]/gs)) {
    if (piece === '(') depth++;
    if (piece === ')') depth--;
    if (piece === ',' && depth === 0) {
      parts.push(content.slice(from, index).trim());
      from = index + 1;
    }
  }
  return [...parts, content.slice(from).trim()];
}

/** An element of a tuple may have a name before its type. */
function withoutName(element: string): string {
  return element.replace(/^(?:`(?:[^`\\]|\\.)*`|\w+)\s+(?=\w)/s, '');
}

function fixedSize({ name, text }: Type): number | undefined {
  const bits = /^U?(?:Int|Float)(\d+)$/.exec(name)?.[1];
  if (bits !== undefined) return Number(bits) / 8;
  if (name.startsWith('Interval')) return 8;
  const first = Number(/\((\d+)/.exec(text)?.[1]);
  if (name === 'FixedString') return first;
  if (name === 'Decimal') return first <= 9 ? 4 : first <= 18 ? 8 : first <= 38 ? 16 : 32;
  return SIZES[name];
}

/** Skips what a column says once, before its data. */
function skipPrefix(reader: Reader, type: Type): void {
  if (type.name === 'LowCardinality') reader.skip(8);
  else for (const inner of type.inner) skipPrefix(reader, inner);
}

function skipData(reader: Reader, type: Type, rows: number): void {
  const size = fixedSize(type);
  if (size !== undefined) {
    reader.skip(rows * size);
    return;
  }
  switch (type.name) {
    case 'String':
      for (let row = 0; row < rows; row++) reader.skip(reader.number());
      return;
    case 'Nullable':
      reader.skip(rows);
      skipData(reader, type.inner[0]!, rows);
      return;
    case 'SimpleAggregateFunction':
    case 'Tuple':
      for (const inner of type.inner) skipData(reader, inner, rows);
      return;
    case 'Array':
    case 'Map':
    case 'Nested': {
      if (rows === 0) return;
      reader.skip((rows - 1) * 8);
      const elements = reader.u64();
      for (const inner of type.inner) skipData(reader, inner, elements);
      return;
    }
    case 'LowCardinality':
      skipLowCardinality(reader, type.inner[0]!, rows);
      return;
    default:
      throw new ServerException(
        48,
        'NOT_IMPLEMENTED',
        `Columns of type ${type.text} cannot be sent in this version of the protocol: use toString or finalizeAggregation.`,
      );
  }
}

/** Skips a dictionary of values and each row's index into it. */
function skipLowCardinality(reader: Reader, type: Type, rows: number): void {
  if (rows === 0) return;
  const indexSize = 2 ** (reader.u64() % 256);
  const values = reader.u64();
  skipData(reader, type.name === 'Nullable' ? type.inner[0]! : type, values);
  reader.skip(reader.u64() * indexSize);
}
