import { randomBytes } from 'node:crypto';
import { hashToken } from '../identify/token.ts';
import { defineCommand } from './command.ts';

export const token = defineCommand({
  async run({ terminal }) {
    const secret = `hp_${randomBytes(32).toString('base64url')}`;
    terminal.out(`token         ${secret}\n`);
    terminal.out(`token_sha256  ${hashToken(secret)}\n\n`);
    terminal.out('Give the token to the agent or reviewer: it is not shown again. Configure token_sha256.\n');
    return 0;
  },
});
