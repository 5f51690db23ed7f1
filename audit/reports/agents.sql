/*
title: Agents
question: What does each agent do, at which level, and when was it last seen?
act: >
  Ask the owner about an agent that is blocked or held more than it should be, and remove one that has not been seen for
  long. An agent that does harm can be suspended.
finding: '{agent} made {calls} calls: {held} were held, {blocked} blocked.'
calls: { by: [agent] }
chart: { kind: bar, label: [agent], value: calls }
period: 30d
only: [owner, agent, system]
columns:
  agent: { unit: text, about: 'The agent that called.' }
  owner: { unit: text, about: 'The person accountable for it, as of its last call.' }
  calls: { unit: count, about: 'Calls that policy decided on in the period.' }
  allowed: { unit: count, about: 'Of these, allowed: level 1.' }
  held: { unit: count, about: 'Of these, held for people.' }
  blocked: { unit: count, about: 'Of these, blocked: level 4.' }
  to_approve: { unit: count, about: 'Holds of its calls that were opened in the period at level 2: a person approves.' }
  to_take_over: { unit: count, about: 'Holds of its calls that were opened in the period at level 3: a person takes over.' }
  last_at: { unit: time, about: 'When it last called, also in vain, or asked for help.' }
*/
SELECT
    agent,
    argMax(e.owner, at) AS owner,
    countIf(type = 'call.decided') AS calls,
    countIf(type = 'call.decided' AND verdict = 'allow') AS allowed,
    countIf(type = 'call.decided' AND verdict = 'hold') AS held,
    countIf(type = 'call.decided' AND verdict = 'block') AS blocked,
    countIf(type = 'hold.opened' AND level = 2 AND call_id != '') AS to_approve,
    countIf(type = 'hold.opened' AND level = 3 AND call_id != '') AS to_take_over,
    max(at) AS last_at
FROM holdpoint.events AS e
WHERE type IN ('call.decided', 'call.refused', 'hold.opened')
    AND agent != ''
    AND at >= {from:DateTime64(3, 'UTC')} AND at < {to:DateTime64(3, 'UTC')}
    AND ({owner:String} = '' OR e.owner = {owner:String})
    AND ({agent:String} = '' OR agent = {agent:String})
    AND ({system:String} = '' OR system = {system:String})
GROUP BY agent
ORDER BY calls DESC, agent
LIMIT 1000
