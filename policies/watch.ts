import { type FSWatcher, watch } from 'node:fs';

export type WatchOptions = {
  readonly dir: string;
  /** Something may have changed; what, and whether at all, is for the caller to find out. */
  readonly onChange: () => void;
  /** Milliseconds of quiet before `onChange`. Many events tell of one save; whether it was all is for the caller to ask. */
  readonly debounce?: number;
  /** Milliseconds between looks without any event: network and container file systems lose them. */
  readonly interval?: number;
};

/**
 * Watches a folder and everything in it, through editors that rename, folders that come and go, and links that are
 * swapped. Returns the way to stop.
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
      // The folder is gone for now; the next look tries again.
      watcher = null;
    }
  };
  const lose = () => {
    watcher?.close();
    watcher = null;
  };
  const look = setInterval(() => {
    // A folder that was replaced leaves its watcher on the old one, so it is opened anew each time.
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
