/*
title: Rubber-stamping
question: Who approves without reading?
act: >
  Talk to flagged reviewers first: a rule that holds harmless calls invites it. Then narrow the rule, or require two
  approvals.
finding: '{reviewer} approved {approval_share} of {decisions} decisions on {rule}, half of them within {median_ms}.'
attention: flagged
calls: { by: [rule], verdict: hold }
chart: { kind: table }
period: 30d
only: [system]
parameters:
  decisions: { type: count, default: 20, about: 'Minimum number of decisions of a reviewer on a rule.' }
  fast: { type: duration, default: 10s, about: 'Flagged when the median time from opening to decision is at most this…' }
  approval: { type: share, default: 0.98, about: '…and at least this share was approved unchanged.' }
columns:
  reviewer: { unit: text, about: 'The reviewer who settled the hold.' }
  rule: { unit: text, about: 'A rule that held the call; a decision counts for each of its rules.' }
  decisions: { unit: count, about: 'Holds opened in the period that the person approved, rejected or took over.' }
  approved: { unit: count, about: 'Of these, approved.' }
  edited: { unit: count, about: 'Of those approved, edited by any reviewer.' }
  approval_share: { unit: share, about: '(approved - edited) / decisions.' }
  median_ms: { unit: ms, about: 'Median time from opening to decision.' }
  p90_ms: { unit: ms, about: 'Time within which nine of ten were decided.' }
  flagged: { unit: text, about: '"yes" where both thresholds are met.' }
*/
SELECT
    decided_by AS reviewer,
    rule,
    count() AS decisions,
    countIf(status IN ('approved', 'lapsed')) AS approved,
    countIf(status IN ('approved', 'lapsed') AND edits > 0) AS edited,
    (approved - edited) / decisions AS approval_share,
    quantileExact(0.5)(to_decision_ms) AS median_ms,
    quantileExact(0.9)(to_decision_ms) AS p90_ms,
    if(median_ms <= {fast:UInt64} AND approval_share >= {approval:Float64}, 'yes', '') AS flagged
FROM holdpoint.holds
ARRAY JOIN rules AS rule
WHERE opened_at >= {from:DateTime64(3, 'UTC')} AND opened_at < {to:DateTime64(3, 'UTC')}
    AND decided_kind = 'reviewer' AND status IN ('approved', 'lapsed', 'rejected', 'taken-over')
    AND ({system:String} = '' OR system = {system:String})
GROUP BY reviewer, rule
HAVING decisions >= {decisions:UInt64}
ORDER BY flagged DESC, median_ms, decisions DESC, reviewer, rule
LIMIT 1000
