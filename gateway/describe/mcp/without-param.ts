import { parseSpans } from '../../json/text.ts';
import { readMessages, type Message } from '../../mcp/message.ts';

/** The message without one of its parameters, which is meant for the gateway. The others stay byte for byte. */
export function withoutParam({ text }: Message, left: string): Message {
  const { start, end, members } = parseSpans(text).members.get('params')!.value;
  const kept = [...members].flatMap(([name, member]) =>
    name === left ? [] : [`${member.name}:${text.slice(member.value.start, member.value.end)}`],
  );
  return readMessages(Buffer.from(`${text.slice(0, start)}{${kept.join(',')}}${text.slice(end)}`)).all[0];
}
