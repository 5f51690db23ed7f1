/** A value as scripts read it, and people too. */
export function jsonPage(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
