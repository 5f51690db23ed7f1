/** What an agent offers to choose from: a text, or an object with an id and perhaps a label. */
export type Option = { readonly id: string; readonly label: string; readonly group: string | null };

const ESCALATE_TO = 'escalate_to_';

export function optionOf(given: unknown): Option {
  const member = (name: string) => {
    const value = typeof given === 'object' && given !== null ? (given as Record<string, unknown>)[name] : undefined;
    return typeof value === 'string' ? value : undefined;
  };
  const id = typeof given === 'string' ? given : (member('id') ?? JSON.stringify(given));
  const group = id.startsWith(ESCALATE_TO) ? id.slice(ESCALATE_TO.length) : null;
  return { id, label: member('label') ?? (group === null ? id : `Escalate to ${group}`), group };
}
