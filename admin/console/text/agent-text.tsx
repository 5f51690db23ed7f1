import { memo } from 'react';
import { partsOf, type TextPart } from '../../../gateway/domain/visible-text.ts';

/**
 * A text from outside: never markup, and everything in it that a reader would not notice is written out. It cannot turn
 * the direction of what stands next to it.
 */
export const AgentText = memo(function AgentText({ text }: { readonly text: string }) {
  const parts = partsOf(text);
  return (
    <bdi className="agent-text">
      {parts.map((part, index) => (part.kind === 'plain' ? part.text : <Marked key={index} {...part} />))}
    </bdi>
  );
});

function Marked({ kind, text }: TextPart) {
  switch (kind) {
    case 'mixed':
      return (
        <mark className="mixed-word" title={`Letters of several alphabets: ${codesOf(text)}`}>
          {text}
        </mark>
      );
    case 'blank':
      return (
        <mark className="hidden-char" title="Blanks that would push text out of sight">
          {text.includes('\n') ? `${text.split('\n').length - 1} line breaks` : `${text.length} spaces`}
        </mark>
      );
    default:
      return (
        <mark className="hidden-char" title="A character that is not seen">
          {codesOf(text)}
        </mark>
      );
  }
}

function codesOf(text: string): string {
  return [...text].map((char) => `U+${char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`).join(' ');
}
