type Start<Message> = Extract<Message, { readonly type: 'start' }>;

export type Inbox<Message extends { readonly type: string }> = {
  /** Every message but `start` goes to `handle`, in order; those that came before this call first. */
  listen(handle: (message: Message) => void): void;
  /** The first message of one type, for a start that needs it; it will not go to `handle`. To be asked for before `listen`. */
  take<Type extends Message['type']>(type: Type): Promise<Extract<Message, { readonly type: Type }>>;
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
    else keep(message);
  };
  const awaited = new Map<string, (message: Message) => void>();
  function keep(message: Message): void {
    const take = awaited.get(message.type);
    if (take) take(message);
    else early.push(message);
  }
  process.on('message', (message: Message) => handle(message));
  const inbox: Inbox<Message> = {
    listen(handler) {
      for (const message of early) handler(message);
      handle = handler;
    },
    take(type) {
      return new Promise((resolve) => {
        const take = (message: Message) => {
          awaited.delete(type);
          resolve(message as never);
        };
        const place = early.findIndex((message) => message.type === type);
        if (place >= 0) take(early.splice(place, 1)[0]!);
        else awaited.set(type, take);
      });
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
