/*
title: Use of grants
question: How many calls does one approval cover?
act: >
  A grant that is used a lot could become a rule: see autonomy-candidates. A grant that is never used was too narrow, or
  not needed.
finding: '{used} calls of {operation} by {agent} went through under a grant.'
calls: { by: [owner, agent, system, operation] }
chart: { kind: bar, label: [agent, operation], value: used }
period: 30d
only: [owner, agent, system]
columns:
  agent: { unit: text, about: 'The agent that the grant is for.' }
  owner: { unit: text, about: 'The person accountable for the agent.' }
  system: { unit: text, about: 'The business system.' }
  operation: { unit: text, about: 'The operation.' }
  created: { unit: count, about: 'Grants given in the period.' }
  used: { unit: count, about: 'Calls that went through under a grant in the period.' }
  revoked: { unit: count, about: 'Grants ended by a person in the period.' }
  used_per_grant: { unit: number, about: 'used / created; null where all were given before the period.' }
  given_by: { unit: names, about: 'The reviewers who gave them.' }
  last_used_at: { unit: time, about: 'The last use; null where there was none.' }
*/
SELECT
    agent,
    argMax(e.owner, at) AS owner,
    system,
    operation,
    countIf(type = 'grant.created') AS created,
    countIf(type = 'grant.used') AS used,
    countIf(type = 'grant.revoked') AS revoked,
    used / nullIf(created, 0) AS used_per_grant,
    arraySort(groupUniqArrayIf(actor, type = 'grant.created' AND actor != '')) AS given_by,
    if(used = 0, NULL, maxIf(at, type = 'grant.used')) AS last_used_at
FROM holdpoint.events AS e
WHERE type IN ('grant.created', 'grant.used', 'grant.revoked')
    AND at >= {from:DateTime64(3, 'UTC')} AND at < {to:DateTime64(3, 'UTC')}
    AND ({owner:String} = '' OR e.owner = {owner:String})
    AND ({agent:String} = '' OR agent = {agent:String})
    AND ({system:String} = '' OR system = {system:String})
GROUP BY agent, system, operation
ORDER BY used DESC, created DESC, agent, system, operation
LIMIT 1000
