import type { AnswerSample } from '../domain/metering.ts';
import type { UpstreamSink } from '../domain/upstream-sink.ts';

/** Copies an answer to a sample while it streams. The sample changes neither the bytes nor the pace. */
export function sampled(sink: UpstreamSink, sample: AnswerSample | null): UpstreamSink {
  if (!sample) return sink;
  return {
    head(status, headers) {
      sample.head(status, headers);
      sink.head(status, headers);
    },
    data(chunk) {
      sample.data(chunk);
      return sink.data(chunk);
    },
    end: (trailers) => sink.end(trailers),
    broken: () => sink.broken(),
    onDrain: (resume) => sink.onDrain(resume),
    onGone: (abort) => sink.onGone(abort),
    note: (code) => sink.note?.(code),
  };
}
