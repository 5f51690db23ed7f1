/** Values that someone still has to fill in, and nothing else. Secrets may contain `$`, `%`, `{` and `<`. */
const PLACEHOLDERS: readonly RegExp[] = [
  /^\$(?<name>[A-Z_][A-Z0-9_]*)$/,
  /^\$\((?<name>[A-Z_][A-Z0-9_]*)\)$/,
  /^%(?<name>[A-Z_][A-Z0-9_]*)%$/,
  /^\$?\{\{\s*(?:\w+\.)*(?<name>\w+)?[^{}]*\}\}$/,
  // Not an address of mail.
  /^<[^<>@]+>$/,
  /^your[-_ ](?:\w+[-_ ])*(?:key|token|secret|password)(?:[-_ ]here)?$/i,
];
/** What may stand before a secret: the scheme of a header. */
const SCHEME = /^[A-Za-z][\w-]* +(?=\S)/;

/**
 * Says that a value was never filled in, and how to write what was probably meant. Null for any other value. It shows the
 * name of a variable that is set, and nothing else of the value, which may be a secret after all.
 * @param text as it stands in the file, before variables are replaced
 */
export function whyPlaceholder(text: string, env: NodeJS.ProcessEnv): string | null {
  for (const part of partsOf(text)) {
    const found = PLACEHOLDERS.map((pattern) => pattern.exec(part)).find((match) => match !== null);
    if (!found) continue;
    const name = found.groups?.['name'];
    const written = name === undefined || env[name] === undefined ? 'NAME' : name;
    return `a placeholder is left here; write \${${written}} for an environment variable. A real value that looks like this must come from a variable or a file`;
  }
  return null;
}

/** The value, without a scheme before it; of a URL, its user and password too. */
function partsOf(text: string): string[] {
  const url = /^\w+:\/\/([^/@]+)@/.exec(text);
  return [text.replace(SCHEME, ''), ...(url?.[1]?.split(':') ?? [])];
}
