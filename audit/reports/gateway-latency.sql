/*
title: Latency added by the gateway
question: How much time does Holdpoint itself add to a call?
act: >
  A high decide_p99_us is a slow rule: find its operation. Other added time comes from the journal's disk, a busy machine,
  or long answers.
finding: 'Holdpoint adds at most {added_p90_ms} to nine of ten calls.'
calls: { by: [system, operation] }
chart: { kind: bar, label: [system, operation], value: added_p90_ms }
period: 7d
only: [agent, system]
parameters:
  by: { type: choice, of: [system, operation], default: system, about: 'One line for each system, or for each operation.' }
columns:
  system: { unit: text, about: 'The business system; "(all)" is every call.' }
  operation: { unit: text, about: 'The operation; filled by operation.' }
  calls: { unit: count, about: 'Allowed calls that ended in the period with an answer of the system.' }
  added_p50_ms: { unit: ms, about: 'Median of added time of these calls: from arrival to the end of the answer, without the time until the answer of the system began. Whole milliseconds; what passing on a long answer takes is in it.' }
  added_p90_ms: { unit: ms, about: 'Nine of ten calls had at most this.' }
  added_p99_ms: { unit: ms, about: '99 of 100 calls had at most this.' }
  decide_p50_us: { unit: us, about: 'Median time that policy took, of the calls that were decided in the period.' }
  decide_p90_us: { unit: us, about: 'Nine of ten decisions took at most this.' }
  decide_p99_us: { unit: us, about: '99 of 100 decisions took at most this.' }
*/
WITH
    quantilesTimingMergeIf(0.5, 0.9, 0.99)(s.added, s.calls > 0) AS ms,
    quantilesTDigestMerge(0.5, 0.9, 0.99)(s.decide) AS us
SELECT
    arrayJoin(['(all)', toString(s.system)]) AS system,
    if(system = '(all)', '', s.operation) AS operation,
    sum(s.calls) AS calls,
    if(calls = 0, NULL, ms[1]) AS added_p50_ms,
    if(calls = 0, NULL, ms[2]) AS added_p90_ms,
    if(calls = 0, NULL, ms[3]) AS added_p99_ms,
    if(isNaN(us[1]), NULL, us[1]) AS decide_p50_us,
    if(isNaN(us[2]), NULL, us[2]) AS decide_p90_us,
    if(isNaN(us[3]), NULL, us[3]) AS decide_p99_us
FROM
(
    SELECT
        e.system AS system,
        if({by:String} = 'operation', e.operation, '') AS operation,
        countIf(e.answered) AS calls,
        quantilesTimingStateIf(0.5, 0.9, 0.99)(
            toUInt64(greatest(0, toInt64(took_ms) - toInt64(upstream_ms))), e.answered) AS added,
        quantilesTDigestStateIf(0.5, 0.9, 0.99)(decide_us, type = 'call.decided' AND decide_us > 0) AS decide
    FROM
    (
        SELECT
            *,
            type = 'call.completed' AND verdict = 'allow' AND (upstream_ms > 0 OR layer = 'execute') AS answered
        FROM holdpoint.events
        WHERE type IN ('call.decided', 'call.completed')
    ) AS e
    WHERE at >= {from:DateTime64(3, 'UTC')} AND at < {to:DateTime64(3, 'UTC')}
        AND ({agent:String} = '' OR agent = {agent:String})
        AND ({system:String} = '' OR e.system = {system:String})
    GROUP BY system, operation
) AS s
GROUP BY system, operation
ORDER BY system != '(all)', added_p90_ms DESC, decide_p50_us DESC, system, operation
LIMIT 1000
