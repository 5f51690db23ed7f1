/** The JSON pointer (RFC 6901) of a member, or of an element by its index. */
export function pointerTo(parent: string, member: string | number): string {
  return `${parent}/${String(member).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** Whether a pointer names the same place as another, or one below it. `""` is the whole document. */
export function isWithin(pointer: string, above: string): boolean {
  return pointer === above || pointer.startsWith(`${above}/`);
}
