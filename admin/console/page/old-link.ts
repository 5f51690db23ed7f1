/** Messages sent before there was a console link to `/#/holds/<id>`. A fragment never reaches the server. */
export function oldLinkTarget(fragment: string): string | null {
  const id = /^#\/holds\/(hold_\w+)$/.exec(fragment)?.[1];
  return id === undefined ? null : `/holds/${id}`;
}

export function followOldLink({ hash }: Location, history: History): void {
  const target = oldLinkTarget(hash);
  if (target !== null) history.replaceState(null, '', target);
}
