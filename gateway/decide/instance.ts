import * as opaWasm from '@open-policy-agent/opa-wasm';
import type { LoadedPolicy } from '@open-policy-agent/opa-wasm';

// The package's types describe its CommonJS exports; imported as a module, most of them are under `default`.
const { loadPolicySync } = (opaWasm as unknown as { default: typeof opaWasm }).default;

const PAGE = 64 * 1024;
const INITIAL_PAGES = 32;
const MAX_PAGES = 64 * 1024;

/**
 * The part of OPA's WebAssembly ABI (1.2) that is used here. The package's own `evaluate` parses the result with
 * `JSON.parse`, which would round numbers and drop the text that outcomes are remembered by.
 */
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
  readonly builtins: () => number;
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
   * Throws whatever the module throws: strings, plain objects, RangeErrors, traps.
   */
  evaluate(entrypoint: number, input: string): string;
};

/** @throws Error when the module or its data cannot be loaded */
export function createInstance(
  module: WebAssembly.Module,
  data: string,
  builtins: Record<string, (...args: never[]) => unknown>,
): Instance {
  const policy = load(module, builtins);
  policy.setData(new TextEncoder().encode(data).buffer);
  const {
    opa_eval,
    opa_json_dump,
    builtins: requiredAddress,
  } = (policy.wasmInstance as WebAssembly.Instance).exports as unknown as Exports;
  const memory = policy.mem;
  const dataAddress = policy.dataAddr;
  const inputAddress = Number(policy.dataHeapPtr);
  let bytes = Buffer.from(memory.buffer);

  const textAt = (address: number) => {
    // The module may have grown its memory, which detaches the old view.
    if (bytes.buffer !== memory.buffer) bytes = Buffer.from(memory.buffer);
    return bytes.toString('utf8', address, bytes.indexOf(0, address));
  };
  const requiredBuiltins = Object.keys(JSON.parse(textAt(opa_json_dump(requiredAddress()))));

  return {
    entrypoints: policy.entrypoints,
    requiredBuiltins,
    memory: () => memory.buffer.byteLength,
    evaluate(entrypoint, input) {
      // UTF-8 needs at most three bytes for each UTF-16 unit.
      const missing = inputAddress + input.length * 3 - memory.buffer.byteLength;
      if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
      if (bytes.buffer !== memory.buffer) bytes = Buffer.from(memory.buffer);
      const length = bytes.write(input, inputAddress, 'utf8');
      return textAt(opa_eval(0, entrypoint, dataAddress, inputAddress, length, inputAddress + length, 0));
    },
  };
}

/** A module rejects too little memory but never says how much it needs, so it is offered more until it loads. */
function load(module: WebAssembly.Module, builtins: Record<string, (...args: never[]) => unknown>): LoadedPolicy {
  for (let pages = INITIAL_PAGES; ; pages *= 2) {
    try {
      return loadPolicySync(module, { initial: pages }, builtins);
    } catch (cause) {
      if (!(cause instanceof WebAssembly.LinkError) || pages >= MAX_PAGES)
        throw cause instanceof Error ? cause : new Error(`policy module: ${String(cause)}`);
    }
  }
}
