/** What Grafana knows when it sends a query. */
export type View = {
  readonly from: number;
  readonly to: number;
  /** The length of one point, in milliseconds. */
  readonly interval: number;
  /** The values chosen of each variable; a variable that is not here has the value "All". */
  readonly chosen?: Readonly<Record<string, readonly string[]>>;
};

const seconds = (milliseconds: number): number => Math.floor(milliseconds / 1000);

/**
 * A query as Grafana sends it to ClickHouse. Only the macros that the dashboards use are known here; any other is an error.
 *
 * Their meanings are those of the data source's own code, github.com/grafana/clickhouse-datasource 4.20.0:
 * `$__conditionalAll` is `applyConditionalAll` in src/data/CHDatasource.ts, before variables are replaced. `$__timeFilter`
 * and `$__timeInterval` are `TimeFilter` and `TimeInterval` in pkg/macros/macros.go: whole seconds, both ends included.
 * `${name:singlequote}` is a format of Grafana: values in single quotes, with a backslash before a quote in them.
 */
export function asSent(rawSql: string, { from, to, interval, chosen = {} }: View): string {
  const sql = rawSql
    .replaceAll(
      /\$__conditionalAll\(([\w.]+ IN \(\$\{(\w+):singlequote\}\)), \$(\w+)\)/g,
      (_, condition, used, asked) => {
        if (used !== asked) throw new Error(`The condition on $${used} asks whether $${asked} is "All"`);
        return chosen[used] ? condition : '1=1';
      },
    )
    .replaceAll(/\$\{(\w+):singlequote\}/g, (_, name: string) =>
      chosen[name]!.map((value) => `'${value.replaceAll("'", String.raw`\'`)}'`).join(','),
    )
    .replaceAll(
      /\$__timeFilter\((\w+)\)/g,
      (_, column) => `${column} >= toDateTime(${seconds(from)}) AND ${column} <= toDateTime(${seconds(to)})`,
    )
    .replaceAll(
      /\$__timeInterval\((\w+)\)/g,
      (_, column) => `toStartOfInterval(toDateTime(${column}), INTERVAL ${Math.max(1, seconds(interval))} second)`,
    );
  if (sql.includes('$')) throw new Error(`A macro or variable is not replaced: ${sql}`);
  return sql;
}
