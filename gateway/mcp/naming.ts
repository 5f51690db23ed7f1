/** How policy and record name a message. */
export type Named = {
  readonly operation: string;
  readonly resource: { readonly type: string; readonly id: string | null };
};

/** A tool is an operation of its own; of everything else, the method is. */
export function nameMessage(method: string, subject: string | null): Named {
  if (method === 'tools/call') return { operation: subject ?? '', resource: { type: 'tool', id: subject } };
  const type = subject === null ? 'mcp' : method.split('/', 1)[0]!.replace(/s$/, '');
  return { operation: `mcp:${method}`, resource: { type, id: subject } };
}
