const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
const LEVELS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const SHADES = [' ', '░', '▒', '▓', '█'];

/** A bar of at most `width` cells, in eighths; the smallest that is more than nothing is still seen. */
export function bar(value: number, most: number, width: number): string {
  if (!(value > 0) || !(most > 0)) return '';
  const eighths = Math.max(1, Math.round(Math.min(1, value / most) * width * 8));
  return '█'.repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8]!;
}

/** One column for each value, the highest as high as the line; a dot where nothing is. */
export function sparkline(values: readonly (number | null)[]): string {
  const most = Math.max(0, ...values.map((value) => value ?? 0));
  return values.map((value) => (!value || value < 0 ? '·' : LEVELS[Math.ceil((value / most) * 8) - 1]!)).join('');
}

/** How dark a cell of a heat map is. */
export function shade(value: number, most: number): string {
  return value > 0 && most > 0 ? SHADES[Math.max(1, Math.ceil((value / most) * 4))]! : SHADES[0]!;
}
