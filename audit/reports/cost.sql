/*
title: Cost
question: What does the work cost, and who is accountable for it?
act: >
  Ask the owner of the largest cost for its purpose. A budget in policy holds calls beyond it (see the example in
  policies). See also cost-avoided.
finding: '{agent} cost {cost}, which is {share} of everything in this unit.'
calls: { by: [owner, agent, system, operation] }
chart: { kind: bar, label: [owner, agent, system, operation], value: cost }
period: 30d
only: [owner, agent, system]
parameters:
  by: { type: choice, of: [operation, owner, agent, system, each], default: agent, about: 'One line for each owner, agent, system, or operation of a system; each: for each operation of each agent.' }
columns:
  owner: { unit: text, about: 'The person accountable for the agent; filled by owner, agent and each.' }
  agent: { unit: text, about: 'The agent that called; filled by agent and each.' }
  system: { unit: text, about: 'The business system; filled by system, operation and each.' }
  operation: { unit: text, about: 'The operation; filled by operation and each.' }
  cost_unit: { unit: text, about: 'The unit of the costs; different units are never added up.' }
  cost: { unit: cost, about: 'Sum of the costs of calls in the period, by whole minutes; blocked calls have none.' }
  share: { unit: share, about: 'cost / all cost in this unit.' }
  calls: { unit: count, about: 'Calls with a cost in this unit.' }
  cost_per_call: { unit: cost, about: 'cost / calls.' }
*/
SELECT
    if({by:String} IN ('owner', 'agent', 'each'), e.owner, '') AS owner,
    if({by:String} IN ('agent', 'each'), e.agent, '') AS agent,
    if({by:String} IN ('system', 'operation', 'each'), e.system, '') AS system,
    if({by:String} IN ('operation', 'each'), e.operation, '') AS operation,
    cost_unit,
    sum(e.cost) AS cost,
    cost / nullIf(sum(cost) OVER (PARTITION BY cost_unit), 0) AS share,
    count() AS calls,
    cost / calls AS cost_per_call
FROM holdpoint.events AS e
WHERE type IN ('call.completed', 'hold.executed') AND verdict != 'block' AND e.cost != 0
    AND at >= {from:DateTime64(3, 'UTC')} AND at < {to:DateTime64(3, 'UTC')}
    AND ({owner:String} = '' OR e.owner = {owner:String})
    AND ({agent:String} = '' OR e.agent = {agent:String})
    AND ({system:String} = '' OR e.system = {system:String})
GROUP BY owner, agent, system, operation, cost_unit
ORDER BY cost_unit, cost DESC, owner, agent, system, operation
LIMIT 1000
