/*
title: Escalations
question: Which holds escalate, by hand or by timeout?
act: >
  Ask the deciding group first, or give the first group what it lacks. See decision-times.
finding: '{escalated} of {holds} holds of {rule} went beyond {group}.'
calls: { by: [rule], verdict: hold }
chart: { kind: bar, label: [rule, group], value: escalated }
period: 30d
only: [owner, agent, system]
columns:
  rule: { unit: text, about: 'A rule that held the call; a hold counts for each of its rules and groups.' }
  group: { unit: text, about: 'A group that was asked first; "(anybody)" where no group was.' }
  holds: { unit: count, about: 'Holds opened in the period.' }
  escalated: { unit: count, about: 'Of these, escalated at least once, by a person or by timeout.' }
  escalated_share: { unit: share, about: 'escalated / holds.' }
  by_people: { unit: count, about: 'Of those escalated, the first time by a person.' }
  until_p50_ms: { unit: ms, about: 'Median time from opening to the first escalation.' }
  approved: { unit: count, about: 'Of those escalated, approved.' }
  rejected: { unit: count, about: 'Of those escalated, rejected.' }
  expired: { unit: count, about: 'Of those escalated, expired.' }
*/
SELECT
    rule,
    group,
    count() AS holds,
    countIf(h.escalations > 0) AS escalated,
    escalated / nullIf(holds, 0) AS escalated_share,
    countIf(first.kind = 'reviewer') AS by_people,
    if(escalated = 0, NULL, quantileExactIf(0.5)(first.held_ms, h.escalations > 0)) AS until_p50_ms,
    countIf(h.escalations > 0 AND status IN ('approved', 'lapsed')) AS approved,
    countIf(h.escalations > 0 AND status = 'rejected') AS rejected,
    countIf(h.escalations > 0 AND status = 'expired') AS expired
FROM
(
    SELECT hold_id, status, escalations, rule, group
    FROM holdpoint.holds
    LEFT ARRAY JOIN rules AS rule
    ARRAY JOIN if(empty(groups), ['(anybody)'], groups) AS group
    WHERE opened_at >= {from:DateTime64(3, 'UTC')} AND opened_at < {to:DateTime64(3, 'UTC')}
        AND ({owner:String} = '' OR owner = {owner:String})
        AND ({agent:String} = '' OR agent = {agent:String})
        AND ({system:String} = '' OR system = {system:String})
) AS h
LEFT JOIN
(
    SELECT hold_id, argMin(actor_kind, at) AS kind, min(e.held_ms) AS held_ms
    FROM holdpoint.events AS e
    WHERE type = 'hold.escalated' AND at >= {from:DateTime64(3, 'UTC')}
    GROUP BY hold_id
) AS first ON first.hold_id = h.hold_id
GROUP BY rule, group
HAVING escalated > 0
ORDER BY escalated DESC, rule, group
LIMIT 1000
