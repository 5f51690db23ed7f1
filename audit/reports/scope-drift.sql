/*
title: Scope drift
question: Which operations did an agent use for the first time?
act: >
  Ask the owner whether the agent is meant to do this. If not, block it; if so, make sure that a rule covers the operation.
finding: '{agent} used {operation} of {system} for the first time, {calls} calls.'
attention: calls
calls: { by: [owner, agent, system, operation] }
chart: { kind: table }
period: 7d
only: [owner, agent, system]
columns:
  agent: { unit: text, about: 'The agent that called.' }
  owner: { unit: text, about: 'The person accountable for the agent.' }
  system: { unit: text, about: 'The business system.' }
  operation: { unit: text, about: 'An operation without a call by this agent before the period.' }
  first_at: { unit: time, about: 'The minute of the first call.' }
  calls: { unit: count, about: 'Calls that policy decided on in the period.' }
  allowed: { unit: count, about: 'Of these, allowed.' }
  held: { unit: count, about: 'Of these, held for people.' }
  blocked: { unit: count, about: 'Of these, blocked.' }
  new_agent: { unit: text, about: '"yes" where the agent made no call at all before the period.' }
*/
SELECT
    m.agent AS agent,
    m.owner AS owner,
    m.system AS system,
    m.operation AS operation,
    m.first_at AS first_at,
    m.calls AS calls,
    m.allowed AS allowed,
    m.held AS held,
    m.blocked AS blocked,
    if(known_since >= {from:DateTime64(3, 'UTC')}, 'yes', '') AS new_agent
FROM
(
    SELECT
        s.agent AS agent,
        s.system AS system,
        s.operation AS operation,
        argMax(s.owner, minute) AS owner,
        min(minute) AS first_at,
        min(first_at) OVER (PARTITION BY agent) AS known_since,
        sum(s.calls) AS calls,
        sumIf(s.calls, verdict = 'allow') AS allowed,
        sumIf(s.calls, verdict = 'hold') AS held,
        sumIf(s.calls, verdict = 'block') AS blocked
    FROM holdpoint.minute_states AS s
    WHERE s.calls > 0 AND minute < {to:DateTime64(3, 'UTC')}
    GROUP BY agent, system, operation
) AS m
WHERE first_at >= {from:DateTime64(3, 'UTC')}
    AND ({owner:String} = '' OR owner = {owner:String})
    AND ({agent:String} = '' OR agent = {agent:String})
    AND ({system:String} = '' OR system = {system:String})
ORDER BY new_agent, calls DESC, agent, system, operation
LIMIT 1000
