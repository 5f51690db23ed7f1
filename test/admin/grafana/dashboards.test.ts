import { describe, expect, test } from 'vitest';
import { FILTERS } from '../../../admin/console/calls/call-filter.ts';
import { DASHBOARDS, type Dashboard, type Panel } from './dashboards.ts';

/** The data sources that the dashboards are for, each with the variable by which people choose theirs. */
const SOURCES: Readonly<Record<string, string>> = {
  'grafana-clickhouse-datasource': 'DS_CLICKHOUSE',
  prometheus: 'DS_PROMETHEUS',
};

/** The pages of the console that dashboards link to. */
const PAGES = ['/holds', '/holds/${__value.raw:percentencode}', '/calls', '/calls/${__value.raw:percentencode}'];

test('there is a dashboard for the work, one for the people and one for the gateway', () => {
  expect(DASHBOARDS.map(({ file, uid, title }) => [file, uid, title])).toEqual([
    ['gateway.json', 'holdpoint-gateway', 'Holdpoint: gateway'],
    ['people.json', 'holdpoint-people', 'Holdpoint: people'],
    ['work.json', 'holdpoint-work', 'Holdpoint: work'],
  ]);
});

describe.each(DASHBOARDS)('$title', (dashboard) => {
  const { panels, templating } = dashboard;

  test('has the form of a current Grafana, and no data of the Grafana in which it was made', () => {
    expect(dashboard).toMatchObject({ schemaVersion: 42, id: null, tags: ['holdpoint'] });
    expect(dashboard).not.toHaveProperty('__inputs');
  });

  test('gives each panel a number, a title and a description of its own', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
    expect(new Set(panels.map(({ description }) => description)).size).toBe(panels.length);
    for (const { id, title, description } of panels) {
      expect(id).toBeGreaterThan(0);
      expect(title).toMatch(/^[A-Z]/);
      // What is shown, and what to do about it.
      expect(description).toMatch(/^[A-Z(].+[.?:;] .+\.$/s);
    }
  });

  test('lays its panels out without gaps at the left and without overlaps', () => {
    for (const { gridPos } of panels) {
      expect(gridPos.x).toBeGreaterThanOrEqual(0);
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      expect(Math.min(gridPos.w, gridPos.h)).toBeGreaterThanOrEqual(4);
    }
    const overlaps = panels.flatMap((one, n) =>
      panels.slice(n + 1).flatMap((other) => (overlap(one, other) ? [`${one.title} and ${other.title}`] : [])),
    );
    expect(overlaps).toEqual([]);
    const width = new Map<number, number>();
    for (const { gridPos } of panels) width.set(gridPos.y, (width.get(gridPos.y) ?? 0) + gridPos.w);
    expect([...width.values()]).toEqual([...width.values()].map(() => 24));
  });

  test('lets people choose the data source, for every panel, query and variable', () => {
    const type = panels[0]!.datasource.type;
    const own = { type, uid: `\${${SOURCES[type]}}` };
    for (const { datasource, targets } of panels) {
      expect(datasource).toEqual(own);
      expect(targets.map((target) => target.datasource)).toEqual(targets.map(() => own));
      expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
    }
    const queried = templating.list.filter((variable) => variable.type === 'query');
    expect(queried.map(({ datasource }) => datasource)).toEqual(queried.map(() => own));
    expect(templating.list[0]).toMatchObject({ type: 'datasource', name: SOURCES[type], query: type });
  });

  test('defines the variables that it uses, and uses those that it defines', () => {
    const defined = templating.list.map(({ name }) => name);
    expect(new Set(defined).size).toBe(defined.length);
    const { templating: _, ...shown } = dashboard;
    const used = variablesIn(shown);
    expect(variablesIn(templating).difference(new Set(defined))).toEqual(new Set());
    expect(used).toEqual(new Set(defined));
  });

  test('links to pages of the console that exist, with filters that they know', () => {
    const links = linksOf(dashboard).filter(({ url }) => url !== '');
    expect(links.length).toBeGreaterThan(0);
    for (const { title, url } of links) {
      expect(title).not.toBe('');
      expect(url).toMatch(/^\$\{console\}\//);
      const [page, search = ''] = url.slice('${console}'.length).split('?');
      expect(PAGES).toContain(page);
      for (const [name] of new URLSearchParams(search)) expect(FILTERS).toContain(name);
      // A name may have any character; it must not become another parameter, or another page.
      expect(url.replaceAll('${__value.raw:percentencode}', '')).not.toContain('__value');
    }
  });
});

test('each table that names a call or a hold leads to it in the console', () => {
  const named = DASHBOARDS.flatMap(({ panels }) => panels).flatMap(({ title, targets, fieldConfig: { overrides } }) =>
    ['call_id', 'hold_id']
      .filter((column) => targets.some(({ rawSql = '' }) => rawSql.match(new RegExp(`^    ${column},?$`, 'm'))))
      .map((column) => {
        const override = overrides.find(({ matcher }) => matcher.options === column);
        const links = override?.properties.find(({ id }) => id === 'links')?.value as { url: string }[] | undefined;
        return [title, column, links?.[0]?.url];
      }),
  );
  expect(named).toEqual([
    ['Waiting, oldest first', 'hold_id', '${console}/holds/${__value.raw:percentencode}'],
    ['Last rejections', 'hold_id', '${console}/holds/${__value.raw:percentencode}'],
    ['Last failed calls', 'call_id', '${console}/calls/${__value.raw:percentencode}'],
    ['Last failed calls', 'hold_id', '${console}/holds/${__value.raw:percentencode}'],
  ]);
});

function overlap({ gridPos: a }: Panel, { gridPos: b }: Panel): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

/** The variables that a value names, as `$name` or `${name}`, without those of Grafana and of the data source itself. */
function variablesIn(value: unknown): Set<string> {
  const names = [...JSON.stringify(value).matchAll(/\$\{?(\w+)/g)].map(([, name]) => name!);
  return new Set(names.filter((name) => !name.startsWith('__')));
}

function linksOf({ links, panels }: Dashboard): { title: string; url: string }[] {
  const ofFields = panels.flatMap(({ fieldConfig: { overrides } }) =>
    overrides.flatMap(({ properties }) =>
      properties.flatMap(({ id, value }) => (id === 'links' ? (value as { title: string; url: string }[]) : [])),
    ),
  );
  return [...links, ...ofFields];
}
