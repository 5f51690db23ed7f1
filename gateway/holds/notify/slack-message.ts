import { visibleLine, writtenOut } from '../../domain/visible-text.ts';
import { clip, type NotificationMessage } from './notification-message.ts';
import { command, facts, headline, withoutLinks } from './wording.ts';

/** Longest reason with its markup written out, in characters: a section takes 3000. */
const LONGEST_ESCAPED = 2000;

/**
 * A message in the form that Slack takes, and others that imitate it: those that know no `blocks`
 * show `text`. Nothing in it acts: a person opens its link, or runs its command, and decides there.
 */
export function slackMessage(message: NotificationMessage): SlackMessage {
  const { reason, url } = message.data;
  const title = escape(headline(message));
  const why = clip(escape(visibleLine(reason)), LONGEST_ESCAPED);
  const shown = command(message);
  const how = shown === null ? '' : `\n\`${escapeEntities(shown)}\``;
  const fields = facts(message).map(([name, value]) => mrkdwn(`*${name}*\n${escape(value)}`));
  return {
    text: `${title}\n${why}\n${url}${how}`,
    blocks: [
      { type: 'section', text: mrkdwn(why ? `*${title}*\n${why}` : `*${title}*`) },
      { type: 'section', fields },
      { type: 'section', text: mrkdwn(`<${url}|Open in Holdpoint>${how}`) },
    ],
    unfurl_links: false,
    unfurl_media: false,
  };
}

/** No page or picture that the text names is shown below it. */
export type SlackMessage = {
  readonly text: string;
  readonly blocks: readonly object[];
  readonly unfurl_links: false;
  readonly unfurl_media: false;
};

/** `verbatim`: names of channels and addresses in the text do not become links. */
const mrkdwn = (text: string) => ({ type: 'mrkdwn', text, verbatim: true }) as const;

/**
 * Markup of Slack, and of those that imitate it with Markdown: bold, italics, code, `:emoji:`, `@channel`, `[text](link)`,
 * and addresses that become links by themselves. There is no way to escape it, so it is written out. An underscore or an
 * @ within a word is none.
 */
const MARKUP = /[*~`]|(?<![\p{L}\p{N}])[_@]|_(?![\p{L}\p{N}])|\](?=\()|:(?=[\w+-]*[A-Za-z_+-][\w+-]*:)/gu;

/** Unescaped, `<!channel>` wakes everybody, and `<https://…|text>` is a link that says what it likes. */
function escape(text: string): string {
  return escapeEntities(withoutLinks(text).replaceAll(MARKUP, writtenOut));
}

function escapeEntities(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
