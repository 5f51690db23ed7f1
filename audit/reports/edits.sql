/*
title: Edits
question: What do reviewers change before they approve?
act: >
  The agent could get frequent changes right by itself: tell it the rule, or let policy set the value. An operation that
  is edited a lot is no candidate for more autonomy.
finding: '{edited_share} of the decisions on {operation} change {pointer}.'
calls: { by: [system, operation], verdict: hold }
chart: { kind: bar, label: [operation, pointer], value: edited }
period: 30d
only: [owner, agent, system]
columns:
  system: { unit: text, about: 'The business system.' }
  operation: { unit: text, about: 'The operation.' }
  pointer: { unit: text, about: 'The changed member, as a JSON pointer (RFC 6901) into the body.' }
  edited: { unit: count, about: 'Holds opened in the period in which it was changed, once each.' }
  decided: { unit: count, about: 'Holds of the operation, opened in the period, that people approved, rejected or took over.' }
  edited_share: { unit: share, about: 'edited / decided.' }
  agents: { unit: names, about: 'The agents that made the calls.' }
*/
WITH decided AS
(
    SELECT
        system, operation, agent, changes, edits,
        status IN ('approved', 'lapsed', 'rejected', 'taken-over') AND decided_kind = 'reviewer' AS by_person
    FROM holdpoint.holds
    WHERE opened_at >= {from:DateTime64(3, 'UTC')} AND opened_at < {to:DateTime64(3, 'UTC')}
        AND ({owner:String} = '' OR owner = {owner:String})
        AND ({agent:String} = '' OR agent = {agent:String})
        AND ({system:String} = '' OR system = {system:String})
)
SELECT
    e.system AS system,
    e.operation AS operation,
    e.pointer AS pointer,
    e.edited AS edited,
    greatest(o.decided, e.edited) AS decided,
    edited / decided AS edited_share,
    e.agents AS agents
FROM
(
    SELECT system, operation, pointer, count() AS edited, arraySort(groupUniqArray(agent)) AS agents
    FROM decided
    ARRAY JOIN changes AS pointer
    WHERE edits > 0
    GROUP BY system, operation, pointer
) AS e
INNER JOIN
(
    SELECT system, operation, countIf(by_person) AS decided FROM decided GROUP BY system, operation
) AS o ON o.system = e.system AND o.operation = e.operation
ORDER BY edited DESC, system, operation, pointer
LIMIT 1000
