/*
title: Service levels
question: Which groups decide later than the rules require?
act: >
  Where the share is high, the group cannot meet the rule's target: add people, escalate earlier, or set a realistic target.
finding: '{breached} of {holds} holds were decided too late.'
attention: breached
chart: { kind: bar, label: [group], value: breached_share }
period: 30d
only: [owner, agent, system]
columns:
  group: { unit: text, about: 'A group that was asked; a hold counts for each of its groups. "(all)" counts each hold once, "(anybody)" are holds for which no group was asked.' }
  holds: { unit: count, about: 'Holds opened in the period under a rule with a target time, without those that a grant approved at once.' }
  breached: { unit: count, about: 'Of these, decided or expired after the target time, or still waiting after it.' }
  waiting: { unit: count, about: 'Of those breached, still waiting.' }
  breached_share: { unit: share, about: 'breached / holds.' }
  asked_ms: { unit: ms, about: 'Median target time.' }
  late_p50_ms: { unit: ms, about: 'Median time by which breached holds were decided late; null while none was decided.' }
*/
SELECT
    arrayJoin(arrayConcat(['(all)'], if(empty(groups), ['(anybody)'], groups))) AS group,
    count() AS holds,
    countIf(h.breached) AS breached,
    countIf(h.breached AND status = 'pending') AS waiting,
    breached / nullIf(holds, 0) AS breached_share,
    quantileExact(0.5)(respond_within_ms) AS asked_ms,
    if(breached = waiting, NULL,
        quantileExactIf(0.5)(toInt64(to_decision_ms) - toInt64(respond_within_ms), h.breached AND status != 'pending')) AS late_p50_ms
FROM holdpoint.holds AS h
WHERE opened_at >= {from:DateTime64(3, 'UTC')} AND opened_at < {to:DateTime64(3, 'UTC')}
    AND respond_within_ms > 0
    AND NOT (status IN ('approved', 'lapsed') AND decided_kind = 'gateway')
    AND ({owner:String} = '' OR owner = {owner:String})
    AND ({agent:String} = '' OR agent = {agent:String})
    AND ({system:String} = '' OR system = {system:String})
GROUP BY group
ORDER BY group != '(all)', breached DESC, group
