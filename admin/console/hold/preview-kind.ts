/** Larger than this is for another program. Bytes. */
const MOST = 10_000_000;
const IMAGES = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);
const TEXTS = /^(?:text\/|application\/(?:json|xml|yaml|x-yaml|x-ndjson|csv|sql)$|[^;]+\+(?:json|xml)$)/;

/**
 * As what an artifact may be shown; null for what is only named. HTML and SVG are text here: as pages they would run
 * what the sender put in. A PDF is only named: Chromium shows none in a sandboxed frame.
 */
export function previewKind({ type, bytes }: { readonly type: string; readonly bytes: number }): string | null {
  const [plain = ''] = type.toLowerCase().split(';', 1);
  const media = plain.trim();
  if (bytes > MOST) return null;
  if (IMAGES.has(media)) return media;
  return TEXTS.test(media) ? 'text/plain' : null;
}
