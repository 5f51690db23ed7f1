import { AgentText } from '../text/agent-text.tsx';
import type { FindingPart } from './finding.ts';

/** A finding in words. Its values may be names that agents gave. */
export function FindingText({ parts }: { readonly parts: readonly FindingPart[] }) {
  return parts.map(({ text, isValue }, index) =>
    isValue ? (
      <strong key={index}>
        <AgentText text={text} />
      </strong>
    ) : (
      text
    ),
  );
}
