import { type FSWatcher, watch } from 'node:fs';

type WatchOptions = {
  readonly dir: string;
  /** Called when something may have changed; the caller finds out what. */
  readonly onChange: () => void;
  /**
   * Milliseconds without events before `onChange`, because one save causes many. The caller checks whether the save is
   * complete.
   */
  readonly debounce?: number;
  /** Milliseconds between checks without any event: network and container file systems lose events. */
  readonly interval?: number;
};

/**
 * Watches a folder and everything in it, through editors that rename, folders that come and go, and links that are
 * swapped. Returns a function that stops it.
 */
export function watchPolicies({ dir, onChange, debounce = 10, interval = 5000 }: WatchOptions): () => void {
  let pending: NodeJS.Timeout | undefined;
  let watcher: FSWatcher | null = null;

  const touched = () => {
    clearTimeout(pending);
    pending = setTimeout(onChange, debounce);
  };
  const open = () => {
    try {
      watcher = watch(dir, { recursive: true, persistent: false }, touched);
      watcher.on('error', lose);
    } catch {
      // The folder is missing for now; the next check tries again.
      watcher = null;
    }
  };
  const lose = () => {
    watcher?.close();
    watcher = null;
  };
  const look = setInterval(() => {
    // The watcher of a replaced folder stays on the old one, so it is opened anew each time.
    lose();
    open();
    onChange();
  }, interval);
  look.unref();
  open();

  return () => {
    clearTimeout(pending);
    clearInterval(look);
    lose();
  };
}
