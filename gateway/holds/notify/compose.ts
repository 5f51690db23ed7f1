import {
  asks,
  follows,
  type NotificationDraft,
  type NotificationKind,
  type NotificationTrigger,
} from '../../domain/notification.ts';
import type { Reviewer } from '../../domain/principal.ts';
import { audienceOf, isIn } from './audience.ts';
import { notificationMessage } from './notification-message.ts';
import type { NotifyConfig } from './notify-config.ts';

/** Works out who is told what. Pure and quick: it runs inside the transaction of the change that it tells of. */
export type Compose = (trigger: NotificationTrigger) => readonly NotificationDraft[];

/** @param consoleUrl base of the links in messages */
export function createCompose(config: NotifyConfig, reviewers: readonly Reviewer[], consoleUrl: string): Compose {
  const { webhooks, slack, email } = config;
  const places = [
    ...Object.entries(webhooks).map(([name, place]) => ({ ...place, channel: `webhook/${name}`, forPeople: false })),
    ...Object.entries(slack).map(([name, place]) => ({ ...place, channel: `slack/${name}`, forPeople: true })),
  ];
  const tellsPeople = Object.keys(slack).length > 0 || email !== undefined;

  return (trigger) => {
    const { kind } = trigger;
    const { groups, people } = audienceOf(trigger, reviewers);
    const told = places.filter(
      (place) =>
        wants(place.events, kind) &&
        !(place.forPeople && follows(kind)) &&
        (groups === null || place.groups === undefined || place.groups.some((group) => groups.includes(group))),
    );
    const mailed = email && wants(email.events, kind) ? people : [];
    // What ends a hold is told wherever people were asked, whatever `events` says: no message must go on asking.
    const followed = tellsPeople && (follows(kind) || kind === 'expired');
    if (told.length + mailed.length === 0 && !followed) return [];

    const chats = told.filter(({ forPeople }) => forPeople);
    const isInChat = (person: string) =>
      reviewers.some(
        (one) => one.id === person && chats.some((chat) => chat.groups === undefined || isIn(one, chat.groups)),
      );
    const holdId = trigger.kind === 'alert' ? (trigger.event.hold_id ?? null) : trigger.hold.id;
    const payload = JSON.stringify(notificationMessage(trigger, consoleUrl));
    return [
      ...told.map(({ channel }) => ({ kind, holdId, channel, to: null, payload })),
      ...mailed.map((to) => ({
        kind,
        holdId,
        channel: 'email',
        to,
        payload,
        ...(asks(kind) && isInChat(to) && { ifUnanswered: true }),
      })),
      ...(followed ? [{ kind, holdId, channel: null, to: null, payload }] : []),
    ];
  };
}

const wants = (events: readonly NotificationKind[] | undefined, kind: NotificationKind) =>
  events?.includes(kind) ?? true;
