import { inOneGo, inSlices } from './slices.ts';

/** Turns of loops that a module counts before it asks the host whether it may go on. */
const TURNS = 1 << 10;
/** Turns of an innermost loop without calls, such as one over bytes, that count as one. A power of two. */
const SHORT_TURNS = 256;
/**
 * Functions of OPA's runtime whose loops turn hundreds of times in the smallest evaluation, and only as long as one value,
 * the input or the result is large. Counting in them would cost a tenth of it; the loops that call them count.
 */
const UNCOUNTED =
  /^(?:mem(?:cpy|move|set)|strlen|opa_(?:value_hash|value_compare\w*|value_get|value_iter|object_get|object_insert|object_keys|lookup|mapping_lookup|strlen|strncmp|atoi64|atof64|json_(?:lex|parse|writer)\w*|unicode\w*)|__opa_\w*)$/;

/** Number of the built-in that a module asks whether it may go on. OPA numbers its own from zero up. */
export const GO_ON = -1;
/** From here down: numbers of the functions that the host implements. */
const HOSTED = -2;

const SECTION = { custom: 0, type: 1, import: 2, function: 3, global: 6, export: 7, code: 10 } as const;

/** The functions of OPA's runtime that the host implements instead, by the number under which the module asks. */
type Hosted = ReadonlyMap<number, string>;

export type AdaptedModule = { readonly module: WebAssembly.Module; readonly hosted: Hosted };

/** Walks a collection: `opa_value_iter(node, previous)` returns the key that follows. */
export const NEXT_KEY = 'opa_value_iter';
/** Where the order of a walk shows: policies' own functions, and `walk`. */
const ORDERED = /^g\d+\.|^eval$|transitive_closure/;

/**
 * Prepares a module that OPA compiled, so that its evaluations are bounded and mean what they mean in `opa eval`:
 *
 * - Turns of loops are counted. After a thousand, the module asks the host whether it may go on, and the host can throw.
 *   Without this, one long evaluation would stop every call of its worker.
 * - Functions of OPA's runtime that differ from OPA are replaced with calls to the host.
 * - Policies walk sets and objects in OPA's order, not in that of hashes: the host sorts.
 * - `exported` functions are exported.
 *
 * @param replaced functions of the runtime that the host implements
 * @throws Error when it is no such module
 */
export function adaptModule(wasm: Uint8Array, replaced: readonly string[], exported: readonly string[]): AdaptedModule {
  // Names the fault of bytes that are no WebAssembly at all.
  if (!WebAssembly.validate(wasm)) return { module: new WebAssembly.Module(wasm), hosted: new Map() };
  const { bytes, hosted } = inOneGo(adapt(wasm, replaced, exported));
  return { module: new WebAssembly.Module(bytes), hosted };
}

/** The same while the process serves calls: in slices, and compiled on other threads. @param wasm a valid module */
export async function adaptModuleMeanwhile(
  wasm: Uint8Array,
  replaced: readonly string[],
  exported: readonly string[],
): Promise<AdaptedModule> {
  const { bytes, hosted } = await inSlices(adapt(wasm, replaced, exported));
  return { module: await WebAssembly.compile(bytes), hosted };
}

/** @param wasm a valid module. Each step adapts a function */
function* adapt(
  wasm: Uint8Array,
  replaced: readonly string[],
  exported: readonly string[],
): Generator<void, { readonly bytes: Buffer; readonly hosted: Hosted }> {
  const sections = readSections(wasm);
  const names = functionNames(sections);
  const missing = [...exported, NEXT_KEY].filter((name) => !names.has(name));
  if (missing.length > 0) throw new Error(`the policy module has no function ${missing.join(', ')}`);

  const imports = countImports(sectionOf(sections, SECTION.import));
  const types = listOf(sections, SECTION.function, (reader) => reader.unsigned());
  const nextKey = names.get(NEXT_KEY)!;
  const hosted = new Map([[HOSTED, NEXT_KEY]]);
  const bodies = new Map<number, Uint8Array>();
  const parameters = parameterCounts(sections, types);
  for (const native of replaced) {
    const place = names.get(native);
    if (place === undefined) continue;
    const number = HOSTED - hosted.size;
    hosted.set(number, native);
    bodies.set(place, Buffer.from([0, ...callToHost(number, parameters[place - imports.functions]!), OPCODE.end]));
  }
  const code: Code = {
    firstPlace: imports.functions,
    parameters,
    names: new Map([...names].map(([name, place]) => [place, name])),
    bodies,
    counting: countTurn(imports.globals + countOf(sectionOf(sections, SECTION.global))),
    nextKey,
    ownNextKey: imports.functions + types.length,
  };
  const additions: Readonly<Record<number, readonly number[][]>> = {
    [SECTION.function]: [unsigned(types[nextKey - imports.functions]!)],
    [SECTION.global]: [[0x7f, 1, 0x41, ...signed(TURNS), OPCODE.end]],
    [SECTION.export]: exported.map((name) => [name.length, ...Buffer.from(name), 0, ...unsigned(names.get(name)!)]),
  };
  const parts: Uint8Array[] = [wasm.subarray(0, 8)];
  for (const { id, bytes } of sections) {
    const changed = id === SECTION.code ? yield* adaptCode(bytes, code) : withEntries(bytes, additions[id] ?? []);
    parts.push(Buffer.from([id, ...unsigned(changed.length)]), changed);
  }
  return { bytes: Buffer.concat(parts), hosted };
}

