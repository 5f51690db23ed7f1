import { parseArgs } from 'node:util';
import { nearest } from '../domain/nearest.ts';

/** An option that takes a value; without `value` it is a flag. */
export type Option = {
  readonly help: string;
  /** What stands for the value in the help, such as `FILE`. */
  readonly value?: string;
  readonly short?: string;
  readonly default?: string;
  readonly multiple?: true;
  readonly required?: true;
  readonly oneOf?: readonly string[];
};

export type Options = Readonly<Record<string, Option>>;

type Text<O> = O extends { oneOf: readonly (infer Known)[] } ? Known : string;
type Given<O> = O extends { value: string }
  ? O extends { multiple: true }
    ? readonly string[]
    : Text<O> | (O extends { default: string } | { required: true } ? never : undefined)
  : boolean;
/** What an option holds: flags a boolean, others their text, or undefined where they were left out. */
export type Values<O extends Options> = { readonly [Name in keyof O]: Given<O[Name]> };

/** The command line is wrong; `message` is one sentence that says how. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Options that several commands have. */
export const CONFIG = { value: 'FILE', default: 'holdpoint.yaml', help: 'configuration file' } as const;
export const JSON_OUTPUT = { help: 'print JSON, for scripts' } as const;

/** @throws UsageError for options that are unknown or lack their value */
export function parseOptions(args: readonly string[], options: Options) {
  const config = {
    args: [...args],
    allowPositionals: true,
    options: Object.fromEntries(
      Object.entries(options).map(([name, { value, ...option }]) => [
        name,
        value === undefined
          ? { ...option, type: 'boolean' as const, default: false }
          : { ...(option.multiple && { default: [] }), ...option, type: 'string' as const },
      ]),
    ),
  };
  try {
    return parseArgs(config);
  } catch (cause) {
    const { tokens } = parseArgs({ ...config, strict: false, tokens: true });
    const unknown = tokens.find((token) => token.kind === 'option' && !Object.hasOwn(options, token.name));
    if (unknown?.kind === 'option') {
      const known = Object.keys(options).map((name) => `--${name}`);
      throw new UsageError(`Unknown option ${unknown.rawName}.${didYouMean(unknown.rawName, known)}`, { cause });
    }
    const [sentence = ''] = (cause as Error).message.split('\n');
    throw new UsageError(`${sentence.replace(/\.$/, '')}.`, { cause });
  }
}

/** @throws UsageError where a required option is missing, or one has a value that it cannot take */
export function checkOptions(values: Readonly<Record<string, unknown>>, options: Options): void {
  for (const [name, { value, required, oneOf }] of Object.entries(options)) {
    const given = values[name];
    if (given === undefined ? required : oneOf && !oneOf.includes(String(given))) {
      throw new UsageError(oneOf ? `--${name}: expected one of ${oneOf.join(', ')}.` : `Missing --${name} ${value}.`);
    }
  }
}

/** A question to put after an error, with a space before it; empty where nothing is close. */
export function didYouMean(given: string, known: readonly string[]): string {
  const meant = nearest(given, known);
  return meant === undefined ? '' : ` Did you mean "${meant}"?`;
}
