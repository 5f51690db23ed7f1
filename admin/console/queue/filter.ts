import { HOLD_KINDS, HOLD_STATUSES, type HoldKind, type HoldStatus } from '../../../gateway/domain/hold.ts';

/** What of the queue is shown, as it stands in the address. */
export type Filter = {
  readonly mine?: true;
  readonly overdue?: true;
  /** Not the waiting ones, but those that ended so. */
  readonly status?: HoldStatus;
  readonly kind?: HoldKind;
  readonly system?: string;
  readonly agent?: string;
  readonly group?: string;
};

/** Reads a filter from an address. What it does not know it leaves out. */
export function filterIn(search: Readonly<Record<string, unknown>>): Filter {
  const text = (name: string) => {
    const value = search[name];
    return typeof value === 'string' || typeof value === 'number' ? { [name]: String(value) } : {};
  };
  const flag = (name: string) => (search[name] === true || search[name] === 'true' ? { [name]: true } : {});
  const one = (name: string, known: readonly string[]) =>
    known.includes(String(search[name])) ? { [name]: search[name] } : {};
  return {
    ...flag('mine'),
    ...flag('overdue'),
    ...one('status', HOLD_STATUSES),
    ...one('kind', HOLD_KINDS),
    ...text('system'),
    ...text('agent'),
    ...text('group'),
  };
}
