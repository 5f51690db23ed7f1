import { setImmediate } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { READS_ANYTHING, type Reads, type ReadTree } from '../gateway/domain/bundle.ts';
import { SYSTEM_PLACE } from '../gateway/domain/policy-input.ts';
import type { Block, Func, Operand, Plan, Statement } from './plan.ts';

/** A place in the input that rules look up. Lines are written `file:line`. */
export type Lookup = {
  readonly path: readonly string[];
  /** The lines that look it up. */
  readonly lines: ReadonlySet<string>;
  /** The constant texts that it is compared with, and the line of each. */
  readonly compared: ReadonlyMap<string, string>;
};

/** A place in the input that a policy reads: whether it exists, its type, or its scalar value. */
type Place = Lookup & {
  readonly members: Map<string, Place>;
  readonly lines: Set<string>;
  readonly compared: Map<string, string>;
  isReadWhole: boolean;
};

/** The values a local may have: places in the input, and MADE for any other value. Empty: none yet. */
type Held = ReadonlySet<Place | typeof MADE>;
type Locals = Map<number, Held>;
const MADE = Symbol('made');
const NOTHING: Held = new Set();
const ELSEWHERE: Held = new Set([MADE]);

/**
 * The greatest depth of a place, and the most places. A recursive function looks ever deeper, as its calls are not told
 * apart; these limits end that.
 */
const MOST_DEPTH = 8;
const MOST_PLACES = 1000;

/** Built-ins that read only the type of a value. */
const KIND_CHECKS = new Set('is_array is_boolean is_null is_number is_object is_set is_string type_name'.split(' '));

/**
 * What most statements do with locals. Locals in `reads` are read with everything in them; locals in `makes` get a
 * value that is not part of the input. Type and existence of a value are known for every place.
 */
const EFFECTS: Readonly<Record<string, { readonly reads?: readonly string[]; readonly makes?: readonly string[] }>> = {
  AssignIntStmt: { makes: ['target'] },
  BreakStmt: {},
  IsArrayStmt: {},
  IsDefinedStmt: {},
  IsObjectStmt: {},
  IsSetStmt: {},
  IsUndefinedStmt: {},
  LenStmt: { reads: ['source'], makes: ['target'] },
  MakeNullStmt: { makes: ['target'] },
  MakeNumberIntStmt: { makes: ['target'] },
  MakeNumberRefStmt: { makes: ['target'] },
  MakeObjectStmt: { makes: ['target'] },
  MakeSetStmt: { makes: ['target'] },
  NopStmt: {},
  ObjectInsertOnceStmt: { reads: ['key', 'value', 'object'] },
  ObjectInsertStmt: { reads: ['key', 'value', 'object'] },
  ObjectMergeStmt: { reads: ['a', 'b'], makes: ['target'] },
  ResultSetAddStmt: { reads: ['value'] },
  SetAddStmt: { reads: ['value', 'set'] },
};

/**
 * What a decision can depend on in its input, from the plan of its evaluation. A value counts as read as a whole unless
 * it is only indexed by a constant name, passed on, or checked for its type. Each system has its own result, since
 * rules of one system are not evaluated for another. Anything unknown counts as reading everything.
 *
 * @param visit is given every place that is looked up, several times if rules of several systems do
 */
export async function readsOf(
  plan: Plan,
  entrypoint: string,
  visit: (lookup: Lookup) => void = () => {},
): Promise<Omit<Reads, 'words'>> {
  const root = plan.plans.plans.find(({ name }) => name === entrypoint);
  if (!root) return READS_ANYTHING;
  const trace = createTracer(plan, root.blocks, visit);
  const systems = new Set(plan.funcs.funcs.flatMap(({ path = [] }) => (path[1] === 'rules' ? path.slice(2, 3) : [])));
  const others = trace((name) => !systems.has(name));
  const own: [string, ReadTree][] = [];
  for (const system of [...systems].sort()) {
    // With hundreds of systems this takes long enough to block the process, so it yields in between.
    await setImmediate();
    const tree = trace((name) => name === system);
    if (!isDeepStrictEqual(tree, others)) own.push([system, tree]);
  }
  return { others, systems: Object.fromEntries(own) };
}

