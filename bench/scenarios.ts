import type { Scenario } from './plan.ts';
import { postByConnections } from './scenarios/connections.ts';
import { get } from './scenarios/get.ts';
import { postAtHalf } from './scenarios/half-load.ts';
import { latencyGet, latencyGetAlone, latencyPost, latencyPostAlone } from './scenarios/latency.ts';
import { longAnswer } from './scenarios/long-answer.ts';
import { post100KB, post10KB, post16KB } from './scenarios/long-bodies.ts';
import { postForm } from './scenarios/post-form.ts';
import { postJson } from './scenarios/post-json.ts';
import { cancelledStreams, serverSentEvents } from './scenarios/server-sent-events.ts';
import { postByRoutes, postBySystems } from './scenarios/systems.ts';
import { progress } from './scenarios/progress.ts';
import { postToTls } from './scenarios/tls-upstream.ts';
import {
  callTool,
  callToolInSession,
  latencyCallTool,
  latencyCallToolAlone,
  latencyPostAsLong,
  latencyPostAsLongAlone,
  postAsLong,
} from './scenarios/tool-call.ts';

/** All of them, in the order in which they run and are shown. */
export const SCENARIOS: readonly Scenario[] = [
  postJson,
  get,
  postForm,
  post10KB,
  post100KB,
  ...post16KB,
  longAnswer,
  serverSentEvents,
  cancelledStreams,
  postToTls,
  ...postByConnections,
  ...postBySystems,
  ...postByRoutes,
  latencyGet,
  latencyPost,
  latencyGetAlone,
  latencyPostAlone,
  postAtHalf,
  postAsLong,
  callTool,
  callToolInSession,
  latencyPostAsLong,
  latencyCallTool,
  latencyPostAsLongAlone,
  latencyCallToolAlone,
  progress,
];
