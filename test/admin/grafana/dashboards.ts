import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = join(import.meta.dirname, '../../../admin/grafana');

export type Datasource = { readonly type: string; readonly uid: string };

export type Target = { readonly refId: string; readonly datasource: Datasource } & {
  /** ClickHouse: the statement, and 0 for a time series or 1 for a table. */
  readonly rawSql?: string;
  readonly format?: 0 | 1;
  /** Prometheus. */
  readonly expr?: string;
  readonly legendFormat?: string;
};

export type Link = { readonly title: string; readonly url: string };

export type Panel = {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description: string;
  readonly datasource: Datasource;
  readonly gridPos: { readonly h: number; readonly w: number; readonly x: number; readonly y: number };
  readonly targets: readonly Target[];
  readonly options: { readonly xField?: string };
  readonly fieldConfig: {
    readonly overrides: readonly {
      readonly matcher: { readonly id: string; readonly options: string };
      readonly properties: readonly { readonly id: string; readonly value: unknown }[];
    }[];
  };
};

export type Variable = {
  readonly name: string;
  readonly type: string;
  readonly label: string;
  readonly datasource?: Datasource;
  readonly definition?: string;
  readonly query: string | { readonly rawSql?: string; readonly query?: string };
};

export type Dashboard = {
  readonly file: string;
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly schemaVersion: number;
  readonly links: readonly Link[];
  readonly templating: { readonly list: readonly Variable[] };
  readonly panels: readonly Panel[];
};

/** All dashboards that are shipped. */
export const DASHBOARDS: readonly Dashboard[] = globSync('*.json', { cwd: FOLDER })
  .toSorted()
  .map((file) => ({ file, ...(JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as Omit<Dashboard, 'file'>) }));

/** The panels of dashboards whose data come from a data source of this type. */
export function panelsOf(type: string): Panel[] {
  return DASHBOARDS.flatMap(({ panels }) => panels).filter(({ datasource }) => datasource.type === type);
}
