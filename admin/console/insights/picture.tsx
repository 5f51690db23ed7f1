import {
  BarController,
  BarElement,
  CategoryScale,
  Chart,
  Legend,
  LinearScale,
  LineController,
  LineElement,
  PointElement,
  Tooltip,
} from 'chart.js';
import { MatrixController, MatrixElement } from 'chartjs-chart-matrix';
import { Image } from 'lucide-react';
import { useEffect, useRef } from 'react';
import type { Report } from '../server/shapes.ts';
import { chartConfig, type Paint } from './chart-config.ts';
import type { Row } from './value-words.ts';

Chart.register(
  BarController,
  BarElement,
  CategoryScale,
  Legend,
  LinearScale,
  LineController,
  LineElement,
  MatrixController,
  MatrixElement,
  PointElement,
  Tooltip,
);

type Props = {
  readonly report: Report;
  /** The rows of the period before; empty to leave them out. */
  readonly before: readonly Row[];
  /** What to do with the row that somebody points at and clicks. */
  readonly open?: ((row: Row) => void) | undefined;
  /** Saves it as a file. */
  readonly save?: ((canvas: HTMLCanvasElement, report: Report) => void) | undefined;
};

/** A report as a picture. Everything in it is in the report's table too, which those read who cannot see it. */
export function Picture({ report, before, open, save }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const element = canvas.current!;
    let chart: Chart<'bar' | 'line' | 'matrix'> | null = null;
    function draw(): void {
      chart?.destroy();
      Chart.defaults.font.family = getComputedStyle(element).fontFamily;
      const config = chartConfig(report, before, paintOf(element));
      if (!config) return;
      const { options } = config;
      chart = new Chart(element, {
        ...config,
        options: {
          ...options,
          onClick: (_event, [hit]) => {
            const row = hit && report.rows[hit.index];
            if (row) open?.(row);
          },
        },
      } as typeof config);
    }
    draw();
    // The colours of the page change with it.
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', draw);
    return () => {
      dark.removeEventListener('change', draw);
      chart?.destroy();
    };
  }, [report, before, open]);
  return (
    <figure className="chart">
      <div className="chart-box">
        <canvas ref={canvas} role="img" aria-label={`${report.title}, as a picture. The table has the same values.`} />
      </div>
      {save && (
        <button type="button" className="button small" onClick={() => save(canvas.current!, report)}>
          <Image size={15} aria-hidden />
          Save {report.title} as PNG
        </button>
      )}
    </figure>
  );
}

/** The page's colours as a canvas can use them. */
function paintOf(element: HTMLElement): Paint {
  const probe = document.createElement('span');
  element.parentElement!.append(probe);
  const colour = (name: string) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const paint = {
    ink: colour('ink'),
    soft: colour('soft'),
    line: colour('line'),
    accent: colour('accent'),
    wash: colour('accent-wash'),
    warn: colour('warn'),
    danger: colour('danger'),
  };
  probe.remove();
  return paint;
}
