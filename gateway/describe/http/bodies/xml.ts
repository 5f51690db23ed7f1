import { isUtf8 } from 'node:buffer';
import { SaxesParser, type SaxesTagNS } from 'saxes';
import { Problem } from '../../../domain/problem.ts';

/** Levels of elements; each is up to two of JSON. */
const MAX_LEVELS = 32;

const SOAP = new Set(['http://schemas.xmlsoap.org/soap/envelope/', 'http://www.w3.org/2003/05/soap-envelope']);

/** An element while it is read. Names are local: the prefixes are the sender's choice. */
type Element = {
  readonly name: string;
  readonly namespace: string;
  /** JSON texts of attributes and child elements, by name. */
  readonly members: Map<string, string[]>;
  readonly children: Pick<Element, 'name' | 'namespace' | 'children'>[];
  text: string;
  /** What the text consists of, to find text that parsers read differently. */
  readonly pieces: Set<'text' | 'cdata' | 'note'>;
};

/**
 * An XML body as JSON text:
 *
 *     {"root": "Envelope", "namespace": "…", "namespaces": ["…"], "content": {"Body": {"Pay": {"Amount": "5"}}},
 *      "soap": {"operation": "Pay", "namespace": "…", "action": "…"}}
 *
 * `content` is the root element. An element is its text, or an object if it has attributes (`@name`) or child elements,
 * its text then being `#text`. Equal names are one array. `soap` exists for SOAP envelopes: `operation` is the first
 * element in the body.
 * @param soapAction the header SOAPAction
 * @throws Problem `bad-body` for XML that is not well-formed or has a DTD (entity expansion, XXE), and for text that
 *   parsers read differently
 */
export function xmlToJson(body: Buffer, contentType: string, soapAction: string | undefined): string {
  if (!isUtf8(body)) throw refused('bytes that are not UTF-8');
  const namespaces = new Set<string>();
  const root = readElements(body.toString('utf8').replace(/^\ufeff/, ''), namespaces);
  const { name, namespace } = root;
  const soap = name === 'Envelope' && SOAP.has(namespace) ? soapJson(root, actionOf(contentType, soapAction)) : '';
  const head = JSON.stringify({ root: name, namespace, namespaces: [...namespaces] });
  return `${head.slice(0, -1)},"content":${write(root)}${soap}}`;
}

function readElements(text: string, namespaces: Set<string>): Element {
  const parser = new SaxesParser({ xmlns: true });
  const open: Element[] = [];
  let root: Element | null = null;
  // saxes calls this for the first error and stops, because it throws.
  parser.on('error', ({ message }) => {
    throw refused(`an error: ${message}`);
  });
  parser.on('doctype', () => {
    throw refused('a DTD');
  });
  parser.on('xmldecl', ({ encoding }) => {
    if (encoding !== undefined && !/^(?:utf-8|us-ascii)$/i.test(encoding))
      throw refused('an encoding other than UTF-8');
  });
  parser.on('opentag', (tag) => {
    if (open.length === MAX_LEVELS) throw refused(`more than ${MAX_LEVELS} levels of elements`);
    const element = elementOf(tag, namespaces);
    open.at(-1)?.children.push(element);
    root ??= element;
    open.push(element);
  });
  parser.on('closetag', () => {
    const element = open.pop()!;
    const parent = open.at(-1);
    if (parent) add(parent.members, element.name, write(element));
  });
  const piece = (kind: 'text' | 'cdata' | 'note', content: string) => {
    const element = open.at(-1);
    if (element === undefined) return;
    if (kind === 'note' || content.trim() !== '') element.pieces.add(kind);
    // Comment truncation: `1<!-- -->00` is 1 to a parser that takes the first piece of text, and 100 to others.
    if (element.pieces.size > 1) throw refused(`text in several pieces in the element ${element.name}`);
    if (kind !== 'note') element.text += content;
  };
  parser.on('text', (content) => piece('text', content));
  parser.on('cdata', (content) => piece('cdata', content));
  parser.on('comment', () => piece('note', ''));
  parser.on('processinginstruction', () => piece('note', ''));
  parser.write(text).close();
  return root!;
}

function elementOf({ local, uri, attributes }: SaxesTagNS, namespaces: Set<string>): Element {
  if (uri !== '') namespaces.add(uri);
  const members = new Map<string, string[]>();
  for (const attribute of Object.values(attributes)) {
    if (attribute.prefix === 'xmlns' || attribute.name === 'xmlns') continue;
    add(members, `@${attribute.local}`, JSON.stringify(attribute.value));
  }
  return { name: local, namespace: uri, members, children: [], text: '', pieces: new Set() };
}

function add(members: Map<string, string[]>, name: string, json: string): void {
  const present = members.get(name);
  if (present) present.push(json);
  else members.set(name, [json]);
}

function write({ members, text }: Element): string {
  if (members.size === 0) return JSON.stringify(text);
  const written = [...members].map(
    ([name, values]) => `${JSON.stringify(name)}:${values.length === 1 ? values[0] : `[${values.join(',')}]`}`,
  );
  if (text.trim() !== '') written.push(`"#text":${JSON.stringify(text)}`);
  return `{${written.join(',')}}`;
}

function soapJson({ children, namespace }: Element, action: string | null): string {
  const body = children.find((child) => child.name === 'Body' && child.namespace === namespace);
  const [operation] = body?.children ?? [];
  const soap = { action, operation: operation?.name ?? null, namespace: operation?.namespace ?? null };
  return `,"soap":${JSON.stringify(soap)}`;
}

/** SOAP 1.1 names the action in a header, SOAP 1.2 in a parameter of Content-Type. */
function actionOf(contentType: string, soapAction: string | undefined): string | null {
  const parameters = [...contentType.matchAll(/;[ \t]*action[ \t]*=[ \t]*("[^"]*"|[^";,]*)/gi)].map(
    ([, value]) => value!,
  );
  const named = new Set([soapAction, ...parameters].filter((value) => value !== undefined).map(unquoted));
  if (named.size > 1 || [...named].some((action) => action.includes('"'))) throw refused('more than one SOAP action');
  return [...named][0] ?? null;
}

function unquoted(value: string): string {
  const text = value.trim();
  return text.length > 1 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
}

function refused(what: string): Problem {
  return new Problem('bad-body', { detail: `The XML body has ${what}. Correct it and send the call again.` });
}
