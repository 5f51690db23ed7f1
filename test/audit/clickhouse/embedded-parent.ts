/** A process that starts the embedded ClickHouse in its first argument and tells its own parent the child's id. */
import { startEmbedded } from '../../../audit/clickhouse/start-embedded.ts';

const { child } = await startEmbedded({ path: process.argv[2]! });
process.send?.(child.pid);
