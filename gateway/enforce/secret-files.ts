import { unwatchFile, watchFile } from 'node:fs';
import { readSecretFile } from '../secrets/secret-file.ts';

/** Milliseconds between two looks at a file. Polling also sees replaced files, and links as Kubernetes changes them. */
const LOOK_INTERVAL = 500;

/** Tells the operator of a file that was read again; `why` is the reason if its old value stays in force. */
export type TellSecretFile = (file: string, why: string | null) => void;

export type SecretFiles = {
  /** The value in a file. When it changes, `changed` gets the new one. @throws Error when there is no value yet */
  follow(file: string, changed: (value: string) => void): string;
  close(): void;
};

/** Files with credentials, which other programs renew. A file that is broken or empty keeps its last good value. */
export function createSecretFiles(tell: TellSecretFile): SecretFiles {
  const ends: (() => void)[] = [];
  return {
    follow(file, changed) {
      let value = readSecretFile(file);
      let told: string | null = null;
      const look = () => {
        let why: string | null = null;
        let isNew = false;
        try {
          const found = readSecretFile(file);
          isNew = found !== value;
          value = found;
        } catch (error) {
          why = (error as Error).message;
        }
        if (isNew) changed(value);
        if (isNew || why !== told) tell(file, why);
        told = why;
      };
      watchFile(file, { interval: LOOK_INTERVAL, persistent: false }, look);
      ends.push(() => unwatchFile(file, look));
      return value;
    },
    close() {
      for (const end of ends.splice(0)) end();
    },
  };
}
