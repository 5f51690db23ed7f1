/*
title: Blocked hot spots
question: Which calls are blocked again and again?
act: >
  Either the agent does not know its limits (tell its owner), or the rule blocks legitimate work (change the rule). An
  agent that does not stop can be suspended.
finding: '{operation} of {system} was blocked {blocked} times for {agent}: {share} of all that was blocked.'
attention: blocked
calls: { by: [owner, agent, system, operation, rule], verdict: block }
chart: { kind: bar, label: [agent, operation, rule], value: blocked }
period: 30d
only: [owner, agent, system]
columns:
  agent: { unit: text, about: 'The agent that called.' }
  owner: { unit: text, about: 'The person accountable for the agent.' }
  system: { unit: text, about: 'The business system.' }
  operation: { unit: text, about: 'The operation.' }
  rule: { unit: text, about: 'The first of the rules that blocked.' }
  blocked: { unit: count, about: 'Calls that policy blocked in the period; for failures of the policy, see failures.' }
  share: { unit: share, about: 'blocked / all blocked calls that the report covers.' }
  first_at: { unit: time, about: 'The first of them.' }
  last_at: { unit: time, about: 'The last of them.' }
*/
SELECT
    agent,
    any(e.owner) AS owner,
    system,
    operation,
    if(empty(rules), '', rules[1]) AS rule,
    count() AS blocked,
    blocked / sum(blocked) OVER () AS share,
    min(at) AS first_at,
    max(at) AS last_at
FROM holdpoint.events AS e
WHERE type = 'call.decided' AND verdict = 'block' AND trigger != 'fault'
    AND at >= {from:DateTime64(3, 'UTC')} AND at < {to:DateTime64(3, 'UTC')}
    AND ({owner:String} = '' OR e.owner = {owner:String})
    AND ({agent:String} = '' OR agent = {agent:String})
    AND ({system:String} = '' OR system = {system:String})
GROUP BY agent, system, operation, rule
ORDER BY blocked DESC, agent, system, operation, rule
LIMIT 200
