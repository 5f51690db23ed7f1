import type { Option, Options } from '../options.ts';
import { table } from './table.ts';

/** What the help of a command is made of. */
export type Helped = {
  readonly parameters: readonly string[];
  readonly commands: Readonly<Record<string, readonly [summary: string, ...unknown[]]>>;
  readonly needsCommand: boolean;
  readonly options: Options;
  readonly notes: readonly string[];
};

/** How a command is called, on one line. */
export function usageLine(name: string, { parameters, commands, needsCommand, options }: Helped): string {
  const choice = Object.keys(commands).join('|');
  const required = Object.entries(options).filter(([, option]) => option.required);
  // Every command has --help; where it has nothing else, the line is shorter without it.
  const others = choice !== '' || Object.keys(options).length - required.length > 1;
  return [
    `Usage: npx ${name}`,
    ...(choice === '' ? [] : [needsCommand ? choice : `[${choice}]`]),
    ...parameters,
    ...required.map(([option, { value }]) => `--${option} ${value}`),
    ...(others ? ['[options]'] : []),
  ].join(' ');
}

export function helpPage(name: string, summary: string, helped: Helped): string {
  const commands = Object.entries(helped.commands).map(([name, [summary]]) => [name, summary]);
  return `${[
    `${name}: ${summary}`,
    '',
    usageLine(name, helped),
    ...section('Commands', commands),
    ...section('Options', Object.entries(helped.options).map(optionRow)),
    '',
    ...helped.notes,
    'Exit codes: 0 ok, 1 failed or refused, 2 usage error.',
  ].join('\n')}\n`;
}

function section(title: string, rows: readonly (readonly string[])[]): string[] {
  return rows.length === 0 ? [] : ['', `${title}:`, ...table(rows).map((line) => `  ${line}`)];
}

function optionRow([name, { short, value, help, oneOf, default: fallback }]: [string, Option]): string[] {
  return [
    [...(short ? [`-${short},`] : []), `--${name}`, ...(value ? [value] : [])].join(' '),
    `${help}${oneOf ? `: ${oneOf.join(', ')}` : ''}${fallback === undefined ? '' : ` (default: ${fallback})`}`,
  ];
}