/** @returns a function that is told which names `input.action.system` can have */
function createTracer(
  plan: Plan,
  blocks: readonly Block[],
  visit: (lookup: Lookup) => void,
): (canBeCalled: (system: string) => boolean) => ReadTree {
  const main: Func = { name: '', params: [0, 1], return: -1, blocks };
  const funcs = new Map(plan.funcs.funcs.map((func) => [func.name, func]));
  const fitting = new Map<Statement, readonly Func[]>();

  const textOf = (operand: Operand | undefined): string | null =>
    typeof operand === 'object' && operand.type === 'string_index' ? plan.static.strings[operand.value]!.value : null;

  const lineOf = ({ stmt }: Statement): string =>
    `${plan.static.files[stmt['file'] as number]?.value}:${String(stmt['row'])}`;

  /** Every function with a path that equals this one, begins with it, or is the beginning of it. */
  const fittingTo = (statement: Statement, path: readonly Operand[]): readonly Func[] => {
    let found = fitting.get(statement);
    if (!found) {
      const texts = path.map(textOf);
      const fits = (name: string, index: number) => (texts[index] ?? name) === name;
      found = [...funcs.values()].filter((func) => func.path?.every(fits));
      fitting.set(statement, found);
    }
    return found;
  };

  return (canBeCalled) => {
    const places: Place[] = [];
    const createPlace = (path: readonly string[]): Place => {
      if (places.length === MOST_PLACES) throw new Error('too many places');
      const place = { path, lines: new Set<string>(), compared: new Map(), members: new Map(), isReadWhole: false };
      places.push(place);
      return place;
    };
    const memberOf = (place: Place, name: string): Place => {
      if (place.path.length === MOST_DEPTH) {
        // Everything below counts as the place itself.
        place.isReadWhole = true;
        return place;
      }
      let member = place.members.get(name);
      if (!member) place.members.set(name, (member = createPlace([...place.path, name])));
      return member;
    };
    const lookInto = (held: Held, name: string, statement: Statement): Held =>
      new Set(
        [...held].map((place) => {
          if (place === MADE) return MADE;
          const member = memberOf(place, name);
          member.lines.add(lineOf(statement));
          return member;
        }),
      );

    const input = createPlace([]);
    const called = new Map<Func, Called>();
    let isOutdated = false;

    function call(func: Func, args: readonly Held[]): Held {
      if (args.length > func.params.length) throw new Error(`more arguments than ${func.name} takes`);
      let known = called.get(func);
      const isNew = !known;
      if (!known) called.set(func, (known = { params: new Map(), result: NOTHING, isUsed: false }));
      const { params } = known;
      const isWider = args.map((held, index) => add(params, func.params[index]!, held)).includes(true);
      if (isNew || isWider) runFunction(func, known);
      known.isUsed = true;
      return known.result;
    }

    function runFunction(func: Func, known: Called): void {
      const giveBack = (result: Held) => {
        const before = known.result;
        known.result = union(before, result);
        if (known.isUsed && known.result !== before) isOutdated = true;
      };
      run(func.blocks, new Map(known.params), { giveBack, arrays: new Map() });
    }

    /** @returns all values written to locals on the way; `locals` holds the last ones */
    function run(within: readonly Block[], locals: Locals, { giveBack, arrays }: Run): Locals {
      const all: Locals = new Map();
      for (const { stmts } of within) {
        // A block ends at any undefined statement, so a local may hold any value it had in between.
        const frame: Frame = { now: new Map(locals), written: new Map(), giveBack, arrays };
        for (const statement of stmts ?? []) follow(statement, frame);
        for (const written of [locals, all]) addAll(written, frame.written);
      }
      return all;
    }

    function runWithin(inner: readonly Block[], frame: Frame): void {
      addAll(frame.written, run(inner, frame.now, frame));
    }

    function follow(statement: Statement, frame: Frame): void {
      const { type, stmt } = statement;
      const operand = (name: string) => stmt[name] as Operand;
      const at = (name: string) => heldBy(frame, operand(name));
      switch (type) {
        case 'DotStmt': {
          const name = textOf(operand('key'));
          if (name !== null) return write(frame, stmt['target'], lookInto(at('source'), name, statement));
          readWhole(at('source'));
          readWhole(at('key'));
          return write(frame, stmt['target'], ELSEWHERE);
        }
        case 'AssignVarStmt':
          return write(frame, stmt['target'], at('source'));
        case 'AssignVarOnceStmt': {
          const before = at('target');
          // If there is a value, it is compared with the second one.
          if (before.size > 0) for (const each of [before, at('source')]) readWhole(each);
          return write(frame, stmt['target'], union(before, at('source')));
        }
        case 'ResetLocalStmt':
          return write(frame, stmt['target'], NOTHING);
        case 'ReturnLocalStmt':
          return frame.giveBack(at('source'));
        case 'EqualStmt':
        case 'NotEqualStmt': {
          const sides = [operand('a'), operand('b')];
          // A string or boolean never equals an object, whatever the object contains.
          const constant = sides.find((side) => typeof side === 'object' && side.type !== 'local');
          if (constant) {
            const text = textOf(constant);
            if (text !== null) sides.forEach((side) => compare(heldBy(frame, side), text, statement));
            return;
          }
          return sides.forEach((side) => readWhole(heldBy(frame, side)));
        }
        case 'CallStmt': {
          const operands = (stmt['args'] ?? []) as readonly Operand[];
          const args = operands.map((arg) => heldBy(frame, arg));
          const func = funcs.get(stmt['func'] as string);
          if (func) return write(frame, stmt['result'], call(func, args));
          const names = stmt['func'] === 'object.get' ? namesOf(frame, operands[1]!) : null;
          if (names) {
            const found = names.reduce((held, name) => lookInto(held, name, statement), args[0]!);
            return write(frame, stmt['result'], union(found, args[2]!));
          }
          if (!KIND_CHECKS.has(stmt['func'] as string)) args.forEach(readWhole);
          return write(frame, stmt['result'], ELSEWHERE);
        }
        case 'CallDynamicStmt': {
          const path = stmt['path'] as readonly Operand[];
          const args = (stmt['args'] as readonly number[]).map((arg) => heldBy(frame, arg));
          const steps = path.map((step) => heldBy(frame, step));
          steps.forEach(readWhole);
          const system = SYSTEM_PLACE.reduce<Place | undefined>((place, name) => place?.members.get(name), input);
          const isSystem = steps.map((held) => system !== undefined && held.size === 1 && held.has(system));
          const results = fittingTo(statement, path)
            .filter((func) => func.path!.every((name, index) => !isSystem[index] || canBeCalled(name)))
            .map((func) => call(func, args));
          return write(frame, stmt['result'], results.reduce(union, ELSEWHERE));
        }
        case 'MakeArrayStmt':
          frame.arrays.set(stmt['target'] as number, { madeIn: frame, texts: [] });
          return write(frame, stmt['target'], ELSEWHERE);
        case 'ArrayAppendStmt': {
          const [array, text] = [frame.arrays.get(stmt['array'] as number), textOf(operand('value'))];
          // An append in an inner block may run any number of times.
          if (array?.madeIn === frame && text !== null) array.texts.push(text);
          else frame.arrays.delete(stmt['array'] as number);
          return readWhole(at('value'));
        }
        case 'BlockStmt':
          return runWithin(stmt['blocks'] as readonly Block[], frame);
        case 'NotStmt':
          return runWithin([stmt['block'] as Block], frame);
        case 'ScanStmt': {
          readWhole(at('source'));
          write(frame, stmt['key'], ELSEWHERE);
          write(frame, stmt['value'], ELSEWHERE);
          // Each round may find more from the results of the one before.
          let before: number;
          do {
            before = sizeOf(frame.now);
            runWithin([stmt['block'] as Block], frame);
          } while (sizeOf(frame.now) > before);
          return;
        }
        case 'WithStmt':
          if ([...at('local')].some((each) => each !== MADE)) throw new Error('with input');
          readWhole(at('value'));
          return runWithin([stmt['block'] as Block], frame);
        default: {
          const effects = EFFECTS[type];
          if (!effects) throw new Error(`unknown ${type}`);
          for (const name of effects.reads ?? []) readWhole(at(name));
          for (const name of effects.makes ?? []) write(frame, stmt[name], ELSEWHERE);
        }
      }
    }

    /** The constant names by which `object.get` looks: one, or those of an array. */
    function namesOf({ arrays }: Frame, operand: Operand): readonly string[] | null {
      const text = textOf(operand);
      if (text !== null) return [text];
      return (typeof operand === 'object' && operand.type === 'local' && arrays.get(operand.value)?.texts) || null;
    }

    function compare(held: Held, text: string, statement: Statement): void {
      for (const place of held) if (place !== MADE) place.compared.set(text, lineOf(statement));
    }

    try {
      call(main, [new Set([input]), ELSEWHERE]);
      while (isOutdated) {
        isOutdated = false;
        for (const [func, known] of called) runFunction(func, known);
      }
      return toTree(input);
    } catch (cause) {
      // Too much, or a plan of another shape, as another version of OPA may write.
      if (cause instanceof Error) return true;
      throw cause;
    } finally {
      places.forEach(visit);
    }
  };
}

