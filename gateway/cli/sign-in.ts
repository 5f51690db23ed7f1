import { loadConfig } from '../config/config.ts';
import { SIGN_IN_LINK_LIFE } from '../domain/session.ts';
import { CommandFailed, defineCommand } from './command.ts';
import { CONFIG, didYouMean } from './options.ts';
import { createSignInLink } from './sign-in-link.ts';

export const signIn = defineCommand({
  options: {
    as: { value: 'WHO', required: true, help: 'id of the reviewer, such as ben@example.com' },
    config: CONFIG,
  },
  notes: ['Run it on the machine of the gateway, as its user: the link is made with the key of the store.'],
  async run({ values: { as: reviewer, config: file }, terminal }) {
    const config = loadConfig(file);
    const known = config.reviewers.map(({ id }) => id);
    if (!known.includes(reviewer))
      throw new CommandFailed(`${file} has no reviewer ${reviewer}.${didYouMean(reviewer, known)}`);
    terminal.out(`${(await createSignInLink(config, reviewer)).href}\n`);
    // Apart from the link, which scripts read.
    terminal.err(`Signs in ${reviewer}, once, within ${SIGN_IN_LINK_LIFE / 60_000} minutes.\n`);
    return 0;
  },
});
