import { checkOptions, didYouMean, parseOptions, UsageError, type Options, type Values } from './options.ts';
import { helpPage, usageLine } from './pages/help-page.ts';
import { plain } from './pages/plain-text.ts';
import type { Terminal } from './terminal.ts';

/** How a command is called, such as `holdpoint audit verify`, and what it does. */
export type Title = { readonly name: string; readonly summary: string };

/** A command, given what follows its name. @returns the exit code */
export type Command = (args: readonly string[], terminal: Terminal, title: Title) => Promise<number>;

export type Subcommand = readonly [summary: string, load: () => Command | Promise<Command>];

export type Definition<O extends Options> = {
  /** Names of the arguments in their order, such as `ID`; optional ones in brackets. The last may be `ID…`: one or more. */
  readonly parameters?: readonly string[];
  readonly options?: O;
  readonly commands?: Readonly<Record<string, Subcommand>>;
  /** What else there is to know, a line each. */
  readonly notes?: readonly string[];
  /** Help on what the arguments name, in place of the command's own; undefined when they name nothing. */
  readonly helpOn?: (args: readonly string[]) => Promise<string | undefined>;
  /** Left out where one of `commands` has to be named. @returns the exit code: 0, or 1 when it failed */
  readonly run?: (given: {
    readonly args: readonly string[];
    readonly values: Values<O>;
    readonly terminal: Terminal;
  }) => Promise<number>;
};

/** The command failed or was refused; `message` tells the person what to do. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
}

/** A command with help, usage errors and exit codes: 0 ok, 1 failed or refused, 2 usage error. */
export function defineCommand<const O extends Options = Record<never, never>>(definition: Definition<O>): Command {
  const { parameters = [], commands = {}, notes = [], helpOn, run } = definition;
  const options: Options = { ...definition.options, help: { short: 'h', help: 'show this help' } };
  const helped = { parameters, commands, needsCommand: run === undefined, options, notes };

  return async function command(args, terminal, { name, summary }) {
    const [first = '', ...rest] = args;
    if (Object.hasOwn(commands, first)) {
      const [summary, load] = commands[first]!;
      return (await load())(rest, terminal, { name: `${name} ${first}`, summary });
    }
    if (first === 'help' && definition.commands) return command([...rest, '--help'], terminal, { name, summary });
    try {
      const { positionals, values } = parseOptions(args, options);
      const asksNothing = run === undefined && positionals.length === 0;
      if (values['help'] || asksNothing) {
        terminal.out((await helpOn?.(positionals)) ?? helpPage(name, summary, helped));
        return 0;
      }
      checkArguments(positionals, name);
      checkOptions(values, options);
      return await run!({ args: positionals, values: values as Values<O>, terminal });
    } catch (error) {
      terminal.err(
        `${explain(error as Error)
          .split('\n')
          .map(plain)
          .join('\n')}\n`,
      );
      if (!(error instanceof UsageError)) return 1;
      terminal.err(`${usageLine(name, helped)}\n`);
      return 2;
    }
  };

  function checkArguments(args: readonly string[], name: string): void {
    const extra = parameters.at(-1)?.endsWith('…') ? undefined : args[parameters.length];
    if (extra !== undefined && definition.commands) {
      if (Object.hasOwn(commands, extra)) throw new UsageError(`Put options after "${extra}".`);
      const path = name.replace('holdpoint', '');
      const guess = didYouMean(extra, Object.keys(commands));
      throw new UsageError(`There is no${path} command "${extra}".${guess}`);
    }
    if (extra !== undefined) throw new UsageError(`Unexpected argument "${extra}".`);
    const missing = parameters.find((parameter, at) => !parameter.startsWith('[') && args[at] === undefined);
    if (missing !== undefined) throw new UsageError(`Missing ${missing.replace('…', '')}.`);
  }
}

/** What went wrong, in words for the person at the terminal; what was not expected comes with its stack. */
function explain(error: Error): string {
  const isExpected = error instanceof UsageError || error instanceof CommandFailed || error.cause === undefined;
  return isExpected ? error.message : `${error.stack}`;
}
