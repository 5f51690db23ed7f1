/*
title: Autonomy candidates
question: Which agents have earned the right to run an operation without a hold?
act: >
  Let policy allow it for this agent, within the limits that people approved. A later rejection or edit removes it from
  this list.
finding: '{agent} asked for {operation} {decided} times, and people approved {unchanged_share} unchanged.'
attention: decided
calls: { by: [owner, agent, system, operation], verdict: hold }
chart: { kind: bar, label: [agent, operation], value: unchanged_share }
period: 90d
only: [owner, agent, system]
parameters:
  decisions: { type: count, default: 50, about: 'Minimum number of decisions on calls of the agent and operation.' }
  unchanged: { type: share, default: 0.95, about: 'Minimum share that was approved unchanged.' }
columns:
  agent: { unit: text, about: 'The agent that called.' }
  owner: { unit: text, about: 'The person accountable for the agent.' }
  system: { unit: text, about: 'The business system.' }
  operation: { unit: text, about: 'The operation.' }
  decided: { unit: count, about: 'Holds opened in the period that people approved, rejected or took over; approvals by a grant do not count.' }
  unchanged: { unit: count, about: 'Of these, approved without an edit.' }
  edited: { unit: count, about: 'Of these, edited.' }
  rejected: { unit: count, about: 'Of these, rejected or taken over.' }
  unchanged_share: { unit: share, about: 'unchanged / decided.' }
  at_least: { unit: share, about: 'Lower end of the 95 % Wilson interval of that share: far below it when decisions are few.' }
  rules: { unit: names, about: 'The rules that hold these calls.' }
*/
SELECT
    agent,
    argMax(h.owner, opened_at) AS owner,
    system,
    operation,
    count() AS decided,
    countIf(status IN ('approved', 'lapsed') AND edits = 0) AS unchanged,
    countIf(edits > 0) AS edited,
    countIf(status IN ('rejected', 'taken-over')) AS rejected,
    unchanged / decided AS unchanged_share,
    greatest(0, (unchanged_share + 1.92 / decided
        - 1.96 * sqrt((unchanged_share * (1 - unchanged_share) + 0.96 / decided) / decided)) / (1 + 3.84 / decided)) AS at_least,
    arraySort(groupUniqArrayArray(h.rules)) AS rules
FROM holdpoint.holds AS h
WHERE opened_at >= {from:DateTime64(3, 'UTC')} AND opened_at < {to:DateTime64(3, 'UTC')}
    AND operation != '' AND decided_kind = 'reviewer' AND status IN ('approved', 'lapsed', 'rejected', 'taken-over')
    AND ({owner:String} = '' OR h.owner = {owner:String})
    AND ({agent:String} = '' OR agent = {agent:String})
    AND ({system:String} = '' OR system = {system:String})
GROUP BY agent, system, operation
HAVING decided >= {decisions:UInt64} AND unchanged_share >= {unchanged:Float64}
ORDER BY at_least DESC, agent, system, operation
LIMIT 1000
