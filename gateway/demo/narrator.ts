import { styleText } from 'node:util';

export type Verdict = 'allow' | 'hold' | 'block';

export type Narrator = {
  heading(text: string): void;
  line(text?: string): void;
  /** The code of a call about to be made. */
  intent(code: string): void;
  verdict(verdict: Verdict, outcome: string, milliseconds: number): void;
  /** More about the latest call. */
  note(text: string): void;
  /** A command to copy, in parts if it is long, one part a line. */
  command(...parts: readonly string[]): void;
  table(rows: readonly Readonly<Record<string, string>>[]): void;
};

const COLOUR = { allow: 'green', hold: 'yellow', block: 'red' } as const;

function time(milliseconds: number): string {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

/** Prints the demo to a terminal or a file; in colour only where `styleText` allows it (a TTY, no NO_COLOR). */
export function createNarrator(out: NodeJS.WritableStream): Narrator {
  const style = (format: Parameters<typeof styleText>[0], text: string): string =>
    styleText(format, text, { stream: out });
  const line = (text = ''): void => void out.write(`${text}\n`);
  return {
    line,
    heading: (text) => line(`\n${style('bold', text)}\n`),
    intent: (code) => line(`  ${code}`),
    verdict: (verdict, outcome, milliseconds) =>
      line(`    ${style(['bold', COLOUR[verdict]], verdict.padEnd(5))}  ${time(milliseconds).padStart(7)}  ${outcome}`),
    note: (text) => line(`    ${' '.repeat(14)}  ${style('dim', text)}`),
    command: (first, ...rest) => {
      line(`      ${style('cyan', [first, ...rest.map((part) => `       ${part}`)].join(' \\\n'))}`);
    },
    table: (rows) => {
      const columns = Object.keys(rows[0] ?? {});
      const widths = columns.map((name) => Math.max(name.length, ...rows.map((row) => row[name]?.length ?? 0)));
      const cells = (values: readonly string[]): string =>
        `  ${values.map((value, i) => value.padEnd(widths[i] ?? 0)).join('  ')}`.trimEnd();
      line(style('dim', cells(columns)));
      for (const row of rows) line(cells(columns.map((name) => row[name] ?? '')));
    },
  };
}
