import { parseArgs } from 'node:util';
import { help, readOptions } from './options.ts';

const args = process.argv.slice(2);
const [subject, ...rest] = args;

/** Each is loaded when it is asked for: the others' libraries and checks are none of its business. */
async function bench(): Promise<number> {
  if (args.includes('--help')) {
    process.stdout.write(help());
    return 0;
  }
  if (subject === 'holds') return (await import('./holds/holds.ts')).benchHolds(rest);
  if (subject === 'streams') return (await import('./streams/streams.ts')).benchStreams(rest);
  if (subject === 'console') return (await import('./console/console.ts')).benchConsole(rest);
  if (subject === 'operation') return (await import('./operation/operation.ts')).benchOperation(rest);
  if (subject === 'audit') {
    const { values } = parseArgs({ args: rest, options: { data: { type: 'string' } } });
    return (await import('./audit/audit.ts')).benchAudit(values);
  }
  if (args.includes('--smoke')) return (await import('./smoke.ts')).benchSmoke();
  if (args.includes('--profile')) {
    const options = readOptions(args.filter((argument) => argument !== '--profile'));
    return (await import('./profile/profile.ts')).benchProfile(options);
  }
  const other = args.indexOf('--against');
  if (other >= 0) {
    const [, folder = ''] = args.slice(other);
    return (await import('./against.ts')).benchAgainst(folder, readOptions(args.toSpliced(other, 2)));
  }
  return (await import('./throughput.ts')).benchThroughput(readOptions(args));
}

try {
  process.exitCode = await bench();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n\nnpm run bench -- --help tells what there is.\n`);
  process.exitCode = 1;
}
