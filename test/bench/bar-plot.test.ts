import { expect, test } from 'vitest';
import { barPlot } from '../../bench/bar-plot.ts';
import type { Bar } from '../../bench/bar-plot.ts';

const bar = (label: string, median: number, low = median, high = median): Bar => ({
  label,
  median,
  low,
  high,
  text: `${label} says ${median}`,
  ours: label === 'holdpoint',
});
const widths = (svg: string): number[] =>
  [...svg.matchAll(/<rect [^>]*width="([\d.]+)"/g)].map(([, width]) => Number(width));

test('a bar is as long as its median, on one scale for all panels', () => {
  const svg = barPlot('Throughput', [
    { title: 'POST', bars: [bar('nginx', 1), bar('holdpoint', 0.5)] },
    { title: 'GET', bars: [bar('nginx', 0.25)] },
  ]);
  const [whole, half, quarter] = widths(svg);
  expect(half! / whole!).toBeCloseTo(0.5, 2);
  expect(quarter! / whole!).toBeCloseTo(0.25, 2);
});

test('a whisker goes from the lowest to the highest round and stays within the picture', () => {
  const svg = barPlot('Latency', [{ title: 'POST', bars: [bar('nginx', 2, 1, 4)] }]);
  const [, from, to] = /<path d="M([\d.]+) [\d.]+H([\d.]+)/.exec(svg)!.map(Number);
  const [, left, width] = /<rect x="([\d.]+)"[^>]*width="([\d.]+)"/.exec(svg)!.map(Number);
  expect((to! - from!) / width!).toBeCloseTo(1.5, 2);
  expect(from! - left!).toBeCloseTo(width! / 2, 0);
  expect(to!).toBeLessThan(Number(/viewBox="0 0 (\d+)/.exec(svg)![1]));
});

test('a difference below zero is drawn as nothing, not to the left', () => {
  expect(widths(barPlot('Latency', [{ title: 'GET', bars: [bar('nginx', -0.01), bar('holdpoint', 1)] }]))[0]).toBe(0);
});

test('a bar beyond the limit is cut off there and says so', () => {
  const svg = barPlot('Latency', [{ title: 'GET', bars: [bar('slow', 100), bar('holdpoint', 5)] }], 10);
  const [cut, whole] = widths(svg);
  expect(whole! / cut!).toBeCloseTo(0.5, 2);
  expect(svg).toContain('» slow says 100');
  expect(svg).toContain('>holdpoint says 5');
});

test('labels and figures are escaped, so that none becomes markup', () => {
  const svg = barPlot('a < b & c', [{ title: 'POST', bars: [bar('<nginx>', 1)] }]);
  expect(svg).toContain('<title>a &lt; b &amp; c</title>');
  expect(svg).toContain('>&lt;nginx&gt; says 1</text>');
});

test('the bar of Holdpoint stands out', () => {
  const svg = barPlot('Throughput', [{ title: 'POST', bars: [bar('nginx', 1), bar('holdpoint', 1)] }]);
  const [theirs, ours] = [...svg.matchAll(/<rect [^>]*fill="([^"]+)"/g)].map(([, fill]) => fill);
  expect(ours).not.toBe(theirs);
});
