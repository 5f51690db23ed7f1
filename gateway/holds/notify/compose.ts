import type { NoticeDraft, NoticeKind, Occasion } from '../../domain/notification.ts';
import type { Reviewer } from '../../domain/principal.ts';
import { audienceOf } from './audience.ts';
import { noticeMessage } from './notice-message.ts';
import type { NotifyConfig } from './notify-config.ts';

/** Works out who is told what. Pure and quick: it runs inside the transaction of the change that it tells of. */
export type Compose = (occasion: Occasion) => readonly NoticeDraft[];

/** @param consoleUrl base of the links in messages */
export function createCompose(config: NotifyConfig, reviewers: readonly Reviewer[], consoleUrl: string): Compose {
  const { webhooks, slack, email } = config;
  const places = [
    ...Object.entries(webhooks).map(([name, place]) => ({ ...place, channel: `webhook/${name}`, forPeople: false })),
    ...Object.entries(slack).map(([name, place]) => ({ ...place, channel: `slack/${name}`, forPeople: true })),
  ];

  return (occasion) => {
    const { kind } = occasion;
    const { groups, people } = audienceOf(occasion, reviewers);
    const told = places.filter(
      (place) =>
        wants(place.events, kind) &&
        !(place.forPeople && kind === 'decided') &&
        (groups === null || place.groups === undefined || place.groups.some((group) => groups.includes(group))),
    );
    const mailed = email && wants(email.events, kind) ? people : [];
    if (told.length + mailed.length === 0) return [];

    const holdId = occasion.kind === 'alert' ? (occasion.event.hold_id ?? null) : occasion.hold.id;
    const payload = JSON.stringify(noticeMessage(occasion, consoleUrl));
    return [
      ...told.map(({ channel }) => ({ kind, holdId, channel, to: null, payload })),
      ...mailed.map((to) => ({ kind, holdId, channel: 'email', to, payload })),
    ];
  };
}

const wants = (events: readonly NoticeKind[] | undefined, kind: NoticeKind) => events?.includes(kind) ?? true;
