#!/usr/bin/env node
import { defineCommand } from './cli/command.ts';
import { terminal } from './cli/terminal.ts';

// A command is loaded when it is named: none waits for what only another one needs.
const holdpoint = defineCommand({
  commands: {
    start: ['start the gateway', async () => (await import('./cli/start.ts')).start],
    check: [
      'validate configuration and policies without starting anything',
      async () => (await import('./cli/check.ts')).check,
    ],
    demo: ['try a gateway with an example API and a scripted agent', async () => (await import('./cli/demo.ts')).demo],
    policy: ['check, test, build or format policies', async () => (await import('./cli/policy.ts')).policy],
    token: [
      'create a token for an agent or a reviewer, with its token_sha256 for the configuration',
      async () => (await import('./cli/token.ts')).token,
    ],
    'sign-in': [
      'print a one-time link that signs a reviewer in to the console',
      async () => (await import('./cli/sign-in.ts')).signIn,
    ],
    holds: ['list held calls, or show one in full', async () => (await import('./cli/holds.ts')).holds],
    approve: ['show a held call, ask, and approve it', async () => (await import('./cli/approve.ts')).approve],
    reject: [
      'reject a held call, with a code and a note for the agent',
      async () => (await import('./cli/reject.ts')).reject,
    ],
    report: [
      'run a report on the recorded calls, such as what they cost',
      async () => (await import('./cli/report.ts')).report,
    ],
    audit: ['verify or export the audit log', async () => (await import('./cli/audit.ts')).audit],
    journal: [
      'show which events are not in ClickHouse yet, and which files are damaged',
      async () => (await import('./cli/journal.ts')).journal,
    ],
  },
  notes: ['"npx holdpoint COMMAND --help" explains a command.'],
});

process.exitCode = await holdpoint(process.argv.slice(2), terminal, {
  name: 'holdpoint',
  summary: 'a policy-enforcing gateway for agent tool calls',
});
if (process.exitCode !== 0) process.exit();
