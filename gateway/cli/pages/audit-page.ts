import { BREAK_KINDS, type Break, type ChainReport, type JournalCheck } from '../../domain/verification.ts';
import { plain } from './plain-text.ts';

/** More breaks of one chain than these are counted, not listed. */
const LISTED = 10;

const number = new Intl.NumberFormat('en');

/** What `audit verify` found, for people: each chain in a few lines, the first break first, and whether all is well. */
export function auditPage(chains: readonly ChainReport[], journals: readonly JournalCheck[]): string {
  const lines = [
    ...(chains.length > 0 ? ['In ClickHouse'] : ['There is nothing in ClickHouse yet.']),
    ...chains.flatMap(chainLines),
    ...(journals.length > 0 ? ['', 'In journals'] : []),
    ...journals.flatMap(journalLines),
    '',
    verdict('record', [...chains, ...journals]),
  ];
  return `${lines.join('\n')}\n`;
}

/** The same of an export, which is verified by itself. */
export function exportPage(chains: readonly ChainReport[]): string {
  const lines = ['In the export', ...chains.flatMap(chainLines), '', verdict('export', chains)];
  return `${lines.join('\n')}\n`;
}

/** Whether nothing was found wrong. */
export function isWhole(chains: readonly ChainReport[], journals: readonly JournalCheck[]): boolean {
  return [...chains, ...journals].every(({ breaks }) => breaks.length === 0);
}

function chainLines({
  chain,
  nodes,
  verified,
  checkpoints,
  unsigned,
  expired,
  signedAt,
  breaks,
}: ChainReport): string[] {
  const signed = signedAt === null ? 'never signed' : `signed up to ${new Date(signedAt).toISOString()}`;
  return [
    `  ${mark(breaks)} ${plain(chain || '(no chain)')}${nodes.length > 0 ? `, of ${plain(nodes.join(', '))}` : ''}`,
    `      ${events(verified)} as written, under ${plural(checkpoints, 'checkpoint')}, ${signed}`,
    ...(unsigned > 0 ? [`      ${events(unsigned)} behind the last checkpoint, not signed yet`] : []),
    ...(expired > 0 ? [`      ${events(expired)} deleted by retention; their checkpoints are there`] : []),
    ...breakLines(breaks),
  ];
}

function journalLines({ name, chain, verified, unsigned, breaks }: JournalCheck): string[] {
  if (chain === null) return [`  ${mark(breaks)} ${plain(name)}: empty`];
  const waiting = unsigned > 0 ? `, ${events(unsigned)} not signed yet` : '';
  return [
    `  ${mark(breaks)} ${plain(name)}, chain ${plain(chain)}`,
    `      ${events(verified)} as written${waiting}`,
    ...breakLines(breaks),
  ];
}

function breakLines(breaks: readonly Break[]): string[] {
  const listed = breaks
    .slice(0, LISTED)
    .map(({ kind, detail }) => `      ${kind}: ${plain(detail)} (${BREAK_KINDS[kind]})`);
  const more = breaks.length - listed.length;
  return more > 0 ? [...listed, `      and ${number.format(more)} more behind it`] : listed;
}

function verdict(what: 'record' | 'export', checked: readonly { readonly breaks: readonly Break[] }[]): string {
  const broken = checked.filter(({ breaks }) => breaks.length > 0);
  if (broken.length === 0) return `The ${what} is whole.`;
  const [first] = broken[0]!.breaks;
  return `The ${what} is broken. The first break: ${plain(first!.detail)}.`;
}

const mark = (breaks: readonly Break[]) => (breaks.length === 0 ? '✓' : '✗');
const events = (count: number) => plural(count, 'event');
const plural = (count: number, what: string) => `${number.format(count)} ${what}${count === 1 ? '' : 's'}`;
