import { EVENT_FIELDS, type EventField, type FieldKind } from '../../gateway/domain/event.ts';

/**
 * How a kind of value is stored; `bench/audit/storage.ts` compares it with other ways. What is mostly chance, as
 * identifiers are, and inputs, gets larger with a higher level; what is written again and again gets smaller.
 */
const STORED: Readonly<Record<FieldKind, string>> = {
  id: 'String CODEC(ZSTD(1))',
  name: 'LowCardinality(String) CODEC(ZSTD(1))',
  names: 'Array(LowCardinality(String)) CODEC(ZSTD(1))',
  text: 'String CODEC(ZSTD(3))',
  time: "DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1))",
  small: 'UInt16 CODEC(T64, ZSTD(1))',
  count: 'UInt64 CODEC(T64, ZSTD(1))',
  amount: 'Float64 CODEC(ZSTD(1))',
  share: 'Nullable(Float64) CODEC(ZSTD(1))',
  json: 'String CODEC(ZSTD(1))',
};

/** A column of `holdpoint.events`. */
export type EventColumn = { readonly name: EventField; readonly definition: string; readonly about: string };

/** The columns that hold the members of events, in the order of `EVENT_FIELDS`. */
export const EVENT_COLUMNS: readonly EventColumn[] = Object.entries(EVENT_FIELDS).map(([name, { kind, about }]) => ({
  name: name as EventField,
  definition: STORED[kind],
  about,
}));
