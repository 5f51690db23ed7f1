/** One bar: its length is the median, its whisker goes from the lowest to the highest round. */
export type Bar = {
  readonly label: string;
  readonly median: number;
  readonly low: number;
  readonly high: number;
  /** The text after the bar, in words and figures. */
  readonly text: string;
  /** Drawn in the colour that stands out. */
  readonly ours: boolean;
};

export type Panel = { readonly title: string; readonly bars: readonly Bar[] };

const [WIDTH, LABELS, TEXT, LINE, PADDING] = [760, 200, 210, 24, 16];
const BARS = WIDTH - LABELS - TEXT - 2 * PADDING;
// Of middling lightness, so that they can be read on white and on black alike: an image cannot tell where it stands.
const [INK, QUIET, OURS, WHISKER] = ['#768390', '#8b949e', '#2f81f7', '#d9822b'];

const escaped = (text: string): string => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
const round = (value: number): string => value.toFixed(1);

/**
 * SVG of horizontal bars, panel below panel, on one scale from zero.
 * @param limit end of the scale; a longer bar is cut off there, and only its text gives its length
 */
export function barPlot(title: string, panels: readonly Panel[], limit = Number.POSITIVE_INFINITY): string {
  const highest = panels.flatMap(({ bars }) => bars.map(({ high }) => high));
  const largest = Math.min(Math.max(...highest, Number.MIN_VALUE), limit);
  const x = (value: number): number => PADDING + LABELS + (Math.min(Math.max(value, 0), largest) / largest) * BARS;
  const drawn: string[] = [];
  let y = PADDING + 12;
  const text = (left: number, what: string, attributes = ''): string =>
    `<text x="${round(left)}" y="${y}"${attributes}>${escaped(what)}</text>`;

  drawn.push(text(PADDING, title, ' font-weight="600" font-size="14"'));
  for (const panel of panels) {
    y += LINE + 8;
    drawn.push(text(PADDING, panel.title, ' font-weight="600"'));
    for (const bar of panel.bars) {
      y += LINE;
      const middle = y - 4.5;
      drawn.push(
        text(PADDING + LABELS - 8, bar.label, ' text-anchor="end"'),
        `<rect x="${round(x(0))}" y="${y - 12}" width="${round(x(bar.median) - x(0))}" height="15" rx="2" fill="${bar.ours ? OURS : QUIET}"/>`,
        `<path d="M${round(x(bar.low))} ${middle}H${round(x(bar.high))}M${round(x(bar.low))} ${middle - 4}v8M${round(x(bar.high))} ${middle - 4}v8" stroke="${WHISKER}" stroke-width="1.5"/>`,
        text(x(bar.high) + 8, `${bar.high > largest ? '» ' : ''}${bar.text}`),
      );
    }
  }
  const height = y + PADDING;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<g font-family="system-ui, sans-serif" font-size="12" fill="${INK}">`,
    ...drawn,
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}