type Section = { readonly id: number; readonly bytes: Uint8Array };

/** The sections of a valid module. */
function readSections(wasm: Uint8Array): Section[] {
  const sections: Section[] = [];
  const reader = createReader(wasm, 8);
  while (!reader.isDone()) {
    const id = reader.byte();
    sections.push({ id, bytes: reader.take(reader.unsigned()) });
  }
  return sections;
}

/** The places of functions by the names that OPA gives them. */
function functionNames(sections: readonly Section[]): Map<string, number> {
  const names = new Map<string, number>();
  for (const { id, bytes } of sections) {
    if (id !== SECTION.custom) continue;
    const reader = createReader(bytes);
    if (reader.text() !== 'name') continue;
    while (!reader.isDone()) {
      const kind = reader.byte();
      const entries = createReader(reader.take(reader.unsigned()));
      if (kind !== 1) continue;
      for (let left = entries.unsigned(); left > 0; left--) {
        const place = entries.unsigned();
        names.set(entries.text(), place);
      }
    }
  }
  return names;
}

function sectionOf(sections: readonly Section[], wanted: number): Section | undefined {
  return sections.find(({ id }) => id === wanted);
}

function countImports(section: Section | undefined): { functions: number; globals: number } {
  const counts = { functions: 0, globals: 0 };
  const reader = createReader(section?.bytes ?? new Uint8Array([0]));
  for (let left = reader.unsigned(); left > 0; left--) {
    reader.text();
    reader.text();
    switch (reader.byte()) {
      case 0:
        reader.unsigned();
        counts.functions++;
        break;
      case 2:
        if ((reader.byte() & 1) === 1) reader.unsigned();
        reader.unsigned();
        break;
      default:
        throw new Error('the policy module has an import that OPA does not write');
    }
  }
  return counts;
}

function countOf(section: Section | undefined): number {
  return section ? createReader(section.bytes).unsigned() : 0;
}

/** A section, which is a counted list, with entries added. */
function withEntries(bytes: Uint8Array, entries: readonly (readonly number[])[]): Uint8Array {
  if (entries.length === 0) return bytes;
  const reader = createReader(bytes);
  const count = reader.unsigned() + entries.length;
  return Buffer.concat([Buffer.from(unsigned(count)), bytes.subarray(reader.at()), Buffer.from(entries.flat())]);
}

/** How many parameters each function of the code section has. */
function parameterCounts(sections: readonly Section[], types: readonly number[]): number[] {
  const counts = listOf(sections, SECTION.type, (reader) => {
    reader.byte();
    const parameters = reader.take(reader.unsigned()).length;
    reader.take(reader.unsigned());
    return parameters;
  });
  return types.map((type) => counts[type]!);
}

function listOf<T>(sections: readonly Section[], wanted: number, read: (reader: Reader) => T): T[] {
  const reader = createReader(sectionOf(sections, wanted)?.bytes ?? new Uint8Array([0]));
  return Array.from({ length: reader.unsigned() }, () => read(reader));
}

type Code = {
  /** The place of the first function that is not imported. */
  readonly firstPlace: number;
  readonly parameters: readonly number[];
  readonly names: ReadonlyMap<number, string>;
  readonly bodies: ReadonlyMap<number, Uint8Array>;
  /** The instructions that count a turn. */
  readonly counting: readonly number[];
  readonly nextKey: number;
  readonly ownNextKey: number;
};

