import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** An exception of Python: its class as `name`, and its text. */
export class PythonError extends Error {
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

/** A Python that keeps its variables from one program to the next. */
export type PythonSession = {
  /**
   * Runs statements, and resolves with the value of the last one if that is an expression. Programs run one by one.
   * @throws PythonError
   */
  run(program: string): Promise<unknown>;
  close(): Promise<void>;
};

/** Reads one program per line, as a JSON string, and writes one answer per line. What programs print goes to stderr. */
const LOOP = `
import ast, json, os, sys
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
scope = {}
for line in sys.stdin:
    try:
        tree = ast.parse(json.loads(line))
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "<test>", "exec"), scope)
        value = eval(compile(ast.Expression(last.value), "<test>", "eval"), scope) if last else None
        answer = {"value": value}
    except Exception as error:
        answer = {"error": [type(error).__name__, str(error)]}
    print(json.dumps(answer, default=lambda value: value.decode() if isinstance(value, bytes) else str(value)), file=answers, flush=True)
`;

type Answer = { readonly value?: unknown; readonly error?: readonly [name: string, message: string] };

/** @param python as `pythonWith` resolves; @param env the whole environment of the process */
export function startPython(python: string, env: Readonly<Record<string, string>>): PythonSession {
  const child = spawn(python, ['-c', LOOP], { env, stdio: ['pipe', 'pipe', 'pipe'] });
  const waiting: { resolve(answer: Answer): void; reject(error: Error): void }[] = [];
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(-10_000)));
  child.stdin.on('error', () => {});
  createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.resolve(JSON.parse(line) as Answer));
  const exited = new Promise<void>((resolve) =>
    child.on('close', () => {
      for (const { reject } of waiting) reject(new Error(`Python ended: ${stderr}`));
      resolve();
    }),
  );
  return {
    async run(program) {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`Python ended: ${stderr}`);
      const { value, error } = await new Promise<Answer>((resolve, reject) => {
        waiting.push({ resolve, reject });
        child.stdin.write(`${JSON.stringify(dedented(program))}\n`);
      });
      if (error) throw new PythonError(...error);
      return value;
    },
    async close() {
      child.stdin.end();
      await exited;
    },
  };
}

/** Without the indentation that all lines have in common. */
function dedented(program: string): string {
  const lines = program.split('\n').filter((line) => line.trim() !== '');
  const indent = Math.min(...lines.map((line) => line.search(/\S/)));
  return lines.map((line) => line.slice(indent)).join('\n');
}
