import { useMemo } from 'react';
import type { ExactJson } from '../../../gateway/json/exact-json.ts';
import { changedLines, linesOf, type BodyLine } from '../body/body-lines.ts';
import { AgentText } from '../text/agent-text.tsx';

/** Characters, and lines, of one piece of a long text: the browser lays out only the pieces in sight. */
const PIECE = 16_384;
const LINES = 128;

type JsonBoxProps = {
  readonly body: ExactJson;
  readonly before?: ExactJson;
  readonly label: string;
  /** What other values stood at some places, by JSON pointer, as text. */
  readonly instead?: ReadonlyMap<string, string>;
};

/** A body as JSON, whole. With `before`, what changed since then is marked. */
export function JsonBox({ body, before, label, instead }: JsonBoxProps) {
  const lines = useMemo(() => (before === undefined ? linesOf(body) : changedLines(before, body)), [body, before]);
  return (
    // A long body scrolls with the page; a focus here would only be in the way of those who tab.
    <figure className="body-box" aria-label={label}>
      {lines.length > LINES ? (
        Array.from({ length: Math.ceil(lines.length / LINES) }, (_, index) => (
          <div key={index} className="piece lines">
            <Lines lines={lines.slice(index * LINES, (index + 1) * LINES)} instead={instead} />
          </div>
        ))
      ) : (
        <Lines lines={lines} instead={instead} />
      )}
    </figure>
  );
}

type LinesProps = { readonly lines: readonly BodyLine[]; readonly instead: JsonBoxProps['instead'] };

function Lines({ lines, instead }: LinesProps) {
  return lines.map((line, index) => (
    // Lines have no other identity than their place.
    <Line key={index} line={line} instead={line.mark === 'same' ? instead?.get(line.pointer) : undefined} />
  ));
}

function Line({ line, instead }: { readonly line: BodyLine; readonly instead: string | undefined }) {
  const { depth, name, value, mark } = line;
  const isOther = instead !== undefined && (value.type !== 'bracket' || value.text.length === 2);
  return (
    <div className={isOther ? 'line other' : `line ${mark}`} style={{ '--depth': Math.min(depth, 24) } as object}>
      {mark !== 'same' && <span className="unseen">{mark === 'from' ? 'Removed: ' : 'Added: '}</span>}
      {name !== null && (
        <span className="member">
          <AgentText text={name} />:{' '}
        </span>
      )}
      <span className={value.type}>{value.type === 'string' ? <Quoted text={value.text} /> : value.text}</span>
      {isOther && (
        <span className="instead">
          {' '}
          <AgentText text={instead} />
        </span>
      )}
    </div>
  );
}

/** A text of any length: a long one in pieces. */
function Quoted({ text }: { readonly text: string }) {
  return (
    <>
      “
      {text.length > PIECE ? (
        pieces(text).map((piece, index) => <AgentText key={index} text={piece} />)
      ) : (
        <AgentText text={text} />
      )}
      ”
    </>
  );
}

/** A body as the text that it is, whole. */
export function TextBox({ text, label }: { readonly text: string; readonly label: string }) {
  const all = useMemo(() => pieces(text), [text]);
  return (
    <figure className="body-box text" aria-label={label}>
      {all.map((piece, index) => (
        <div key={index} className="piece">
          <AgentText text={piece} />
        </div>
      ))}
    </figure>
  );
}

/** Cut at line ends where there are some, and never through a character. */
function pieces(text: string): string[] {
  const found: string[] = [];
  let at = 0;
  while (at < text.length) {
    let end = Math.min(text.length, at + PIECE);
    if (end < text.length) {
      const line = text.lastIndexOf('\n', end);
      if (line > at + PIECE / 2) end = line + 1;
      else if (/[\uD800-\uDBFF]/.test(text[end - 1]!)) end -= 1;
    }
    found.push(text.slice(at, end));
    at = end;
  }
  return found;
}
