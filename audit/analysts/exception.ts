/**
 * An error in the form that ClickHouse's clients parse: `Code: 60. DB::Exception: text (UNKNOWN_TABLE)`, with the code
 * repeated in a header.
 */
export class ServerException extends Error {
  readonly code: number;
  /** HTTP status, where it differs from the one that a server gives to the code. */
  readonly status: number | null;
  /** Seconds after which to try again; null where that would not help. */
  readonly retryAfter: number | null;

  constructor(
    code: number,
    name: string,
    text: string,
    { status = null, retryAfter = null }: { readonly status?: number | null; readonly retryAfter?: number | null } = {},
  ) {
    super(`Code: ${code}. DB::Exception: ${text} (${name})`);
    this.code = code;
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** ClickHouse's codes by the HTTP status that a server gives them; every other code is a 500. */
const STATUS: readonly (readonly [status: number, codes: readonly number[]])[] = [
  [400, [6, 8, 10, 15, 25, 26, 27, 36, 38, 41, 44, 53, 62, 72, 117, 167, 168, 223, 321, 376, 427, 441, 675, 676]],
  [403, [192, 193, 497, 511, 516]],
  [404, [46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 311, 336]],
  [408, [159]],
  [413, [307]],
  [501, [48]],
];

/** The code, the HTTP status and the text with which a server of that version reports an error. */
export function describeError(error: unknown, version: string): { code: number; status: number; text: string } {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof ServerException ? error.code : Number(/Code: (\d+)/.exec(message)?.[1] ?? 1001);
  const status =
    (error instanceof ServerException ? error.status : null) ??
    STATUS.find(([, codes]) => codes.includes(code))?.[0] ??
    500;
  const text = /^Code: \d/.test(message) ? unwrap(message) : `Code: ${code}. DB::Exception: ${message} (STD_EXCEPTION)`;
  return { code, status, text: `${text} (version ${version} (official build))` };
}

/** The engine wraps an exception each time it passes it on; a server reports it once. */
function unwrap(message: string): string {
  let text = message.trim();
  for (;;) {
    const inner =
      /^Code: (\d+)\. DB::Exception: (Code: \1\. DB::Exception: [^]*) \(version [\d.]+\)\. \((\w+)\)\.?$/.exec(text);
    if (!inner) return text;
    text = inner[2]!;
  }
}
