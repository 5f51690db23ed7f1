import { pino, type Logger } from 'pino';

/** Bytes that are written at once where there is much to say. */
const PIECE = 32 * 1024;

/**
 * The operations log: JSON lines on stdout (or another open file), one for each call. Not the record: that is the
 * journal. Nothing here may hold a credential, a header, a body or a query; whoever logs names each field.
 */
export function createLog(name: string, level: string, output = 1): Logger {
  return pino(
    {
      level,
      base: { process: name },
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError },
    },
    // By another thread: waking it for each line costs a busy worker more than evaluating the call.
    pino.destination({ dest: output, sync: false, minLength: PIECE, maxWrite: 2 * PIECE, periodicFlush: 100 }),
  );
}

/** What is told of an error: never its other members, in which HTTP clients leave headers and what was received. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error);
  const { name, message, stack, cause } = error;
  const { code } = error as NodeJS.ErrnoException;
  return { type: name, message, code, stack, cause: cause === undefined ? undefined : describeError(cause) };
}
