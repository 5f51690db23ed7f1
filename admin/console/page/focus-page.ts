/** Takes the focus out of fields that go away with a decision: the next key is then one of the page's, and no text. */
export function focusPage(): void {
  document.querySelector<HTMLElement>('#main')?.focus({ preventScroll: true });
}
