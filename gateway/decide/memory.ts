import { number, RegoNumber, RegoObject, RegoSet, type RegoValue, writeValue } from './rego-value.ts';

// How OPA's runtime (wasm/src/value.h) lays values out in 32 bits.
const NULL = 1;
const BOOLEAN = 2;
const NUMBER = 3;
const STRING = 4;
const ARRAY = 5;
const OBJECT = 6;
const SET = 7;
const INTERNED_STRING = 8;
const INTERNED_BOOLEAN = 9;
const INTEGER = 1;

/** An integer of 32 bits for sure: of larger ones that are not text, OPA's arithmetic drops bits. */
const SHORT_INTEGER = /^(?:0|-?[1-9]\d{0,8})$/;

type Exports = {
  readonly opa_malloc: (length: number) => number;
  readonly opa_free: (address: number) => void;
  readonly opa_value_parse: (address: number, length: number) => number;
  readonly opa_number_int: (value: bigint) => number;
  readonly opa_value_compare: (a: number, b: number) => number;
};

/** The values in a module's memory. */
export type PolicyMemory = ReturnType<typeof createPolicyMemory>;

export function createPolicyMemory(memory: WebAssembly.Memory, exports: Exports) {
  let bytes = Buffer.from(memory.buffer);
  // The module aligns nothing.
  let view = new DataView(memory.buffer);
  // The module may have grown its memory, which detaches the old views.
  const refresh = () => {
    if (bytes.buffer === memory.buffer) return;
    bytes = Buffer.from(memory.buffer);
    view = new DataView(memory.buffer);
  };
  const word = (address: number) => view.getUint32(address, true);

  const read = (address: number): RegoValue => {
    switch (bytes[address]) {
      case NULL:
        return null;
      case BOOLEAN:
      case INTERNED_BOOLEAN:
        return bytes[address + 1] !== 0;
      case NUMBER:
        return bytes[address + 1] === INTEGER
          ? number(view.getBigInt64(address + 8, true))
          : new RegoNumber(bytes.toString('latin1', word(address + 8), word(address + 8) + word(address + 12)));
      case STRING:
      case INTERNED_STRING:
        return bytes.toString('utf8', word(address + 8), word(address + 8) + word(address + 4));
      case ARRAY: {
        const elements = word(address + 4);
        return Array.from({ length: word(address + 8) }, (_, index) => read(word(elements + index * 8 + 4)));
      }
      case OBJECT:
        return RegoObject.of(entries(address, 8).map((each) => [read(word(each)), read(word(each + 4))]));
      case SET:
        return RegoSet.of(entries(address, 4).map((each) => read(word(each))));
      default:
        throw new Error('the policy module holds values in another way than OPA');
    }
  };

  /** The places of the entries in an object or a set, a hash table of chains. @param next where an entry names the next */
  const entries = (address: number, next: number): number[] => {
    const found: number[] = [];
    const buckets = word(address + 4);
    for (let bucket = 0; bucket < word(address + 8); bucket++)
      for (let entry = word(buckets + bucket * 4); entry !== 0; entry = word(entry + next)) found.push(entry);
    return found;
  };

  const place = (text: string): { address: number; length: number } => {
    const content = Buffer.from(text);
    const address = exports.opa_malloc(content.length);
    refresh();
    bytes.set(content, address);
    return { address, length: content.length };
  };

  const parse = (text: string): number => {
    const { address, length } = place(text);
    const parsed = exports.opa_value_parse(address, length);
    if (parsed === 0) throw new Error(`the policy module cannot read the value ${text.slice(0, 100)}`);
    return parsed;
  };

  const walks = createWalks((collection) => {
    const keys = entries(collection, bytes[collection] === OBJECT ? 8 : 4).map(word);
    return keys.sort(exports.opa_value_compare);
  });

  return {
    /** Forgets the walks of the last evaluation: the next one uses the same memory for other values. */
    reset: () => walks.clear(),
    place,
    /** Text that ends with a NUL. */
    text(address: number): string {
      refresh();
      return bytes.toString('utf8', address, bytes.indexOf(0, address));
    },
    writeInput(address: number, input: string): number {
      refresh();
      return bytes.write(input, address, 'utf8');
    },
    read(address: number): RegoValue {
      refresh();
      return read(address);
    },
    write: (value: RegoValue): number =>
      value instanceof RegoNumber && SHORT_INTEGER.test(value.text)
        ? exports.opa_number_int(BigInt(value.text))
        : parse(writeValue(value, true)),
    /** The value of text that the module wrote. */
    parse(text: string): RegoValue {
      const address = parse(text);
      refresh();
      return read(address);
    },
    /**
     * The key that follows in an object or a set, or 0: in OPA's order, where the runtime's own function walks the hash
     * table.
     */
    nextKey(collection: number, previous: number): number {
      refresh();
      return walks.next(collection, word(collection + 12), previous);
    },
  };
}

/** A collection's keys in order, and the place of the last one that was given. */
type Walk = { readonly keys: readonly number[]; at: number };

/** The walks of an evaluation, by the address of the collection. @param sortedKeys what a walk gives, read at its start */
function createWalks(sortedKeys: (collection: number) => readonly number[]) {
  const walks = new Map<number, Walk>();
  const begin = (collection: number): Walk => {
    const walk = { keys: sortedKeys(collection), at: 0 };
    walks.set(collection, walk);
    return walk;
  };
  return {
    clear() {
      // A cleared map allocates anew, which costs more than most evaluations' walks.
      if (walks.size > 0) walks.clear();
    },
    /** @param previous the key given before; 0 at the start */
    next(collection: number, length: number, previous: number): number {
      if (previous === 0) return begin(collection).keys[0] ?? 0;
      const known = walks.get(collection);
      const walk = known?.keys.length === length ? known : begin(collection);
      // Two loops may walk the same collection at once.
      if (walk.keys[walk.at] !== previous) walk.at = walk.keys.indexOf(previous);
      return walk.keys[++walk.at] ?? 0;
    },
  };
}
