const format = new Intl.NumberFormat('en-GB');

/** A whole number for people: `12,340`. */
export function whole(count: number): string {
  return format.format(count);
}

/** `1 call`, `12,340 calls` */
export function plural(count: number, one: string): string {
  return `${whole(count)} ${one}${count === 1 ? '' : 's'}`;
}

/** `12 %`; a little is not nothing, and not quite all is not all. @param share 0 to 1 */
export function percent(share: number): string {
  if (share > 0 && share < 0.01) return '< 1 %';
  return `${share < 1 ? Math.min(99, Math.round(share * 100)) : 100} %`;
}
