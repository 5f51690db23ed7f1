import { isList, isNumber, isObject, parseExactly, type ExactJson } from '../../../gateway/json/exact-json.ts';
import { pointerTo, unescaped, valueAt } from '../../../gateway/json/pointer.ts';
import type { JsonSchema } from '../server/shapes.ts';

/** One place of a call that a reviewer may change, and how. */
export type Field = {
  /** JSON pointer (RFC 6901). */
  readonly pointer: string;
  readonly label: string;
  readonly help: string | null;
  readonly kind: 'text' | 'number' | 'boolean' | 'choice' | 'json';
  /** Undefined where the call has no such member. */
  readonly value: ExactJson | undefined;
  readonly schema: JsonSchema;
};

/** What has been typed, by pointer. A field that is not in it is as it was. */
export type Drafts = Readonly<Record<string, string>>;

/** A change of a call as JSON Patch (RFC 6902), or why there is none yet. */
export type Change = {
  readonly patch: readonly { readonly op: 'add' | 'replace'; readonly path: string; readonly value: ExactJson }[];
  /** What is wrong, by pointer. */
  readonly wrong: Readonly<Record<string, string>>;
};

/** An object with more members than this is edited as JSON. */
const MOST_FIELDS = 40;

/** The fields of a form over the places that may be changed. */
export function fieldsOf(
  body: ExactJson,
  editable: readonly string[],
  schemas: Readonly<Record<string, JsonSchema>> = {},
): Field[] {
  return editable.flatMap((pointer) => fieldsAt(pointer, valueAt(body, pointer) as ExactJson | undefined, schemas));
}

function fieldsAt(
  pointer: string,
  value: ExactJson | undefined,
  schemas: Readonly<Record<string, JsonSchema>>,
): Field[] {
  const schema = schemas[pointer] ?? {};
  if (isObject(value)) {
    const members = Object.entries(value);
    if (members.length > 0 && members.length <= MOST_FIELDS)
      return members.flatMap(([name, each]) => fieldsAt(pointerTo(pointer, name), each, schemas));
  }
  const label = schema.title ?? labelOf(pointer);
  return [{ pointer, label, help: schema.description ?? null, kind: kindOf(value, schema), value, schema }];
}

/** `/items/0/unit_price` is `Items › 1 › unit_price`: the words are those of the API, the places those of people. */
function labelOf(pointer: string): string {
  const tokens = pointer.split('/').slice(1).map(unescaped);
  return tokens.map((token) => (/^\d+$/.test(token) ? String(Number(token) + 1) : token)).join(' › ') || 'the body';
}

function kindOf(value: ExactJson | undefined, { enum: choices, type }: JsonSchema): Field['kind'] {
  if (choices && choices.length > 0 && choices.every((choice) => typeof choice === 'string')) return 'choice';
  // What the call has is what the system was sent: its type wins over the document's.
  if (typeof value === 'string') return 'text';
  if (isNumber(value)) return 'number';
  if (typeof value === 'boolean') return 'boolean';
  if (value === undefined) {
    if (type === 'string') return 'text';
    if (type === 'number' || type === 'integer') return 'number';
    if (type === 'boolean') return 'boolean';
  }
  return 'json';
}

/** A field's value as it is typed. */
export function typed({ kind, value }: Pick<Field, 'kind' | 'value'>): string {
  if (value === undefined) return '';
  if (kind === 'text' || (kind === 'choice' && typeof value === 'string')) return String(value);
  return JSON.stringify(value, null, isList(value) || isObject(value) ? 2 : undefined);
}

/** What the drafts change. A field keeps its type: a number that is typed is a number, with every digit. */
export function changeOf(fields: readonly Field[], drafts: Drafts): Change {
  const patch: Change['patch'][number][] = [];
  const wrong: Record<string, string> = {};
  for (const field of fields) {
    const draft = drafts[field.pointer];
    if (draft === undefined || draft === typed(field)) continue;
    const read = readDraft(field, draft);
    if ('wrong' in read) wrong[field.pointer] = read.wrong;
    else patch.push({ op: field.value === undefined ? 'add' : 'replace', path: field.pointer, value: read.value });
  }
  return { patch, wrong };
}

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

function readDraft({ kind, schema }: Field, draft: string): { readonly value: ExactJson } | { readonly wrong: string } {
  switch (kind) {
    case 'text':
    case 'choice':
      return lengthProblem(draft, schema) ?? { value: draft };
    case 'boolean':
      return { value: draft === 'true' };
    case 'number': {
      const text = draft.trim();
      if (!NUMBER.test(text)) return { wrong: 'A number, such as 1250 or 12.50, without separators.' };
      if (schema.type === 'integer' && !/^-?\d+$/.test(text)) return { wrong: 'A whole number.' };
      return rangeProblem(Number(text), schema) ?? { value: parseExactly(text) };
    }
    case 'json':
      try {
        return { value: parseExactly(draft) };
      } catch {
        return { wrong: 'This is not JSON yet. Texts need quotation marks.' };
      }
  }
}

function lengthProblem(text: string, { minLength = 0, maxLength = Infinity }: JsonSchema): { wrong: string } | null {
  if (text.length < minLength) return { wrong: `At least ${minLength} characters.` };
  return text.length > maxLength ? { wrong: `At most ${maxLength} characters.` } : null;
}

function rangeProblem(number: number, { minimum = -Infinity, maximum = Infinity }: JsonSchema) {
  if (number < minimum) return { wrong: `At least ${minimum}.` };
  return number > maximum ? { wrong: `At most ${maximum}.` } : null;
}

/** The body as the patch makes it. Only places that `fieldsOf` gave are in it. */
export function patched(body: ExactJson, { patch }: Pick<Change, 'patch'>): ExactJson {
  return patch.reduce<ExactJson>((whole, { path, value }) => set(whole, path.split('/').slice(1), value), body);
}

function set(whole: ExactJson, [token, ...rest]: readonly string[], value: ExactJson): ExactJson {
  if (token === undefined) return value;
  const member = unescaped(token);
  if (isList(whole)) return whole.map((each, index) => (String(index) === member ? set(each, rest, value) : each));
  const members = isObject(whole) ? whole : {};
  return { ...members, [member]: set(members[member] ?? {}, rest, value) };
}
