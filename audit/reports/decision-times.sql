/*
title: Time to decision
question: How long do held calls wait for a decision, by group?
act: >
  A group with a high p90 needs more people at those hours (see review-load), fewer holds (see autonomy-candidates), or
  an escalation that comes sooner.
finding: 'Half of the decisions came within {p50_ms}, nine of ten within {p90_ms}; {waiting} holds still wait.'
chart: { kind: bar, label: [group], value: p50_ms }
period: 30d
only: [owner, agent, system]
columns:
  group: { unit: text, about: 'A group that was asked; a hold counts for each of its groups. "(all)" counts each hold once, "(anybody)" are holds for which no group was asked.' }
  holds: { unit: count, about: 'Holds opened in the period, without those that a grant approved at once.' }
  decided: { unit: count, about: 'Of these, decided by a person: approved, rejected, taken over, answered, accepted or returned.' }
  waiting: { unit: count, about: 'Of these, still waiting.' }
  p50_ms: { unit: ms, about: 'Median time from opening to the decision of a person.' }
  p90_ms: { unit: ms, about: 'Time within which nine of ten were decided.' }
  longest_ms: { unit: ms, about: 'The longest time.' }
*/
SELECT
    arrayJoin(arrayConcat(['(all)'], if(empty(groups), ['(anybody)'], groups))) AS group,
    count() AS holds,
    countIf(by_person) AS decided,
    countIf(status = 'pending') AS waiting,
    if(decided = 0, NULL, quantileExactIf(0.5)(to_decision_ms, by_person)) AS p50_ms,
    if(decided = 0, NULL, quantileExactIf(0.9)(to_decision_ms, by_person)) AS p90_ms,
    if(decided = 0, NULL, maxIf(to_decision_ms, by_person)) AS longest_ms
FROM
(
    SELECT
        groups, status, to_decision_ms,
        decided_kind IN ('reviewer', 'agent')
            AND status IN ('approved', 'lapsed', 'rejected', 'taken-over', 'answered', 'accepted', 'returned') AS by_person
    FROM holdpoint.holds
    WHERE opened_at >= {from:DateTime64(3, 'UTC')} AND opened_at < {to:DateTime64(3, 'UTC')}
        AND NOT (status IN ('approved', 'lapsed') AND decided_kind = 'gateway')
        AND ({owner:String} = '' OR owner = {owner:String})
        AND ({agent:String} = '' OR agent = {agent:String})
        AND ({system:String} = '' OR system = {system:String})
)
GROUP BY group
ORDER BY group != '(all)', holds DESC, group
