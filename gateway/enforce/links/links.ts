import { headerValue } from '../../domain/headers.ts';
import type { HeldResponse } from '../../domain/hold.ts';
import type { AnswerNote, UpstreamSink } from '../../domain/upstream-sink.ts';
import type { Passes } from '../../domain/pass.ts';
import type { Via } from '../../domain/reply.ts';
import type { System } from '../../domain/system.ts';
import type { GatewayUrls } from '../reply/gateway-urls.ts';
import { RewritableAnswer, rewriteWhole, type RewriteHead } from '../rewritable-answer.ts';
import { createCookieRewriter } from './cookies.ts';
import { linkHeader, rewriteHeader, type Rewrite } from './header-links.ts';
import { createJsonLinks } from './json-links.ts';
import { createSystemUrls, type Lead } from './system-urls.ts';

/** Largest JSON body in which links are rewritten. */
const LARGEST_JSON = 2 ** 20;
const JSON_TYPE = /^(?:application|text)\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i;
const OTHER_CHARSET = /;\s*charset\s*=\s*"?(?!utf-?8\b|us-ascii\b)/i;

/** The call that is answered. How its caller reached the gateway is read only where there is a link. */
export type Answered = {
  readonly agent: string;
  readonly system: string;
  readonly target: string;
  readonly reply: { readonly via: Via };
};

/**
 * Leads the links in answers back through the gateway. An agent would follow a system's own URL past every policy, with
 * its token.
 */
export type Links = {
  /** Rewrites an answer as it streams. */
  through(answered: Answered, answer: UpstreamSink): UpstreamSink;
  /** Rewrites a stored answer. */
  stored(answered: Answered, response: HeldResponse): { response: HeldResponse; notes: readonly AnswerNote[] };
};

export function createLinks(
  systems: readonly System[],
  gateway: Pick<GatewayUrls, 'system'>,
  passes: Pick<Passes, 'issue'>,
): Links {
  const perSystem = new Map(
    systems.map((system) => [
      system.name,
      {
        urls: createSystemUrls(system, passes),
        json: system.links?.length ? createJsonLinks(system.links) : null,
        cookie: system.cookies === 'pass' ? createCookieRewriter(system) : null,
      },
    ]),
  );

  /** Where links lead; null if the caller cannot reach the system at its address. */
  function leadFor({ system, agent, reply }: Answered): Lead | null {
    const base = gateway.system(system, reply.via);
    return base === null ? null : { base, agent };
  }

  const rewriteHead: RewriteHead<Answered> = (status, headers, noted, answered) => {
    const known = perSystem.get(answered.system);
    // A stored answer of a system that left the configuration.
    if (!known) return null;
    const { urls, json, cookie } = known;
    if (cookie)
      rewriteCookies(headers, (value) =>
        cookie(value, gateway.system(answered.system, answered.reply.via), answered.target),
      );
    for (let i = 0; i < headers.length; i += 2) {
      const name = linkHeader(headers[i]!);
      if (name === '') continue;
      const lead = leadFor(answered);
      let led: string | null = null;
      headers[i + 1] = rewriteHeader(name, headers[i + 1]!, (reference) => {
        led = lead && urls.reference(reference, lead, answered.target);
        return led;
      });
      const isRedirect = name === 'location' && status >= 300 && status < 400;
      if (!isRedirect || led !== null) continue;
      noted.note('redirect-elsewhere');
      headers.push('holdpoint-warning', 'redirect-elsewhere');
    }
    if (!json || !isJson(headerValue(headers, 'content-type') ?? '')) return null;
    const lead = leadFor(answered);
    if (!lead) return null;
    const absolute: Rewrite = (url) => urls.absolute(url, lead);
    return { limit: LARGEST_JSON, rewrite: (bytes) => json(bytes, absolute), unread: 'links-kept' };
  };

  return {
    through: (answered, answer) => new RewritableAnswer(answer, rewriteHead, answered),
    stored(answered, response) {
      const notes: AnswerNote[] = [];
      const noted = { note: (code: AnswerNote) => void notes.push(code) };
      return { response: rewriteWhole(response, rewriteHead, noted, answered), notes };
    },
  };
}

/** Rewrites the cookies of an answer in place, or removes them. */
function rewriteCookies(headers: string[], rewrite: (cookie: string) => string | null): void {
  for (let i = headers.length - 2; i >= 0; i -= 2) {
    if (headers[i]!.toLowerCase() !== 'set-cookie') continue;
    const rewritten = rewrite(headers[i + 1]!);
    if (rewritten === null) headers.splice(i, 2);
    else headers[i + 1] = rewritten;
  }
}

function isJson(type: string): boolean {
  return JSON_TYPE.test(type) && !OTHER_CHARSET.test(type);
}
