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

/** Whether a Content-Type is one of JSON. @param contentType as written, with its parameters */
export function isJsonContent(contentType: string): boolean {
  return isJsonType(contentType.split(';', 1)[0]!.trim().toLowerCase());
}
