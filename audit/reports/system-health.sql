/*
title: System health
question: Which systems fail or answer slowly?
act: >
  Talk to the system's operator. An agent that calls a slow operation often may manage with fewer calls.
finding: '{failed} of {calls} calls of {operation} at {system} failed.'
attention: failed
calls: { by: [system, operation] }
chart: { kind: bar, label: [system, operation], value: failed_share }
period: 7d
only: [owner, agent, system]
parameters:
  by: { type: choice, of: [system, operation], default: system, about: 'One line for each system, or for each operation.' }
  slow: { type: duration, default: 1s, about: 'Time from which an answer counts as slow.' }
columns:
  system: { unit: text, about: 'The business system.' }
  operation: { unit: text, about: 'The operation; filled by operation.' }
  calls: { unit: count, about: 'Calls that were sent to the system and ended in the period: allowed ones, and held ones that were released.' }
  failed: { unit: count, about: 'Of these, not reached, too slow, answered with a 5xx, or of unknown outcome.' }
  failed_share: { unit: share, about: 'failed / calls.' }
  unreachable: { unit: count, about: 'Of those failed, answered 502: the system was not reached.' }
  too_slow: { unit: count, about: 'Of those failed, answered 504: it took too long.' }
  p50_ms: { unit: ms, about: "Median time until the system's answer began." }
  p90_ms: { unit: ms, about: 'Nine of ten answers began within this.' }
  p99_ms: { unit: ms, about: '99 of 100 answers began within this.' }
  slow_share: { unit: share, about: 'Share of the answers that took at least `slow`.' }
*/
SELECT
    e.system AS system,
    if({by:String} = 'operation', e.operation, '') AS operation,
    count() AS calls,
    countIf(failed_on_it) AS failed,
    failed / nullIf(calls, 0) AS failed_share,
    countIf(failed_on_it AND status = 502) AS unreachable,
    countIf(failed_on_it AND status = 504) AS too_slow,
    if(countIf(answered) = 0, NULL, quantileTDigestIf(0.5)(upstream_ms, answered)) AS p50_ms,
    if(countIf(answered) = 0, NULL, quantileTDigestIf(0.9)(upstream_ms, answered)) AS p90_ms,
    if(countIf(answered) = 0, NULL, quantileTDigestIf(0.99)(upstream_ms, answered)) AS p99_ms,
    countIf(answered AND upstream_ms >= {slow:UInt64}) / nullIf(countIf(answered), 0) AS slow_share
FROM
(
    SELECT
        system, operation, upstream_ms, status,
        failure = 'system-failed' OR type IN ('hold.failed', 'hold.indeterminate') AS failed_on_it,
        upstream_ms > 0 AND type NOT IN ('hold.failed', 'hold.indeterminate') AS answered
    FROM holdpoint.events
    -- The answer to a held call is told by its hold. Its callers may hear of it late, or never.
    WHERE (type = 'call.completed' AND verdict = 'allow' OR type IN ('hold.executed', 'hold.failed', 'hold.indeterminate'))
        AND (upstream_ms > 0 OR failure = 'system-failed' OR layer = 'execute')
        AND at >= {from:DateTime64(3, 'UTC')} AND at < {to:DateTime64(3, 'UTC')}
        AND ({owner:String} = '' OR owner = {owner:String})
        AND ({agent:String} = '' OR agent = {agent:String})
        AND ({system:String} = '' OR system = {system:String})
) AS e
GROUP BY system, operation
ORDER BY failed_share DESC, p90_ms DESC, system, operation
LIMIT 1000
