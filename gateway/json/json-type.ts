/**
 * Whether a media type is one of JSON: those of RFC 8259 and RFC 6839, and the one of AWS, such as
 * `application/x-amz-json-1.1`.
 * @param type in lower case, without parameters
 */
export function isJsonType(type: string): boolean {
  return (
    type === 'application/json' ||
    type === 'text/json' ||
    type.endsWith('+json') ||
    type.startsWith('application/x-amz-json-')
  );
}
