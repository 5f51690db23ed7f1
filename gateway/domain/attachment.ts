/**
 * `Content-Disposition` of a file to be saved (RFC 6266). A name from outside must not end the header, leave the folder,
 * or hide the file. The plain form has harmless characters only; the extended form (RFC 8187) is encoded.
 */
export function attachment(name: string): string {
  const base = name.toWellFormed().split(/[/\\]/).at(-1) || 'artifact';
  const plain = base.replaceAll(/[^A-Za-z0-9._-]/g, '_').replace(/^\.+/, '_');
  const extended = encodeURIComponent(base).replaceAll(/['()*!]/g, (char) => `%${char.charCodeAt(0).toString(16)}`);
  return `attachment; filename="${plain}"; filename*=UTF-8''${extended}`;
}
