import { RE2JS } from 're2js';
import { integerOf, type RegoValue } from '../rego-value.ts';
import { type Builtins, ofText } from './builtin.ts';

// RE2's expressions, in time linear in the text: the module matches with RE2 too. JavaScript's backtrack.

export const regexBuiltins: Builtins = {
  'regex.replace': ofText((text, pattern, replacement) => {
    const found = findAll(pattern!, text!);
    if (!found) return undefined;
    let result = '';
    let copied = 0;
    for (const match of found) {
      result += text!.slice(copied, match.start) + expand(replacement!, match);
      copied = match.end;
    }
    return result + text!.slice(copied);
  }),
  'regex.split': ofText((pattern, text) => {
    const found = findAll(pattern!, text!);
    if (!found) return undefined;
    if (pattern !== '' && text === '') return [''];
    const parts: string[] = [];
    let start = 0;
    let end = 0;
    for (const match of found) {
      end = match.start;
      if (match.end !== 0) parts.push(text!.slice(start, end));
      start = match.end;
    }
    return end === text!.length ? parts : [...parts, text!.slice(start)];
  }),
  'regex.find_n': (pattern, text, limit) => {
    const count = limit === undefined ? undefined : integerOf(limit);
    if (typeof pattern !== 'string' || typeof text !== 'string' || count === undefined) return undefined;
    const found = findAll(pattern, text);
    return (count < 0n ? found : found?.slice(0, Number(count)))?.map((match): RegoValue => match.groups[0] ?? '');
  },
};

type Match = {
  readonly start: number;
  readonly end: number;
  readonly groups: readonly (string | null)[];
  readonly names: Readonly<Record<string, number>>;
};

/** Length of the text times that of the expression, so that no match holds a worker for more than about 50 ms. */
const MOST_WORK = 1_000_000;
const KEPT = 100;
const compiled = new Map<string, RE2JS>();

function compile(pattern: string): RE2JS | undefined {
  const known = compiled.get(pattern);
  if (known) return known;
  try {
    const expression = RE2JS.compile(pattern);
    if (compiled.size >= KEPT) compiled.delete(compiled.keys().next().value!);
    compiled.set(pattern, expression);
    return expression;
  } catch {
    return undefined;
  }
}

/** Every match, as Go's FindAll chooses them: no empty one right after another. */
function findAll(pattern: string, text: string): Match[] | undefined {
  const expression = compile(pattern);
  if (!expression) return undefined;
  if (text.length * pattern.length > MOST_WORK)
    throw new Error(`regex: a text of ${text.length} characters is too long for this expression`);
  const matcher = expression.matcher(text);
  const found: Match[] = [];
  let lastEnd = -1;
  for (let at = 0; at <= text.length && matcher.find(at);) {
    const [start, end] = [matcher.start(), matcher.end()];
    const isEmptyHere = end === at;
    at = isEmptyHere ? at + ((text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1) : end;
    if (!isEmptyHere || start !== lastEnd) {
      const groups = Array.from({ length: matcher.groupCount() + 1 }, (_, index) => matcher.group(index));
      found.push({ start, end, groups, names: expression.namedGroups() });
    }
    lastEnd = end;
  }
  return found;
}

/** A replacement as Go's Regexp.Expand reads it: `$1`, `$name`, `${name}`, `$$`. */
function expand(replacement: string, { groups, names }: Match): string {
  return replacement.replace(/\$(?:\$|\{(\w+)\}|(\w+))/g, (_, braced?: string, plain?: string) => {
    const name = braced ?? plain;
    if (name === undefined) return '$';
    return groups[/^\d+$/.test(name) ? Number(name) : (names[name] ?? -1)] ?? '';
  });
}
