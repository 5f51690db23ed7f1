import type { Notification } from '../../domain/notification.ts';

/**
 * One attempt, within half a minute. Resolves to where the message is, if the channel tells.
 * @param related what a digest is made of, or what the recipient was told of the same hold before
 * @throws DeliveryError when it failed
 */
export type Send = (notification: Notification, related: readonly Notification[]) => Promise<string | null>;
