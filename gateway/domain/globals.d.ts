// What Node has and the compiler's own libraries do not describe yet.

/** An interface, so that the compiler does not take it for any object. */
interface RawJson {
  readonly rawJSON: string;
}

interface JSON {
  /** A value that `JSON.stringify` writes as this text. */
  rawJSON(text: string): RawJson;
  isRawJSON(value: unknown): value is RawJson;
}
