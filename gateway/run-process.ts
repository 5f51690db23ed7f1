type Start<Message> = Extract<Message, { readonly type: 'start' }>;

export type Inbox<Message> = {
  /** Every message but `start` goes to `handle`, in order; those that came before this call first. */
  listen(handle: (message: Message) => void): void;
};

/**
 * Runs a process of the gateway: `start` with the supervisor's message of that name. A start that fails is told to the
 * supervisor; one whose supervisor is gone ends.
 */
export function runProcess<Message extends { readonly type: string }>(
  start: (message: Start<Message>, inbox: Inbox<Message>) => Promise<void>,
  tellFailure: (reason: string) => void,
): void {
  // Ctrl-C reaches every process of the terminal's group; who ends when, the supervisor says.
  process.on('SIGINT', () => {});
  process.on('disconnect', () => process.exit(1));

  const starting = Promise.withResolvers<Start<Message>>();
  // Nothing is lost while the process is still starting: a policy that was activated meanwhile must not be missed.
  const early: Message[] = [];
  let handle = (message: Message): void => {
    if (message.type === 'start') starting.resolve(message as Start<Message>);
    // Whoever is still starting has nothing to drain, and may be long in starting.
    else if (message.type === 'drain') process.exit(0);
    else early.push(message);
  };
  process.on('message', (message: Message) => handle(message));
  const inbox: Inbox<Message> = {
    listen(handler) {
      for (const message of early) handler(message);
      handle = handler;
    },
  };

  starting.promise
    .then((message) => start(message, inbox))
    .catch((error: Error) => {
      tellFailure(error.message);
      process.exitCode = 1;
      setImmediate(() => process.exit());
    });
}
