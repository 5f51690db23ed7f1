/** A straight line through samples over time, by least squares. */
export type Trend = {
  readonly mean: number;
  /** Growth in an hour, and the standard error of it. */
  readonly perHour: number;
  readonly error: number;
  /** Whether it grows: the line rises by more than chance explains, and by more than a fiftieth of the mean in an hour. */
  readonly grows: boolean;
};

/** Samples that say something about a trend. */
const FEWEST = 5;
/** Standard errors that chance does not exceed: once in a thousand. */
const CERTAIN = 3;
const NOTICEABLE = 0.02;

/** Null when there are too few samples. @param samples minutes and values */
export function fitTrend(samples: readonly (readonly [minute: number, value: number])[]): Trend | null {
  const n = samples.length;
  if (n < FEWEST) return null;
  const average = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / n;
  const [time, mean] = [average(samples.map(([minute]) => minute)), average(samples.map(([, value]) => value))];
  const spread = samples.reduce((sum, [minute]) => sum + (minute - time) ** 2, 0);
  const slope = samples.reduce((sum, [minute, value]) => sum + (minute - time) * (value - mean), 0) / spread;
  const residual = samples.reduce((sum, [minute, value]) => sum + (value - mean - slope * (minute - time)) ** 2, 0);
  const perHour = slope * 60;
  const error = Math.sqrt(residual / (n - 2) / spread) * 60;
  return { mean, perHour, error, grows: perHour > CERTAIN * error && perHour > NOTICEABLE * mean };
}
