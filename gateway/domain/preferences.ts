import type { Channel } from './principal.ts';

/** Hours of each day in which a person wants no mail; over midnight where `from` is later than `to`. */
export type QuietHours = {
  /** Such as `22:00`, on the clocks of `timeZone`. */
  readonly from: string;
  readonly to: string;
  /** An IANA name, such as `Europe/Berlin`. */
  readonly timeZone: string;
};

/** How one person wants to be told. */
export type Preferences = {
  /** Null: none. */
  readonly quietHours: QuietHours | null;
  /** How often what does not press comes, in one mail. Null: at once, in mails of its own. */
  readonly digest: 'hourly' | 'daily' | null;
  /** `if-unanswered`: not where a chat message tells the same and somebody reacts to it. */
  readonly mail: 'always' | 'if-unanswered' | 'never';
};

/** Those of a person who has set none. */
export const DEFAULT_PREFERENCES: Preferences = { quietHours: null, digest: null, mail: 'if-unanswered' };

export type PreferenceStore = {
  of(person: string): Promise<Preferences>;
  set(person: string, preferences: Preferences, channel: Channel): Promise<Preferences>;
};
