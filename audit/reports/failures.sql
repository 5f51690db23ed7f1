/*
title: Failures by layer
question: 'Which layer failed: people and policy, agents, or systems?'
act: >
  decide: fix the policy or the gateway. execute: talk to the agent's owner. record: talk to the system's operator.
finding: '{failures} failures at {system} were of one kind, {failure}: {share} of all.'
attention: failures
calls: { by: [system, failure] }
chart: { kind: bar, label: [layer, failure, system], value: failures }
period: 30d
only: [owner, agent, system]
columns:
  layer: { unit: text, about: 'Where the fault lies: decide (policy, people and gateway), execute (agents), record (systems).' }
  failure: { unit: text, about: 'The class: policy-wrong, gateway-failed, boundary-exceeded, system-drifted or system-failed.' }
  system: { unit: text, about: 'The business system; empty where none was concerned.' }
  failures: { unit: count, about: 'Calls with a failure of this class in the period, each once; steps without a call count by themselves.' }
  share: { unit: share, about: 'failures / all failures listed.' }
  agents: { unit: names, about: 'The agents that made the calls, ten at most.' }
  code: { unit: text, about: 'The code that most steps with this failure carry.' }
  first_at: { unit: time, about: 'The first of them.' }
  last_at: { unit: time, about: 'The last of them.' }
*/
SELECT
    transform(e.failure,
        ['policy-wrong', 'gateway-failed', 'boundary-exceeded', 'system-drifted', 'system-failed'],
        ['decide', 'decide', 'execute', 'record', 'record'], '') AS layer,
    e.failure AS failure,
    e.system AS system,
    uniqExactIf(call_id, call_id != '') + countIf(call_id = '') AS failures,
    failures / sum(failures) OVER () AS share,
    arraySort(groupUniqArrayIf(10)(agent, agent != '')) AS agents,
    topKIf(1)(e.code, e.code != '')[1] AS code,
    min(at) AS first_at,
    max(at) AS last_at
FROM holdpoint.events AS e
WHERE e.failure != ''
    AND at >= {from:DateTime64(3, 'UTC')} AND at < {to:DateTime64(3, 'UTC')}
    AND ({owner:String} = '' OR owner = {owner:String})
    AND ({agent:String} = '' OR agent = {agent:String})
    AND ({system:String} = '' OR e.system = {system:String})
GROUP BY layer, failure, system
ORDER BY failures DESC, layer, failure, system
LIMIT 1000
