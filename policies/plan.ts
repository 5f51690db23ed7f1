/**
 * The output of `opa build --target=plan`, as far as it is read here: the intermediate representation from which OPA
 * makes its WASM modules. https://www.openpolicyagent.org/docs/ir
 */
export type Plan = {
  readonly static: {
    readonly strings: readonly { readonly value: string }[];
    /** The sources that statements name as `file`, by index, with their line as `row`. */
    readonly files: readonly { readonly value: string }[];
  };
  readonly plans: { readonly plans: readonly { readonly name: string; readonly blocks: readonly Block[] }[] };
  readonly funcs: { readonly funcs: readonly Func[] };
};

export type Func = {
  readonly name: string;
  readonly path?: readonly string[];
  readonly params: readonly number[];
  readonly return: number;
  readonly blocks: readonly Block[];
};

export type Block = { readonly stmts: readonly Statement[] | null };

export type Statement = { readonly type: string; readonly stmt: { readonly [member: string]: unknown } };

/** A local of the function, or a constant. Where only a local is possible, it is a bare number. */
export type Operand =
  | number
  | { readonly type: 'local'; readonly value: number }
  | { readonly type: 'string_index'; readonly value: number }
  | { readonly type: 'bool'; readonly value: boolean };