function* adaptCode(bytes: Uint8Array, code: Code): Generator<void, Uint8Array> {
  const reader = createReader(bytes);
  const parts: Uint8Array[] = [Buffer.from(unsigned(reader.unsigned() + 1))];
  const add = (body: Uint8Array) => parts.push(Buffer.from(unsigned(body.length)), body);
  for (let place = code.firstPlace; !reader.isDone(); place++) {
    const body = reader.take(reader.unsigned());
    add(code.bodies.get(place) ?? adaptFunction(body, place, code));
    yield;
  }
  add(Buffer.from(nextKeyInOrder(code.nextKey)));
  return Buffer.concat(parts);
}

/** `opa_builtinN(number, 0, …)` with the parameters of the function around it. */
function callToHost(number: number, parameters: number): number[] {
  const args = Array.from({ length: parameters }, (_, index) => [0x20, index]).flat();
  return [0x41, ...signed(number), 0x41, 0, ...args, OPCODE.call, parameters];
}

/**
 * The next key of a collection, from the host where there is an order to keep: in objects and sets of several elements.
 * Most walks of a policy are over others, and calls to the host cost more.
 */
function nextKeyInOrder(native: number): number[] {
  const node = [0x20, 0];
  const isHashed = [...node, 0x2d, 0, 0, 0x41, 1, 0x72, 0x41, 7, 0x46]; // (node.type | 1) == 7: an object (6) or a set (7)
  const hasSeveral = [...node, 0x28, 0, 12, 0x41, 1, 0x4b]; // node.length > 1
  const asNative = [...node, 0x20, 1, OPCODE.call, ...unsigned(native)];
  const isOrdered = [...node, 0x45, 0x45, 0x04, 0x7f, ...isHashed, 0x04, 0x7f, ...hasSeveral, 0x05, 0x41, 0, 0x0b];
  const choose = [...isOrdered, 0x05, 0x41, 0, 0x0b, 0x04, 0x7f, ...callToHost(HOSTED, 2), 0x05, ...asNative, 0x0b];
  return [0, ...choose, OPCODE.end];
}

/** `if (turns == 0) { opa_builtin0(GO_ON, 0); turns = TURNS } turns -= 1` */
function countTurn(turns: number): number[] {
  const get = [0x23, ...unsigned(turns)];
  const set = [0x24, ...unsigned(turns)];
  const ask = [0x41, ...signed(GO_ON), 0x41, 0, 0x10, 0, 0x1a, 0x41, ...signed(TURNS), ...set];
  return [...get, 0x45, 0x04, 0x40, ...ask, 0x0b, ...get, 0x41, 0x7f, 0x6a, ...set];
}

/** `short = (short + 1) & (SHORT_TURNS - 1); if (short == 0) { count a turn }`, in a register: half of all turns are such. */
function countShortTurn(local: number, counting: readonly number[]): number[] {
  const next = [0x20, ...unsigned(local), 0x41, 1, 0x6a, 0x41, ...signed(SHORT_TURNS - 1), 0x71];
  return [...next, 0x22, ...unsigned(local), 0x45, 0x04, 0x40, ...counting, 0x0b];
}

/** A function that counts the turns of its loops and, if it is a policy's own, walks in order. */
function adaptFunction(body: Uint8Array, place: number, code: Code): Uint8Array {
  const reader = createReader(body);
  const groups = reader.unsigned();
  const declared = reader.at();
  let locals = code.parameters[place - code.firstPlace]!;
  for (let left = groups; left > 0; left--) {
    locals += reader.unsigned();
    reader.byte();
  }
  const start = reader.at();
  const name = code.names.get(place) ?? '';
  const { loops, calls } = findPlaces(reader, ORDERED.test(name) ? code.nextKey : null);
  const edits = [
    ...(UNCOUNTED.test(name) ? [] : loops).map(({ at, isShort }) => ({
      from: at,
      to: at,
      by: isShort ? countShortTurn(locals, code.counting) : code.counting,
    })),
    ...calls.map(({ from, to }) => ({ from, to, by: [OPCODE.call, ...unsigned(code.ownNextKey)] })),
  ].sort((a, b) => a.from - b.from);
  if (edits.length === 0) return body;
  // One local more: an i32.
  const parts: Uint8Array[] = [Buffer.from([...unsigned(groups + 1), ...body.subarray(declared, start), 1, 0x7f])];
  let copied = start;
  for (const { from, to, by } of edits) {
    parts.push(body.subarray(copied, from), Buffer.from(by));
    copied = to;
  }
  return Buffer.concat([...parts, body.subarray(copied)]);
}

