import { pino, type Logger } from 'pino';

/** Bytes to collect before a write. */
const PIECE = 32 * 1024;

/**
 * Where the operations log goes: an open file, stdout by default. A thread of the pool writes it, since waking one for
 * each line would cost a busy worker more than evaluating the call.
 */
export function createLogDestination(fd = 1): LogDestination {
  const options = { dest: fd, sync: false, minLength: PIECE, maxWrite: 2 * PIECE, periodicFlush: 100 };
  const destination = pino.destination({ ...options, contentMode: 'buffer' });
  return {
    // As text, all that waits would be flattened and measured again with each line.
    write: (text) => void destination.write(Buffer.from(text) as unknown as string),
    flush: (done) => destination.flush(done),
  };
}

export type LogDestination = { write(text: string): void; flush(done?: (error?: Error) => void): void };

/**
 * The operations log: JSON lines, one for each call. The audit record is the journal. The log must never contain a
 * credential, a header, a body or a query: each caller names the fields that it logs.
 */
export function createLog(name: string, level: string, destination = createLogDestination()): Logger {
  return pino(
    {
      level,
      base: { process: name },
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError },
    },
    destination,
  );
}

/** The loggable part of an error. Its other members are left out: HTTP clients put headers and responses there. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error);
  const { name, message, stack, cause } = error;
  const { code } = error as NodeJS.ErrnoException;
  return { type: name, message, code, stack, cause: cause === undefined ? undefined : describeError(cause) };
}
