/*
title: Cost avoided
question: What would blocked, rejected and expired calls have cost?
act: >
  This is the value of rules and reviews in money alone. Reconsider a rule that avoids little and holds a lot: see
  hold-outcomes.
finding: 'Blocked, rejected and expired calls of {operation} would have cost {cost_avoided}.'
calls: { by: [system, operation] }
chart: { kind: bar, label: [system, operation], value: cost_avoided }
period: 30d
only: [owner, agent, system]
columns:
  system: { unit: text, about: 'The business system.' }
  operation: { unit: text, about: 'The operation.' }
  cost_unit: { unit: text, about: 'The unit of the costs.' }
  blocked: { unit: count, about: 'Calls that policy blocked in the period; without those blocked because policy failed.' }
  rejected: { unit: count, about: 'Holds opened in the period that people rejected.' }
  expired: { unit: count, about: 'Holds opened in the period that expired.' }
  usual_cost: { unit: cost, about: 'Median cost of the calls of the operation that ran in the period and have a cost. Operations without such a call are not listed, as their cost is unknown.' }
  cost_avoided: { unit: cost, about: 'usual_cost * (blocked + rejected + expired).' }
*/
SELECT
    s.system AS system,
    s.operation AS operation,
    p.cost_unit AS cost_unit,
    s.blocked AS blocked,
    s.rejected AS rejected,
    s.expired AS expired,
    p.usual_cost AS usual_cost,
    usual_cost * (blocked + rejected + expired) AS cost_avoided
FROM
(
    SELECT system, operation, sum(n * (why = 'block')) AS blocked, sum(n * (why = 'rejected')) AS rejected, sum(n * (why = 'expired')) AS expired
    FROM
    (
        SELECT system, operation, 'block' AS why, count() AS n
        FROM holdpoint.events
        WHERE type = 'call.decided' AND verdict = 'block' AND trigger != 'fault'
            AND at >= {from:DateTime64(3, 'UTC')} AND at < {to:DateTime64(3, 'UTC')}
            AND ({owner:String} = '' OR owner = {owner:String})
            AND ({agent:String} = '' OR agent = {agent:String})
            AND ({system:String} = '' OR system = {system:String})
        GROUP BY system, operation
        UNION ALL
        SELECT system, operation, status AS why, count() AS n
        FROM holdpoint.holds
        WHERE status IN ('rejected', 'expired')
            AND opened_at >= {from:DateTime64(3, 'UTC')} AND opened_at < {to:DateTime64(3, 'UTC')}
            AND ({owner:String} = '' OR owner = {owner:String})
            AND ({agent:String} = '' OR agent = {agent:String})
            AND ({system:String} = '' OR system = {system:String})
        GROUP BY system, operation, status
    )
    GROUP BY system, operation
) AS s
INNER JOIN
(
    SELECT system, operation, cost_unit, quantileExact(0.5)(cost) AS usual_cost
    FROM holdpoint.events
    WHERE type IN ('call.completed', 'hold.executed') AND verdict != 'block' AND cost > 0
        AND at >= {from:DateTime64(3, 'UTC')} AND at < {to:DateTime64(3, 'UTC')}
    GROUP BY system, operation, cost_unit
) AS p ON p.system = s.system AND p.operation = s.operation
ORDER BY cost_unit, cost_avoided DESC, system, operation
LIMIT 1000
