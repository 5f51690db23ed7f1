import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Bundle, decodeBundle, encodeBundle } from '../domain/bundle.ts';

/**
 * The bundles that this gateway has activated, on local disk, so that it can start with the same policy without a
 * network.
 */
type BundleStore = {
  /** Stores a bundle; storing it again changes nothing. */
  write(bundle: Bundle): Promise<void>;
  /** @throws Error when there is none, or the file does not contain the bundle of this revision */
  read(revision: string): Promise<Bundle>;
  /** Records which stored bundle is active; it is on disk when the promise resolves. */
  activate(revision: string): Promise<void>;
  /** The revision that was activated last; null before the first. */
  active(): Promise<string | null>;
};

/** Keeps bundles as `<folder>/<revision>.json`, and the active revision in `<folder>/active`. */
export function createBundleStore(folder: string): BundleStore {
  const fileOf = (revision: string) => {
    // Path traversal: a revision becomes part of a path, and may come from a file or a message.
    if (!/^[0-9a-f]{64}$/.test(revision)) throw new Error('not a policy revision');
    return join(folder, `${revision}.json`);
  };
  return {
    async write(bundle) {
      await writeAtomically(folder, fileOf(bundle.revision), encodeBundle(bundle));
    },
    async read(revision) {
      const bundle = decodeBundle(await readFile(fileOf(revision), 'utf8'));
      if (bundle.revision !== revision) throw new Error(`the file of revision ${revision} contains another one`);
      return bundle;
    },
    async activate(revision) {
      await readFile(fileOf(revision));
      await writeAtomically(folder, join(folder, 'active'), `${revision}\n`);
    },
    async active() {
      try {
        return (await readFile(join(folder, 'active'), 'utf8')).trim();
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
        throw cause;
      }
    },
  };
}

/** A reader, even after a crash, finds either the old file or the whole new one. */
async function writeAtomically(folder: string, file: string, text: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const aside = `${file}.${process.pid}.${performance.now()}`;
  try {
    const handle = await open(aside, 'wx', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(aside, file);
  } catch (cause) {
    await rm(aside, { force: true });
    throw cause;
  }
  const directory = await open(folder);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
