/*
title: Outcomes of holds
question: What do people decide on the calls that each rule holds?
act: >
  A rule with calls that are nearly always approved unchanged wastes reviews: narrow it, or see autonomy-candidates. A
  rule with calls that are mostly rejected could block: see rejections.
finding: 'People approved {approved_share} of the {holds} calls of {operation} that {rule} held.'
calls: { by: [system, operation, rule], verdict: hold }
chart: { kind: bar, label: [rule, operation], value: holds }
period: 30d
only: [owner, agent, system]
columns:
  rule: { unit: text, about: 'A rule that held the call; a hold counts for each of its rules.' }
  system: { unit: text, about: 'The business system.' }
  operation: { unit: text, about: 'The operation; empty where an agent asked for help.' }
  holds: { unit: count, about: 'Holds opened in the period.' }
  approved: { unit: count, about: 'Approved by people or by a grant, edited or not, including those that lapsed afterwards.' }
  edited: { unit: count, about: 'Of these, edited.' }
  rejected: { unit: count, about: 'Rejected.' }
  taken_over: { unit: count, about: 'Taken over by a person.' }
  expired: { unit: count, about: 'Not decided in time.' }
  other: { unit: count, about: 'Cancelled, superseded, answered, accepted or returned.' }
  pending: { unit: count, about: 'Still waiting.' }
  approved_share: { unit: share, about: 'approved / (approved + rejected + taken over).' }
*/
SELECT
    rule,
    h.system AS system,
    h.operation AS operation,
    count() AS holds,
    countIf(status IN ('approved', 'lapsed')) AS approved,
    countIf(status IN ('approved', 'lapsed') AND edits > 0) AS edited,
    countIf(status = 'rejected') AS rejected,
    countIf(status = 'taken-over') AS taken_over,
    countIf(status = 'expired') AS expired,
    countIf(status IN ('cancelled', 'superseded', 'answered', 'accepted', 'returned')) AS other,
    countIf(status = 'pending') AS pending,
    approved / nullIf(approved + rejected + taken_over, 0) AS approved_share
FROM holdpoint.holds AS h
LEFT ARRAY JOIN rules AS rule
WHERE opened_at >= {from:DateTime64(3, 'UTC')} AND opened_at < {to:DateTime64(3, 'UTC')}
    AND ({owner:String} = '' OR owner = {owner:String})
    AND ({agent:String} = '' OR agent = {agent:String})
    AND ({system:String} = '' OR h.system = {system:String})
GROUP BY rule, system, operation
ORDER BY holds DESC, rule, system, operation
LIMIT 1000
