import type { Answer, Question, ToControl, ToWorker } from './messages.ts';
import type { Kept } from './keep-running.ts';

/** Milliseconds to wait for answers. A starting or stuck worker must not hold up the others' answers. */
const ANSWER_LIMIT = 1_000;

/** Asks all workers and collects their answers. */
type WorkerPoll = {
  /** Asks every connected worker, and passes the answers of one second to control. */
  ask(id: number, about: Question): void;
  answered(id: number, answer: Answer): void;
};

export function createWorkerPoll(
  workers: () => readonly Kept[],
  tellControl: (message: ToControl) => void,
): WorkerPoll {
  const asked = new Map<number, (answer: Answer) => void>();
  return {
    ask(id, about) {
      const all = workers().filter(({ connected }) => connected);
      const answers: Answer[] = [];
      const done = () => {
        clearTimeout(late);
        asked.delete(id);
        tellControl({ type: 'answers', id, answers, complete: answers.length === all.length });
      };
      const late = setTimeout(done, ANSWER_LIMIT);
      asked.set(id, (answer) => {
        if (answers.push(answer) === all.length) done();
      });
      for (const worker of all) worker.send({ type: 'ask', id, about } satisfies ToWorker);
      if (all.length === 0) done();
    },
    answered: (id, answer) => asked.get(id)?.(answer),
  };
}
