import { parser } from '@prometheus-io/lezer-promql';

type Matcher = { readonly label: string; readonly operator: string; readonly value: string };
export type Selector = { readonly metric: string; readonly matchers: readonly Matcher[] };

/** What an expression asks for: its selectors, the labels by which it groups and joins, and what the parser cannot read. */
export type Asked = {
  readonly selectors: readonly Selector[];
  readonly grouping: readonly string[];
  readonly errors: readonly string[];
};

/** The metrics in the text of a scrape: their names, and the values of each label of each. */
export type Metrics = {
  readonly names: ReadonlySet<string>;
  readonly labels: ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>>;
};

/** An expression as Grafana sends it when "All" is chosen of every variable. */
export function promqlOf(expr: string): string {
  return expr.replaceAll('$__rate_interval', '1m').replaceAll(/\$(?:instance|system)\b/g, '.*');
}

/** Reads an expression with the parser of Prometheus' own editor. */
export function selectorsIn(expr: string): Asked {
  const selectors: { metric: string; matchers: Matcher[] }[] = [];
  const grouping: string[] = [];
  const errors: string[] = [];
  parser.parse(expr).iterate({
    enter({ node, name, type, from, to }) {
      const text = expr.slice(from, to);
      const child = (of: string) => {
        const found = node.getChild(of);
        return found ? expr.slice(found.from, found.to) : '';
      };
      if (type.isError) errors.push(`at ${from}: ${text}`);
      if (name === 'VectorSelector') selectors.push({ metric: child('Identifier'), matchers: [] });
      if (name === 'UnquotedLabelMatcher') {
        const value = child('StringLiteral').slice(1, -1);
        selectors.at(-1)!.matchers.push({ label: child('LabelName'), operator: child('MatchOp'), value });
      }
      if (name === 'GroupingLabels')
        grouping.push(...node.getChildren('LabelName').map((label) => expr.slice(label.from, label.to)));
    },
  });
  return { selectors, grouping, errors };
}

/** Reads the text format of Prometheus. A metric counts once it has a value. */
export function readMetrics(text: string): Metrics {
  const names = new Set<string>();
  const labels = new Map<string, Map<string, Set<string>>>();
  for (const line of text.split('\n')) {
    const [, name, inner = ''] = line.match(/^([a-z_]\w*)(?:\{(.*)\})? \S+$/) ?? [];
    if (name === undefined) continue;
    names.add(name);
    const own = labels.get(name) ?? new Map<string, Set<string>>();
    labels.set(name, own);
    for (const [, label, value] of inner.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g))
      own.set(label!, (own.get(label!) ?? new Set()).add(value!));
  }
  return { names, labels };
}
