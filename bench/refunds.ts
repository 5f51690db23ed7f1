/**
 * Refunds small enough for the example policy to allow, each with another charge, amount and ticket, so that nothing that
 * remembers a call makes the next ones look cheap.
 */
export type Refund = {
  readonly charge: string;
  readonly amount: number;
  readonly metadata: { readonly ticket: string };
};

export function refunds(count: number): Refund[] {
  return Array.from({ length: count }, (_, i) => ({
    charge: `ch_3Rd${String(2 + i * 7919).padStart(18, '0')}`,
    amount: 100 + ((i * 613) % 4900),
    metadata: { ticket: `T-${1042 + i}` },
  }));
}

/** Refunds as JSON of about `bytes` bytes: what was bought is listed with them, line by line. */
export function longRefunds(count: number, bytes: number): string[] {
  return refunds(count).map((refund, i) => {
    const lines: object[] = [];
    for (let length = 0; length < bytes - 300; length += JSON.stringify(lines.at(-1)).length + 1) {
      const line = lines.length + i * 31;
      lines.push({
        sku: `SKU-${10_000 + line}`,
        quantity: 1 + (line % 9),
        unit_amount: 199 + line,
        note: 'arrived late',
      });
    }
    return JSON.stringify({ ...refund, lines });
  });
}
