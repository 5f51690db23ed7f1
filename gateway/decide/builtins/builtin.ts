import type { RegoValue } from '../rego-value.ts';

/** A built-in of Rego. Undefined, as in OPA, when an argument has the wrong type or no meaning. */
export type Builtin = (...args: readonly RegoValue[]) => RegoValue | undefined;
export type Builtins = Readonly<Record<string, Builtin>>;

/** A built-in that takes only text. */
export function ofText(builtin: (...texts: string[]) => RegoValue | undefined): Builtin {
  return (...args) => (args.every((arg) => typeof arg === 'string') ? builtin(...args) : undefined);
}
