/** A path template of an OpenAPI document, with the name of each method that the document lists for it. */
export type Template = {
  readonly text: string;
  /** Upper-case method → operation name. */
  readonly operations: ReadonlyMap<string, string>;
};

export type TemplateMatch = {
  readonly template: Template;
  /** For each segment the value of its parameter, or null where the template has fixed text. */
  readonly values: readonly (string | null)[];
};

/** A segment such as `{id}.json` or `{id}:cancel`. */
type Partial = { readonly pattern: RegExp; readonly source: string; readonly node: Node };
type Node = { fixed: Map<string, Node>; partial: Partial[]; any: Node | null; template: Template | null };

/**
 * Path templates by segment. Fixed text wins over partial parameters, and those over whole ones (OpenAPI, Paths
 * Object).
 */
type TemplateTree = {
  add(template: Template): void;
  /** The most specific match that lists `method`; with null, the most specific of all. */
  find(segments: readonly string[], method: string | null): TemplateMatch | null;
};

/** @param anyCase matches fixed text in any case, as servers do that route without regard to it */
export function createTemplateTree(anyCase: boolean): TemplateTree {
  const root = createNode();
  const fold = (text: string) => (anyCase ? text.toLowerCase() : text);

  function walk(
    node: Node,
    segments: readonly string[],
    method: string | null,
    values: (string | null)[],
  ): TemplateMatch | null {
    const depth = values.length;
    if (depth === segments.length) {
      const { template } = node;
      return template !== null && (method === null || template.operations.has(method)) ? { template, values } : null;
    }
    const segment = segments[depth]!;
    const fixed = node.fixed.get(fold(segment));
    if (fixed !== undefined) {
      const match = walk(fixed, segments, method, [...values, null]);
      if (match !== null) return match;
    }
    for (const { pattern, node: next } of node.partial) {
      const found = pattern.exec(segment);
      const match = found && walk(next, segments, method, [...values, found[1]!]);
      if (match) return match;
    }
    return node.any && walk(node.any, segments, method, [...values, segment]);
  }

  return {
    add(template) {
      let node = root;
      for (const segment of template.text.split('/').filter((part) => part !== '')) {
        node = child(node, fold(segment), anyCase);
      }
      node.template ??= template;
    },
    find: (segments, method) => walk(root, segments, method, []),
  };
}

function createNode(): Node {
  return { fixed: new Map(), partial: [], any: null, template: null };
}

function child(node: Node, segment: string, anyCase: boolean): Node {
  if (/^\{[^{}]+\}$/.test(segment)) return (node.any ??= createNode());
  if (segment.includes('{')) {
    const source = segment
      .split(/(\{[^{}]+\})/)
      .map((part) => (part.startsWith('{') ? '(.+?)' : RegExp.escape(part)))
      .join('');
    let partial = node.partial.find((other) => other.source === source);
    if (partial === undefined) {
      partial = { pattern: new RegExp(`^${source}$`, anyCase ? 'i' : ''), source, node: createNode() };
      node.partial.push(partial);
    }
    return partial.node;
  }
  let next = node.fixed.get(segment);
  if (next === undefined) {
    next = createNode();
    node.fixed.set(segment, next);
  }
  return next;
}
