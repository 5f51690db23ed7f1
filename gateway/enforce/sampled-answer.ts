import type { AnswerSample } from '../domain/metering.ts';
import type { Answer } from '../wire/delivery.ts';

/** Shows an answer to whoever keeps a sample of it, as it goes on its way: neither its bytes nor its pace change. */
export function sampled(answer: Answer, sample: AnswerSample | null): Answer {
  if (!sample) return answer;
  return {
    head(status, headers) {
      sample.head(status, headers);
      answer.head(status, headers);
    },
    data(chunk) {
      sample.data(chunk);
      return answer.data(chunk);
    },
    end: (trailers) => answer.end(trailers),
    broken: () => answer.broken(),
    onDrain: (resume) => answer.onDrain(resume),
    onGone: (abort) => answer.onGone(abort),
  };
}
