import { queryOptions } from '@tanstack/react-query';
import { searchOf, type Period } from '../insights/period.ts';
import { ask } from './ask.ts';
import type { Report, ReportHeader } from './shapes.ts';

/** Values of parameters, as people write them. */
export type Given = Readonly<Record<string, string>>;

/** All reports, without their rows. */
export const reportsQuery = queryOptions({
  queryKey: ['reports'],
  queryFn: async ({ signal }) => (await ask<{ items: ReportHeader[] }>('/api/reports', { signal })).items,
  staleTime: Infinity,
});

/** A report over a period. @param isBefore whether over the period before it, which is as long */
export const reportQuery = (name: string, period: Period, given: Given = {}, isBefore = false) =>
  queryOptions({
    queryKey: ['report', name, period, given, isBefore],
    queryFn: ({ signal }) =>
      ask<Report>(`${pathOf(name)}?${new URLSearchParams({ ...given, ...searchOf(period, isBefore) })}`, { signal }),
    staleTime: 60_000,
    retry: false,
  });

/** Where a report is downloaded as CSV. */
export const csvPath = (name: string, period: Period, given: Given) =>
  `${pathOf(name)}?${new URLSearchParams({ ...given, ...searchOf(period), format: 'csv' })}`;

const pathOf = (name: string) => `/api/reports/${encodeURIComponent(name)}`;
