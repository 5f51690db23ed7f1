import { ConfigError, loadConfig, readConfigText, type Config } from '../config/config.ts';
import { changeTo, type ConfigChange } from '../config/changes.ts';

/** Milliseconds between two looks at the file. */
const INTERVAL = 200;

/** What made the gateway read its configuration: a saved file, or SIGHUP. */
export type ReadBy = 'file' | 'signal';

export type ConfigKeeper = {
  /** Reads the file, and the files that it names, at once. */
  read(by: ReadBy): void;
  stop(): void;
};

/**
 * Brings each saved configuration into force. A broken one changes nothing and is reported.
 *
 * Looks at the file instead of watching it: network and container file systems lose events.
 */
export function createConfigKeeper(deps: {
  /** The configuration of the start. */
  readonly config: Config;
  readonly onChanged: (change: ConfigChange, by: ReadBy) => void;
  /** Told what is wrong, each problem with its line; no values. */
  readonly onRefused: (problems: readonly string[], by: ReadBy) => void;
}): ConfigKeeper {
  const { config: started, onChanged, onRefused } = deps;
  let inForce = started;
  let judged = textOf(started.file);
  let seen = judged;
  let isRefused = false;
  let needsRestart = '';

  function read(by: ReadBy): void {
    judged = textOf(started.file);
    seen = judged;
    let change: ConfigChange;
    try {
      change = changeTo(loadConfig(started.file), inForce, started);
    } catch (error) {
      isRefused = true;
      onRefused(error instanceof ConfigError ? error.problems.map(firstLine) : [(error as Error).message], by);
      return;
    }
    const isNews = change.fields.length > 0 || isRefused || change.needsRestart.join() !== needsRestart;
    inForce = change.config;
    isRefused = false;
    needsRestart = change.needsRestart.join();
    if (isNews) onChanged(change, by);
  }

  /** A text counts once two looks have seen it: editors save in steps, and half a file may be valid. */
  function look(): void {
    const text = textOf(started.file);
    if (text === seen && text !== judged) read('file');
    seen = text;
  }
  const timer = setInterval(look, INTERVAL);
  timer.unref();

  return { read, stop: () => clearInterval(timer) };
}

/** The text of the file; null when it cannot be read. */
function textOf(file: string): string | null {
  try {
    return readConfigText(file);
  } catch {
    return null;
  }
}

/** Messages about YAML quote the lines in question, which may hold a secret. */
function firstLine(problem: string): string {
  return problem.split('\n', 1)[0]!.replace(/:$/, '');
}
