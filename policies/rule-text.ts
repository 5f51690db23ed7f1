/** Longest text of a rule, in lines and characters; what is longer ends with an ellipsis. */
const MOST_LINES = 60;
const MOST_CHARACTERS = 4_000;

/** A line that goes on with what begins above: indented, empty, or a closing bracket. */
const GOES_ON = /^(?:\s|[})\]]|$)/;

/**
 * The lines of the rule that begins at a line, as `opa fmt` lays rules out: all up to the next statement.
 * @param line counted from 1
 */
export function ruleText(source: string, line: number): string | null {
  const [head, ...rest] = source.split(/\r?\n/).slice(line - 1);
  if (head === undefined || head.trim() === '') return null;
  const end = rest.findIndex((each) => !GOES_ON.test(each));
  const lines = [head, ...(end < 0 ? rest : rest.slice(0, end))];
  const text = lines.slice(0, MOST_LINES).join('\n').trimEnd();
  const isCut = lines.slice(MOST_LINES).some((each) => each.trim() !== '') || text.length > MOST_CHARACTERS;
  return isCut ? `${text.slice(0, MOST_CHARACTERS)}\n…` : text;
}
