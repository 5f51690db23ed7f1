import type { UpstreamSink } from '../domain/upstream-sink.ts';

/** Takes an answer of which nothing is read. */
export const DISCARDED_ANSWER: UpstreamSink = {
  head() {},
  data: () => true,
  end() {},
  broken() {},
  onDrain() {},
  onGone() {},
};