/** A called function: the possible values of its parameters and its result, and whether the result is read. */
type Called = { readonly params: Locals; result: Held; isUsed: boolean };

/** One run of a function: its result, and the arrays in it that hold only constant texts. */
type Run = {
  readonly giveBack: (result: Held) => void;
  readonly arrays: Map<number, { readonly madeIn: Frame; readonly texts: string[] }>;
};

type Frame = Run & { readonly now: Locals; readonly written: Locals };

function heldBy({ now }: Frame, operand: Operand): Held {
  if (typeof operand === 'number') return now.get(operand) ?? NOTHING;
  return operand.type === 'local' ? (now.get(operand.value) ?? NOTHING) : ELSEWHERE;
}

function write({ now, written }: Frame, local: unknown, held: Held): void {
  now.set(local as number, held);
  add(written, local as number, held);
}

/** @returns whether this is more than the local held before */
function add(locals: Locals, local: number, held: Held): boolean {
  const before = locals.get(local);
  const after = union(before ?? NOTHING, held);
  locals.set(local, after);
  return after !== before;
}

function addAll(locals: Locals, others: Locals): void {
  for (const [local, held] of others) add(locals, local, held);
}

/** Returns the first set itself if the other adds nothing. */
function union(a: Held, b: Held): Held {
  for (const each of b) if (!a.has(each)) return a.size === 0 ? b : new Set([...a, ...b]);
  return a;
}

function sizeOf(locals: Locals): number {
  let size = 0;
  for (const held of locals.values()) size += held.size;
  return size;
}

function readWhole(held: Held): void {
  for (const place of held) if (place !== MADE) place.isReadWhole = true;
}

function toTree({ isReadWhole, members }: Place): ReadTree {
  return isReadWhole || Object.fromEntries([...members].sort().map(([name, place]) => [name, toTree(place)]));
}
