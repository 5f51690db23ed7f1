import type { Answer, FromControl, Question, ToControl } from './messages.ts';

type Answers = Extract<ToControl, { type: 'answers' }>;

/** What control asks the workers, by way of the supervisor. */
export type Questions = {
  /** Resolves within about a second; not `complete` when a worker did not answer. */
  ask(about: Question): Promise<{ readonly answers: readonly Answer[]; readonly complete: boolean }>;
  /** To be told what the supervisor brings back. */
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
