const ESCAPED_SURROGATE = /\\u[dD][89abAB]/;

/**
 * JSON text with its escaped surrogate pairs written as the characters they stand for. The same value to every reader
 * but OPA's WASM module (1.22), which takes \ud840\udc00, U+20000, for U+10000: judged would not be what is sent.
 */
export function unescapePairs(json: string): string {
  if (!ESCAPED_SURROGATE.test(json)) return json;
  // Every escape is matched, so that the second half of an escaped backslash never counts as the start of one.
  return json.replace(/\\(?:u(d[89ab]..)\\u(d[c-f]..)|.)/gi, (escape, high?: string, low?: string) =>
    high && low ? String.fromCharCode(Number.parseInt(high, 16), Number.parseInt(low, 16)) : escape,
  );
}
