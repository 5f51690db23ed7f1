/*
title: Missed holds
question: Which allowed calls resemble calls that people reject?
act: >
  Look at some of them (`example` is the latest). If they should have been held, widen the rule to their common features.
finding: '{alike} allowed calls of {operation} look like those that people reject.'
attention: alike
calls: { by: [system, operation], verdict: allow }
chart: { kind: bar, label: [operation], value: alike }
period: 90d
only: [owner, agent, system]
parameters:
  rejections: { type: count, default: 5, about: 'Minimum number of rejections of an operation.' }
  common: { type: share, default: 0.6, about: 'A feature is common when at least this share of the rejected calls has it.' }
  rejected: { type: share, default: 0.5, about: 'Minimum share of rejections among the held calls with the features.' }
  low: { type: share, default: 0.5, about: 'A claimed confidence below this counts as low.' }
columns:
  system: { unit: text, about: 'The business system.' }
  operation: { unit: text, about: 'The operation.' }
  features: { unit: names, about: 'The common features of the rejected holds of the operation: agent, claims, flags.' }
  alike: { unit: count, about: 'Calls of the operation in the period that were allowed and have all these features.' }
  allowed: { unit: count, about: 'All calls of the operation in the period that were allowed.' }
  rejected: { unit: count, about: 'Holds of the operation, opened in the period, that have all these features and were rejected.' }
  rejected_share: { unit: share, about: 'rejected / holds with all these features that people approved, rejected or took over.' }
  code: { unit: text, about: 'The most frequent code of these rejections.' }
  last_at: { unit: time, about: 'The time of the latest such allowed call.' }
  example: { unit: text, about: 'Its call_id.' }
*/
WITH
-- Each operation with its decided holds, as (features, status, code, count).
works AS
(
    SELECT system, operation, groupArray((features, status, code, n)) AS decided
    FROM
    (
        SELECT
            h.system AS system, h.operation AS operation, h.status AS status, h.code AS code,
            arrayConcat(
                [concat('agent ', h.agent)],
                multiIf(
                    isNull(h.confidence), ['no confidence claimed'],
                    h.confidence < {low:Float64}, ['low confidence claimed'], []),
                if(h.task = '', ['no task named'], []),
                arrayMap(flag -> concat('flag ', flag), arrayDistinct(h.flags))) AS features,
            count() AS n
        FROM holdpoint.holds AS h
        WHERE h.opened_at >= {from:DateTime64(3, 'UTC')} AND h.opened_at < {to:DateTime64(3, 'UTC')}
            AND h.operation != '' AND h.decided_kind = 'reviewer'
            AND h.status IN ('approved', 'lapsed', 'rejected', 'taken-over')
            AND ({owner:String} = '' OR h.owner = {owner:String})
            AND ({agent:String} = '' OR h.agent = {agent:String})
            AND ({system:String} = '' OR h.system = {system:String})
        GROUP BY system, operation, status, code, features
    )
    GROUP BY system, operation
),
shapes AS
(
    SELECT
        system,
        operation,
        arrayFilter(each -> each.2 = 'rejected', decided) AS refused,
        arraySum(each -> each.4, refused) AS total,
        arrayFilter(
            feature -> arraySum(each -> if(has(each.1, feature), each.4, 0), refused) >= {common:Float64} * total,
            arraySort(arrayDistinct(arrayFlatten(arrayMap(each -> each.1, refused))))) AS features,
        arrayFilter(each -> hasAll(each.1, features), refused) AS refused_alike,
        arraySum(each -> each.4, refused_alike) AS rejected,
        rejected / arraySum(each -> if(hasAll(each.1, features), each.4, 0), decided) AS rejected_share,
        arrayReverseSort(each -> each.4, refused_alike)[1].3 AS code,
        -- The features again, as what a call is compared with.
        substring(arrayFirst(each -> startsWith(each, 'agent '), features), 7) AS only_agent,
        has(features, 'no confidence claimed') AS unclaimed,
        has(features, 'low confidence claimed') AS unsure,
        has(features, 'no task named') AS no_task,
        arrayMap(each -> substring(each, 6), arrayFilter(each -> startsWith(each, 'flag '), features)) AS flags
    FROM works
    WHERE total >= {rejections:UInt64} AND notEmpty(features) AND rejected > 0 AND rejected_share >= {rejected:Float64}
)
SELECT
    e.system AS system,
    e.operation AS operation,
    any(e.features) AS features,
    countIf(e.is_alike) AS alike,
    count() AS allowed,
    any(e.rejected) AS rejected,
    any(e.rejected_share) AS rejected_share,
    any(e.code) AS code,
    maxIf(e.at, e.is_alike) AS last_at,
    argMaxIf(e.call_id, e.at, e.is_alike) AS example
FROM
(
    SELECT
        d.system AS system, d.operation AS operation, d.at AS at, d.call_id AS call_id, s.features AS features,
        s.rejected AS rejected, s.rejected_share AS rejected_share, s.code AS code,
        (s.only_agent = '' OR d.agent = s.only_agent)
            AND (NOT s.unclaimed OR isNull(d.confidence))
            AND (NOT s.unsure OR d.confidence < {low:Float64})
            AND (NOT s.no_task OR d.task = '')
            AND hasAll(d.flags, s.flags) AS is_alike
    -- Of the steps of a call only its decision has a trigger, so each call is here once, put together or not.
    FROM holdpoint.call_states AS d
    INNER JOIN shapes AS s ON s.system = d.system AND s.operation = d.operation
    WHERE d.trigger != '' AND d.verdict = 'allow'
        AND d.at >= {from:DateTime64(3, 'UTC')} AND d.at < {to:DateTime64(3, 'UTC')}
        -- Features without a rejection do not matter.
        AND (d.system, d.operation) IN
        (
            SELECT system, operation FROM holdpoint.hold_states
            WHERE tupleElement(state, 'status') = 'rejected' AND opened_at >= {from:DateTime64(3, 'UTC')}
        )
        AND ({owner:String} = '' OR d.owner = {owner:String})
        AND ({agent:String} = '' OR d.agent = {agent:String})
) AS e
GROUP BY system, operation
HAVING alike > 0
ORDER BY alike DESC, system, operation
