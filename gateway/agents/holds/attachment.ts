/**
 * `Content-Disposition` for something to be saved (RFC 6266). A name from outside must not end the header or pass for a
 * path: the plain form has harmless characters alone, the extended one (RFC 8187) is encoded.
 */
export function attachment(name: string): string {
  const plain = name.replaceAll(/[^A-Za-z0-9._-]/g, '_').replace(/^\.+/, '_');
  const extended = encodeURIComponent(name.toWellFormed()).replaceAll(
    /['()*!]/g,
    (char) => `%${char.charCodeAt(0).toString(16)}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${extended}`;
}
