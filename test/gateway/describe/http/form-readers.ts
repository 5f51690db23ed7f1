/** Readers of forms as servers have them, written from their documented rules and compared with the real ones. */
export type FormValue = string | { [name: string]: FormValue };

const decode = (text: string) => decodeURIComponent(text.replaceAll('+', ' '));
const isText = (value: FormValue | undefined): value is string => typeof value === 'string';

function pairs(form: string): [name: string, value: string][] {
  return form
    .split('&')
    .filter((field) => field !== '')
    .map((field) => {
      const [name = '', ...rest] = field.split('=');
      return [decode(name), decode(rest.join('='))];
    });
}

/** `url.Values.Get` of Go, and `request.form[…]` of Flask: flat, and the first value counts. */
export function readAsGo(form: string): { [name: string]: FormValue } {
  return pairs(form).reduceRight<{ [name: string]: FormValue }>(
    (all, [name, value]) => ({ ...all, [name]: value }),
    {},
  );
}

/** `parse_str` of PHP: the last value counts, each `[]` begins an element, and names are mangled. */
export function readAsPhp(form: string): { [name: string]: FormValue } {
  const root: { [name: string]: FormValue } = Object.create(null);
  for (const [name, value] of pairs(form)) {
    const text = name.replace(/^ +/, '').split('\0')[0]!;
    const open = text.indexOf('[');
    if (text === '' || open === 0) continue;
    const first = (open === -1 ? text : text.slice(0, open)).replace(/[. ]/g, '_');
    const keys = open === -1 ? [] : [...text.slice(open).matchAll(/\[([^\]]*)\]/g)].map((match) => match[1]!);
    let at = root;
    let key = first;
    for (const next of keys) {
      if (isText(at[key]) || at[key] === undefined) at[key] = Object.create(null) as { [name: string]: FormValue };
      at = at[key] as { [name: string]: FormValue };
      key = next.trim() === '' ? String(Object.keys(at).filter((each) => /^\d+$/.test(each)).length) : next;
    }
    at[key] = value;
  }
  return root;
}

/** `parse_nested_query` of Rack: the last value counts, and `[]` continues an element until a name comes again. */
export function readAsRack(form: string): { [name: string]: FormValue } {
  const root: { [name: string]: FormValue } = Object.create(null);
  const lengths = new Map<object, number>();
  for (const [name, value] of pairs(form)) {
    const [, first = '', brackets = ''] = /^([^[]*)(.*)$/.exec(name.trimStart())!;
    const keys = brackets === '' ? [] : brackets.slice(1, -1).split('][');
    let at = root;
    let key = first;
    keys.forEach((next, index) => {
      if (isText(at[key]) || at[key] === undefined) at[key] = Object.create(null) as { [name: string]: FormValue };
      at = at[key] as { [name: string]: FormValue };
      key = next;
      if (next !== '') return;
      const length = lengths.get(at) ?? 0;
      const rest = keys.slice(index + 1);
      const begins = length === 0 || rest.length === 0 || hasPath(at[String(length - 1)], rest);
      key = String(begins ? length : length - 1);
      lengths.set(at, begins ? length + 1 : length);
    });
    at[key] = value;
  }
  return root;
}

function hasPath(value: FormValue | undefined, keys: readonly string[]): boolean {
  if (keys.includes('')) return false;
  let at = value;
  for (const key of keys) {
    if (isText(at) || at === undefined) return false;
    at = at[key];
  }
  return at !== undefined;
}
