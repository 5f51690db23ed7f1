/** Aborts when this process is asked to end. Asking twice, as npm does on Ctrl-C, does not cut short how it ends. */
export function stopSignal(signals: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT']): AbortSignal {
  const stopping = new AbortController();
  for (const signal of signals) process.on(signal, () => stopping.abort(new Error(signal)));
  return stopping.signal;
}
