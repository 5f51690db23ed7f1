/*
title: Hits of rules
question: Which rules match, how often, and when did each match last?
act: >
  A rule of the policy in force that is not here matched nothing: either what it is for did not happen, or its conditions
  never fit. Try it on a call that it should match.
finding: '{rule} matched {hits} calls of {agents} agents.'
calls: { by: [rule] }
chart: { kind: bar, label: [rule, verdict], value: hits }
period: 30d
only: [owner, agent, system]
columns:
  rule: { unit: text, about: 'The rule, as package/name.' }
  verdict: { unit: text, about: 'What the rule itself said: allow, hold, block, or drift of an answer. A hold of level 4 is a block.' }
  hits: { unit: count, about: 'Calls that the rule matched in the period, whatever other rules said.' }
  agents: { unit: count, about: 'How many agents made them.' }
  levels: { unit: names, about: 'Levels of the holds that it opened.' }
  last_at: { unit: time, about: 'The last of these calls.' }
*/
SELECT
    tupleElement(matched, 1) AS rule,
    tupleElement(matched, 2) AS verdict,
    countIf(type != 'hold.opened') AS hits,
    uniqExact(e.agent) AS agents,
    arraySort(groupUniqArrayIf(toString(level), type = 'hold.opened' AND level > 0)) AS levels,
    max(at) AS last_at
FROM
(
    SELECT
        type,
        at,
        agent,
        level,
        arrayJoin(arrayZip(
            rules,
            multiIf(
                type = 'call.drifted', arrayResize(['drift'], length(rules), 'drift'),
                empty(rule_verdicts), arrayResize([toString(events.verdict)], length(rules), toString(events.verdict)),
                arrayResize(arrayMap(said -> toString(said), rule_verdicts), length(rules), '')))) AS matched
    FROM holdpoint.events
    WHERE type IN ('call.decided', 'call.drifted', 'hold.opened') AND notEmpty(rules)
        AND at >= {from:DateTime64(3, 'UTC')} AND at < {to:DateTime64(3, 'UTC')}
        AND ({owner:String} = '' OR owner = {owner:String})
        AND ({agent:String} = '' OR agent = {agent:String})
        AND ({system:String} = '' OR system = {system:String})
) AS e
GROUP BY rule, verdict
HAVING hits > 0
ORDER BY hits DESC, rule, verdict
LIMIT 5000
