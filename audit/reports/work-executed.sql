/*
title: Work executed
question: Which agents do which work, and how much of it is executed?
act: >
  Talk to the owners of agents with more calls, or more failures, than before. An agent with few executed calls is held or
  blocked a lot: see blocked-hot-spots and hold-outcomes.
finding: '{agent} made {calls} calls to {system}, and {executed_share} were executed.'
calls: { by: [owner, agent, system, operation] }
chart: { kind: bar, label: [owner, agent, system], value: calls }
period: 30d
only: [owner, agent, system]
parameters:
  by: { type: choice, of: [all, each, owner, agent, system], default: all, about: 'One line for each owner, agent and system, or for each of one of them; each: also for each operation.' }
columns:
  owner: { unit: text, about: 'The person accountable for the agent; empty where owners are summed.' }
  agent: { unit: text, about: 'The agent that called; empty where agents are summed.' }
  system: { unit: text, about: 'The business system; empty where systems are summed.' }
  operation: { unit: text, about: 'The operation; filled by each.' }
  calls: { unit: count, about: 'Calls that policy decided on in the period.' }
  allowed: { unit: count, about: 'Of these, allowed.' }
  held: { unit: count, about: 'Of these, held for people.' }
  blocked: { unit: count, about: 'Of these, blocked.' }
  executed: { unit: count, about: 'Calls that a system answered in the period with a status below 400: allowed ones, and held ones that were released.' }
  failed: { unit: count, about: 'Calls that failed in the period because of policy, system or gateway, not because of the agent.' }
  executed_share: { unit: share, about: 'executed / calls; at most 1, as a call may be decided before the period and executed in it.' }
*/
SELECT
    if({by:String} IN ('all', 'each', 'owner'), e.owner, '') AS owner,
    if({by:String} IN ('all', 'each', 'agent'), e.agent, '') AS agent,
    if({by:String} IN ('all', 'each', 'system'), e.system, '') AS system,
    if({by:String} = 'each', e.operation, '') AS operation,
    countIf(type = 'call.decided') AS calls,
    countIf(type = 'call.decided' AND verdict = 'allow') AS allowed,
    countIf(type = 'call.decided' AND verdict = 'hold') AS held,
    countIf(type = 'call.decided' AND verdict = 'block') AS blocked,
    countIf(
        (type = 'call.completed' AND verdict = 'allow' OR type = 'hold.executed') AND status BETWEEN 100 AND 399
        OR type = 'hold.confirmed' AND code = 'executed') AS executed,
    countIf(
        type IN ('call.completed', 'call.drifted', 'call.refused', 'hold.failed')
        AND failure NOT IN ('', 'boundary-exceeded')) AS failed,
    least(1, executed / nullIf(calls, 0)) AS executed_share
FROM holdpoint.events AS e
WHERE at >= {from:DateTime64(3, 'UTC')} AND at < {to:DateTime64(3, 'UTC')}
    AND type IN (
        'call.decided', 'call.completed', 'call.drifted', 'call.refused', 'hold.executed', 'hold.failed', 'hold.confirmed')
    AND ({owner:String} = '' OR e.owner = {owner:String})
    AND ({agent:String} = '' OR e.agent = {agent:String})
    AND ({system:String} = '' OR e.system = {system:String})
GROUP BY owner, agent, system, operation
ORDER BY calls DESC, owner, agent, system, operation
LIMIT 1000
