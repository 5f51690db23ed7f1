const ESCAPED_SURROGATE = /\\u[dD][89abAB]/;

/**
 * JSON text with escaped surrogate pairs replaced by their characters. Every reader sees the same value but OPA's WASM
 * module (1.22), which reads \ud840\udc00 (U+20000) as U+10000 and would judge another text than is sent.
 */
export function unescapePairs(json: string): string {
  if (!ESCAPED_SURROGATE.test(json)) return json;
  // Every escape is matched, so that the second half of an escaped backslash never starts one.
  return json.replace(/\\(?:u(d[89ab]..)\\u(d[c-f]..)|.)/gi, (escape, high?: string, low?: string) =>
    high && low ? String.fromCharCode(Number.parseInt(high, 16), Number.parseInt(low, 16)) : escape,
  );
}
