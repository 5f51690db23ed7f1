/**
 * A cache by text: the latest `limit` entries and up to as many older ones. Entries that are read again stay; others
 * are dropped in bulk, without bookkeeping for each.
 */
type Recent<T> = {
  get(key: string): T | undefined;
  set(key: string, value: T): void;
};

export function createRecent<T>(limit: number): Recent<T> {
  let young = new Map<string, T>();
  let old = new Map<string, T>();
  const set = (key: string, value: T) => {
    if (young.size >= limit) {
      old = young;
      young = new Map();
    }
    young.set(key, value);
  };
  return {
    get(key) {
      const value = young.get(key);
      if (value !== undefined) return value;
      const older = old.get(key);
      if (older !== undefined) set(key, older);
      return older;
    },
    set,
  };
}
