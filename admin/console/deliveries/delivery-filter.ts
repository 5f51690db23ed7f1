import { NOTIFICATION_STATES } from '../../../gateway/domain/notification.ts';

export type DeliveryState = (typeof NOTIFICATION_STATES)[number];

/** Which notifications are shown, as it stands in the address. */
export type DeliveryFilter = { readonly state?: DeliveryState };

/** Reads a filter from an address. What it does not know it leaves out. */
export function deliveryFilterIn(search: Readonly<Record<string, unknown>>): DeliveryFilter {
  const state = NOTIFICATION_STATES.find((known) => known === search['state']);
  return state ? { state } : {};
}
