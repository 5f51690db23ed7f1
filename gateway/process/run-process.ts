type Start<Message> = Extract<Message, { readonly type: 'start' }>;

export type Inbox<Message extends { readonly type: string }> = {
  /** Passes every message but `start` to `handle`, in order, beginning with those that came before this call. */
  listen(handle: (message: Message) => void): void;
  /** The first message of a type, which then does not go to `handle`. Call it before `listen`. */
  take<Type extends Message['type']>(type: Type): Promise<Extract<Message, { readonly type: Type }>>;
};

/**
 * Runs a process of the gateway: calls `start` with the supervisor's `start` message, and reports a failed start. The
 * process ends when its supervisor does.
 */
export function runProcess<Message extends { readonly type: string }>(
  start: (message: Start<Message>, inbox: Inbox<Message>) => Promise<void>,
  tellFailure: (reason: string) => void,
): void {
  // Ctrl-C, and a terminal that closes, reach every process of the group. The supervisor decides what they mean.
  for (const signal of ['SIGINT', 'SIGHUP']) process.on(signal, () => {});
  process.on('disconnect', () => process.exit(1));

  const starting = Promise.withResolvers<Start<Message>>();
  // Messages that come during the start are kept: a policy that is activated meanwhile must not be missed.
  const early: Message[] = [];
  let handle = (message: Message): void => {
    if (message.type === 'start') starting.resolve(message as Start<Message>);
    // A starting process has nothing to drain, and its start may take long.
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
