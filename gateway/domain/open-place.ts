import { isWithin } from '../json/pointer.ts';

/**
 * A place of a call that an approval may leave open for further calls, as text:
 *
 *     /amount               a member of the body: a JSON pointer (RFC 6901)
 *     path:/contacts/{id}   the segments of the path that stand in braces; the others are as they are sent
 *     query:cursor          the value of one query parameter
 */
export type OpenPlace = string;

/** A place that an approval of a call may leave open, and its value in that call, as text. */
export type Openable = {
  readonly place: OpenPlace;
  readonly value: string;
  /** Whether it is a number, which may only be lower in covered calls. */
  readonly atMost: boolean;
};

const PATH = 'path:';
const QUERY = 'query:';
const BODY_PLACE = /^(?:\/(?:[^~]|~[01])*)?$/;
const PATH_PLACE = /^path:(?=.*\/\{)(?:\/(?:\{\w+\}|[^/{}?#\s]+))+\/?$/;
const QUERY_PLACE = /^query:\S+$/;

export function isOpenPlace(text: string): boolean {
  return BODY_PLACE.test(text) || PATH_PLACE.test(text) || QUERY_PLACE.test(text);
}

/** The template of a path, such as `/contacts/{id}`; null if the place is another one. */
export function pathTemplateOf(place: OpenPlace): string | null {
  return place.startsWith(PATH) ? place.slice(PATH.length) : null;
}

/** The name of a query parameter; null if the place is another one. */
export function parameterOf(place: OpenPlace): string | null {
  return place.startsWith(QUERY) ? place.slice(QUERY.length) : null;
}

/** Whether a place is a member of the body. */
export function isInBody(place: OpenPlace): boolean {
  return BODY_PLACE.test(place);
}

/** Whether a place is the same as `above`, or a member of the body below it. */
export function isPlaceWithin(place: OpenPlace, above: OpenPlace): boolean {
  return place === above || (isInBody(above) && isWithin(place, above));
}

/** What terms say of places. */
type Places = { readonly editable: readonly string[]; readonly open?: readonly OpenPlace[] };

/** Whether policy lets an approval leave this place open. What people may change in the body, they may also leave open. */
export function mayStayOpen({ editable, open = [] }: Places, place: OpenPlace): boolean {
  return [...editable, ...open].some((above) => isPlaceWithin(place, above));
}
