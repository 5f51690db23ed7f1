import type { NotificationKind } from '../../domain/notification.ts';

/** A place that is told of some of what happens. What is absent restricts nothing. */
type Place = {
  readonly groups?: readonly string[] | undefined;
  readonly events?: readonly NotificationKind[] | undefined;
};

/** `url` is an incoming webhook; with `token` and `channel`, it is the Web API, and messages are updated later. */
export type SlackPlace = Place & {
  readonly url?: string | undefined;
  readonly token?: string | undefined;
  readonly channel?: string | undefined;
};

/** The section `notify` of the configuration, checked. */
export type NotifyConfig = {
  /** By name. `secret` is what `standardwebhooks` reads: `whsec_` and base64. */
  readonly webhooks: Readonly<Record<string, Place & { readonly url: string; readonly secret: string }>>;
  readonly slack: Readonly<Record<string, SlackPlace>>;
  /** `url` is `smtp[s]://[user:password@]host[:port]`, `from` a mailbox such as `Holdpoint <holdpoint@example.com>`. */
  readonly email?: (Omit<Place, 'groups'> & { readonly url: string; readonly from: string }) | undefined;
};
