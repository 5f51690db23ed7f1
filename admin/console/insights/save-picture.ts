import type { Report } from '../server/shapes.ts';

/** Room for the title above the picture and around it, in pixels of the page. */
const TITLE_HEIGHT = 64;
const EDGE = 24;

/** Saves a picture as PNG, on the colour of the page, with its title and its period, so that it can stand alone. */
export async function savePicture(
  drawn: HTMLCanvasElement,
  { name, title }: Report,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<void> {
  const scale = drawn.width / drawn.clientWidth;
  const canvas = document.createElement('canvas');
  canvas.width = drawn.width + 2 * EDGE * scale;
  canvas.height = drawn.height + (TITLE_HEIGHT + EDGE) * scale;
  const context = canvas.getContext('2d')!;
  const { backgroundColor } = getComputedStyle(document.documentElement);
  const { color, fontFamily } = getComputedStyle(drawn);
  context.fillStyle = backgroundColor;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = color;
  context.font = `600 ${18 * scale}px ${fontFamily}`;
  context.fillText(title, EDGE * scale, 30 * scale);
  context.font = `${12 * scale}px ${fontFamily}`;
  context.fillText(`${from.slice(0, 10)} to ${to.slice(0, 10)}`, EDGE * scale, 50 * scale);
  context.drawImage(drawn, EDGE * scale, TITLE_HEIGHT * scale);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve));
  if (!blob) return;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = `${name}.png`;
  link.click();
  URL.revokeObjectURL(link.href);
}
