import { useQuery } from '@tanstack/react-query';
import { CloudOff, DatabaseZap } from 'lucide-react';
import { readinessQuery } from '../server/readiness.ts';
import { useLiveState } from './live-context.ts';

/** What does not work now, and what does. Nothing when all is well. */
export function StateNotices() {
  const live = useLiveState();
  const { data: readiness } = useQuery(readinessQuery);
  const record = readiness?.checks['clickhouse'];
  const isRecordAway = record !== undefined && record !== 'ok';
  return (
    <div role="status" className="state-notices">
      {live === 'off' && (
        <p className="notice warn">
          <CloudOff size={18} aria-hidden />
          <span>
            The gateway cannot be reached, so this list may be old. You can still read what is open here. Held calls
            stay held, and their clocks go on.
          </span>
        </p>
      )}
      {live !== 'off' && isRecordAway && (
        <p className="notice">
          <DatabaseZap size={18} aria-hidden />
          <span>
            ClickHouse is away. Reading and deciding work as ever; the numbers next to a decision come back with it.
          </span>
        </p>
      )}
    </div>
  );
}
