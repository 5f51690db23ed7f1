import { REPLACED } from './builtins.ts';
import type { Builtin, Builtins } from './builtins/builtin.ts';
import { createPolicyMemory, type PolicyMemory } from './memory.ts';
import { type AdaptedModule, adaptModule, adaptModuleMeanwhile, GO_ON, NEXT_KEY } from './module.ts';
import { RegoObject, RegoSet, type RegoValue } from './rego-value.ts';

const PAGE = 64 * 1024;
const INITIAL_PAGES = 32;
const MAX_PAGES = 64 * 1024;

/** How `opa_eval` writes its result. */
const AS_JSON = 0;
const AS_REGO = 1;

/** Functions of OPA's runtime beside its ABI. */
const BESIDE_ABI = ['opa_value_compare', 'opa_number_int'];

/** The part of OPA's WebAssembly ABI (1.2) that is used here, and what is exported besides. */
type Exports = {
  readonly opa_eval: (
    reserved: number,
    entrypoint: number,
    data: number,
    input: number,
    inputLength: number,
    heap: number,
    format: number,
  ) => number;
  readonly opa_json_dump: (value: number) => number;
  readonly opa_json_parse: (address: number, length: number) => number;
  readonly opa_malloc: (length: number) => number;
  readonly opa_free: (address: number) => void;
  readonly opa_value_parse: (address: number, length: number) => number;
  readonly opa_number_int: (value: bigint) => number;
  readonly opa_value_compare: (a: number, b: number) => number;
  readonly opa_heap_ptr_get: () => number;
  readonly builtins: () => number;
  readonly entrypoints: () => number;
};

/** One instance of a policy module with its data loaded. Discard it after anything it throws. */
export type Instance = {
  readonly entrypoints: Readonly<Record<string, number>>;
  /** Names of the built-ins that the module calls and does not contain. */
  readonly requiredBuiltins: readonly string[];
  /** Bytes of memory in use, which never shrink. */
  memory(): number;
  /**
   * Evaluates an entrypoint against input given as JSON text and returns the text of the result set, such as
   * `[{"result": true}]`, or `[]` when the entrypoint is undefined. Input that OPA cannot parse counts as no input.
   * Throws what the module, a built-in or `goOn` throws.
   */
  evaluate(entrypoint: number, input: string): string;
  /** The value of an entrypoint, its sets in order; undefined when it has none. Slower, and throws the same. */
  valueOf(entrypoint: number, input: string): RegoValue | undefined;
};

/** @throws Error when it is no module that OPA compiled */
export function preparePolicyModule(wasm: Uint8Array): AdaptedModule {
  return adaptModule(wasm, Object.keys(REPLACED), BESIDE_ABI);
}

/** The same while the process serves calls. @throws the same */
export function preparePolicyModuleMeanwhile(wasm: Uint8Array): Promise<AdaptedModule> {
  return adaptModuleMeanwhile(wasm, Object.keys(REPLACED), BESIDE_ABI);
}

/**
 * @param goOn called every now and then during an evaluation; throws to end it
 * @throws Error when the module or its data cannot be loaded
 */
export function createInstance(
  { module, hosted }: AdaptedModule,
  data: string,
  builtins: Builtins,
  goOn: () => void,
): Instance {
  const ask = () => (goOn(), 0);
  const host = new Map<number, (...args: number[]) => number>([[GO_ON, ask]]);
  const call = (number: number, _context: number, ...args: number[]): number => {
    const known = host.get(number);
    if (!known) throw new Error(`the policy module calls a built-in that it does not name: ${number}`);
    return known(...args);
  };
  const { memory, exports } = load(module, call);
  const values = createPolicyMemory(memory, exports);
  const readJson = (address: number) => JSON.parse(values.text(exports.opa_json_dump(address))) as object;

  for (const [number, native] of hosted) {
    if (native === NEXT_KEY) host.set(number, values.nextKey);
    else host.set(number, toHost(builtins[REPLACED[native]!]!, values, goOn));
  }
  const required = Object.entries(readJson(exports.builtins()) as Record<string, number>);
  for (const [name, number] of required) {
    const builtin = builtins[name];
    if (builtin) host.set(number, toHost(builtin, values, goOn));
  }

  const entrypoints = readJson(exports.entrypoints()) as Record<string, number>;
  const placed = values.place(data);
  const dataAddress = exports.opa_json_parse(placed.address, placed.length);
  if (dataAddress === 0) throw new Error('the policy module cannot read its data');
  const inputAddress = exports.opa_heap_ptr_get();

  const evaluate = (entrypoint: number, input: string, format: number): string => {
    values.reset();
    // UTF-8 needs at most three bytes for each UTF-16 unit.
    const missing = inputAddress + input.length * 3 - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
    const length = values.writeInput(inputAddress, input);
    const end = inputAddress + length;
    return values.text(exports.opa_eval(0, entrypoint, dataAddress, inputAddress, length, end, format));
  };

  return {
    entrypoints,
    requiredBuiltins: required.map(([name]) => name),
    memory: () => memory.buffer.byteLength,
    evaluate: (entrypoint, input) => evaluate(entrypoint, input, AS_JSON),
    valueOf(entrypoint, input) {
      const results = values.parse(evaluate(entrypoint, input, AS_REGO));
      const [first] = results instanceof RegoSet ? results.elements : [];
      return first instanceof RegoObject ? first.get('result') : undefined;
    },
  };
}

/** A built-in as the module calls it. Undefined in Rego is the address 0. */
function toHost(builtin: Builtin, values: PolicyMemory, goOn: () => void): (...args: number[]) => number {
  return (...args) => {
    const result: RegoValue | undefined =
      args.length === 1 ? builtin(values.read(args[0]!)) : builtin(...args.map(values.read));
    // A loop over large values may call it a thousand times before a turn is counted.
    goOn();
    return result === undefined ? 0 : values.write(result);
  };
}

/** A module rejects too little memory but never says how much it needs, so it is offered more until it loads. */
function load(
  module: WebAssembly.Module,
  call: (number: number, context: number, ...args: number[]) => number,
): { memory: WebAssembly.Memory; exports: Exports } {
  for (let initial = INITIAL_PAGES; ; initial *= 2) {
    const memory = new WebAssembly.Memory({ initial });
    const abort = (address: number) => {
      const bytes = Buffer.from(memory.buffer);
      throw new Error(bytes.toString('utf8', address, bytes.indexOf(0, address)));
    };
    const dispatchers = Array.from({ length: 5 }, (_, parameters) => [`opa_builtin${parameters}`, call] as const);
    const env = { memory, opa_abort: abort, opa_println: () => {}, ...Object.fromEntries(dispatchers) };
    try {
      return { memory, exports: new WebAssembly.Instance(module, { env }).exports as Exports };
    } catch (cause) {
      if (!(cause instanceof WebAssembly.LinkError) || initial >= MAX_PAGES) throw cause;
    }
  }
}
