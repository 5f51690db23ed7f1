/** The JSON pointer (RFC 6901) of a member, or of an element by its index. */
export function pointerTo(parent: string, member: string | number): string {
  return `${parent}/${String(member).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** A member's name, from the token that stands for it in a pointer. */
export function unescaped(token: string): string {
  return token.replaceAll('~1', '/').replaceAll('~0', '~');
}

/** Whether a pointer names the same place as `above`, or one below it. `""` is the whole document. */
export function isWithin(pointer: string, above: string): boolean {
  return pointer === above || pointer.startsWith(`${above}/`);
}

const isEnumerable = Object.prototype.propertyIsEnumerable;

/** The value at a pointer; undefined when there is none. */
export function valueAt(document: unknown, pointer: string): unknown {
  let value = document;
  for (const token of pointer.split('/').slice(1)) {
    const member = unescaped(token);
    // Enumerable properties only: an array's `length` is not an element.
    if (typeof value !== 'object' || value === null || !isEnumerable.call(value, member)) return undefined;
    value = (value as Record<string, unknown>)[member];
  }
  return value;
}
