import {
  BadParameter,
  ReportTookTooLong,
  UnknownReport,
  type ReportResult,
  type Reports,
} from '../gateway/domain/report.ts';
import { AdminProblem, invalidMember } from './api/problems.ts';

/** @throws AdminProblem that tells a person why there is no result */
export async function runReport(
  reports: Reports,
  name: string,
  given: Readonly<Record<string, string>>,
): Promise<ReportResult> {
  try {
    return await reports.run(name, given);
  } catch (cause) {
    if (cause instanceof UnknownReport) throw new AdminProblem('not-found', { detail: cause.message });
    if (cause instanceof BadParameter) throw invalidMember('querystring', `/${cause.parameter}`, `${cause.expected}.`);
    if (cause instanceof ReportTookTooLong)
      throw new AdminProblem('record-unavailable', { detail: cause.message, cause });
    throw new AdminProblem('record-unavailable', { cause });
  }
}

/** The period of a result, RFC 3339. */
export function periodOf({ parameters }: ReportResult): { readonly from: string; readonly to: string } {
  const value = (name: string) => String(parameters.find((parameter) => parameter.name === name)!.value);
  return { from: value('from'), to: value('to') };
}