type Loop = { readonly at: number; isShort: boolean };
type Call = { readonly from: number; readonly to: number };

const OPCODE = { block: 0x02, loop: 0x03, if: 0x04, end: 0x0b, call: 0x10, callIndirect: 0x11 } as const;

/**
 * The places where turns of loops begin, and the calls of one function. A loop without a loop or a call in it is short.
 */
function findPlaces(reader: Reader, called: number | null): { loops: Loop[]; calls: Call[] } {
  const loops: Loop[] = [];
  const calls: Call[] = [];
  const open: (Loop | null)[] = [];
  const markLong = () => {
    for (const around of open) if (around) around.isShort = false;
  };
  while (!reader.isDone()) {
    const from = reader.at();
    const opcode = reader.byte();
    if (opcode === OPCODE.call) {
      markLong();
      if (reader.unsigned() === called) calls.push({ from, to: reader.at() });
      continue;
    }
    skipOperands(opcode, reader);
    if (opcode === OPCODE.block || opcode === OPCODE.if) open.push(null);
    else if (opcode === OPCODE.end) open.pop();
    else if (opcode === OPCODE.callIndirect) markLong();
    else if (opcode === OPCODE.loop) {
      markLong();
      const loop = { at: reader.at(), isShort: true };
      loops.push(loop);
      open.push(loop);
    }
  }
  return { loops, calls };
}

/** @throws Error at an instruction outside WebAssembly 1.0 and its bulk memory instructions: OPA writes no other */
function skipOperands(opcode: number, reader: Reader): void {
  if (opcode <= 0x01 || opcode === 0x05 || opcode === 0x0b || opcode === 0x0f || opcode === 0x1a || opcode === 0x1b)
    return;
  if (opcode >= 0x45 && opcode <= 0xc4) return;
  if (
    (opcode >= 0x02 && opcode <= 0x04) ||
    opcode === 0x0c ||
    opcode === 0x0d ||
    opcode === 0x10 ||
    (opcode >= 0x20 && opcode <= 0x24) ||
    (opcode >= 0x3f && opcode <= 0x42)
  ) {
    reader.skipNumber();
  } else if (opcode === 0x11 || (opcode >= 0x28 && opcode <= 0x3e)) {
    reader.skipNumber();
    reader.skipNumber();
  } else if (opcode === 0x0e) {
    for (let left = reader.unsigned() + 1; left > 0; left--) reader.skipNumber();
  } else if (opcode === 0x43 || opcode === 0x44) {
    reader.take(opcode === 0x43 ? 4 : 8);
  } else if (opcode === 0xfc) {
    const kind = reader.unsigned();
    for (let left = [8, 10].includes(kind) ? 2 : kind === 11 ? 1 : 0; left > 0; left--) reader.skipNumber();
    if (kind > 11 || kind === 9) throw unknownInstruction(opcode);
  } else throw unknownInstruction(opcode);
}

function unknownInstruction(opcode: number): Error {
  return new Error(`the policy module has an instruction that OPA does not write: 0x${opcode.toString(16)}`);
}

type Reader = ReturnType<typeof createReader>;

function createReader(bytes: Uint8Array, start = 0) {
  let at = start;
  const take = (length: number) => bytes.subarray(at, (at += length));
  const byte = () => bytes[at++]!;
  /** A LEB128 number of at most 32 bits. */
  const unsignedNumber = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const part = byte();
      value += (part & 0x7f) * 2 ** shift;
      if (part < 0x80) return value;
    }
  };
  return {
    at: () => at,
    isDone: () => at >= bytes.length,
    byte,
    take,
    unsigned: unsignedNumber,
    text: () => Buffer.from(take(unsignedNumber())).toString(),
    skipNumber: () => {
      while (byte() >= 0x80);
    },
  };
}

function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(Math.floor(value / 0x80))];
}

function signed(value: number): number[] {
  return value >= -0x40 && value < 0x40 ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(value >> 7)];
}
