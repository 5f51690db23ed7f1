export type Inbox<Message> = {
  /** The first message: what to start with. */
  readonly first: Promise<Message>;
  /** Every later message goes to `handle`, in order; those that came before this call first. */
  listen(handle: (message: Message) => void): void;
};

/**
 * What the supervisor says to this process. Nothing is lost while the process is still starting: a policy that was
 * activated meanwhile must not be missed.
 */
export function openInbox<Message>(): Inbox<Message> {
  const first = Promise.withResolvers<Message>();
  const early: Message[] = [];
  let started = false;
  let handle = (message: Message): void => void early.push(message);
  process.on('message', (message: Message) => {
    if (started) handle(message);
    else first.resolve(message);
    started = true;
  });
  return {
    first: first.promise,
    listen(handler) {
      for (const message of early) handler(message);
      handle = handler;
    },
  };
}

/**
 * Runs a process of the gateway: `start` with the supervisor's first message. A start that fails is told to the
 * supervisor; one whose supervisor is gone ends.
 */
export function runProcess<Message>(
  start: (first: Message, inbox: Inbox<Message>) => Promise<void>,
  tellFailure: (reason: string) => void,
): void {
  // Ctrl-C reaches every process of the terminal's group; who ends when, the supervisor says.
  process.on('SIGINT', () => {});
  process.on('disconnect', () => process.exit(1));
  const inbox = openInbox<Message>();
  inbox.first
    .then((message) => start(message, inbox))
    .catch((error: Error) => {
      tellFailure(error.message);
      process.exitCode = 1;
      setImmediate(() => process.exit());
    });
}
