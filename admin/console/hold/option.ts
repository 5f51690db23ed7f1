/** What an agent offers to choose from: a text, or an object with an id and perhaps a label. */
export type Option = {
  readonly id: string;
  /** At most `LONGEST` characters: a longer one would push the verbs out of sight. */
  readonly label: string;
  /** Whether the label is not all of what the agent wrote. */
  readonly isCut: boolean;
  readonly group: string | null;
};

const ESCALATE_TO = 'escalate_to_';
const LONGEST = 80;

export function optionOf(given: unknown): Option {
  const member = (name: string) => {
    const value = typeof given === 'object' && given !== null ? (given as Record<string, unknown>)[name] : undefined;
    return typeof value === 'string' ? value : undefined;
  };
  const id = typeof given === 'string' ? given : (member('id') ?? JSON.stringify(given));
  const group = id.startsWith(ESCALATE_TO) ? id.slice(ESCALATE_TO.length) : null;
  const whole = member('label') ?? (group === null ? id : `Escalate to ${group}`);
  const isCut = whole.length > LONGEST;
  return { id, label: isCut ? `${whole.slice(0, LONGEST).toWellFormed()}…` : whole, isCut, group };
}
