import type { Answer, FromControl, Question, ToControl } from './messages.ts';

type Answers = Extract<ToControl, { type: 'answers' }>;

/** Questions from control to all workers, through the supervisor. */
export type Questions = {
  /** Resolves within about a second; `complete` if every worker answered. */
  ask(about: Question): Promise<{ readonly answers: readonly Answer[]; readonly complete: boolean }>;
  /** Takes the answers from the supervisor. */
  answered(message: Answers): void;
};

export function createQuestions(tell: (message: FromControl) => void): Questions {
  const open = new Map<number, (message: Answers) => void>();
  let asked = 0;
  return {
    ask: (about) =>
      new Promise((resolve) => {
        asked += 1;
        open.set(asked, resolve);
        tell({ type: 'ask', id: asked, about });
      }),
    answered(message) {
      open.get(message.id)?.(message);
      open.delete(message.id);
    },
  };
}
