import { AgentText } from './agent-text.tsx';

/** The words that somebody gave with a decision; an agent that returns work gives some too. */
export function Said({ text }: { readonly text: string | null }) {
  return (
    text !== null && (
      <q>
        <AgentText text={text} />
      </q>
    )
  );
}
