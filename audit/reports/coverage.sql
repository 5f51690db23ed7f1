/*
title: Coverage
question: Which operations do rules hold or block, which are allowed without review, and which does no rule match?
act: >
  Read what is allowed without review, the most called operations first, and decide whether people should see some of it.
  Where no rule matches, write a rule, or tell the owner that the agent cannot do this.
finding: '{operation} of {system} was called {calls} times; people or a rule looked at {looked_at}.'
calls: { by: [system, operation] }
chart: { kind: bar, label: [system, operation, class], value: calls }
period: 30d
only: [owner, agent, system]
columns:
  system: { unit: text, about: 'The business system.' }
  operation: { unit: text, about: 'The operation. What only keeps a session of MCP going is left out.' }
  class: { unit: text, about: '"guarded": a rule held some of its calls, or blocks and nothing is allowed. "allowed": allowed without review. "unmatched": no rule matched.' }
  calls: { unit: count, about: 'Calls that policy decided on in the period.' }
  allowed: { unit: count, about: 'Of these, allowed.' }
  held: { unit: count, about: 'Of these, held for people.' }
  blocked: { unit: count, about: 'Of these, blocked.' }
  unmatched: { unit: count, about: 'Of the blocked ones, those that no rule matched.' }
  looked_at: { unit: count, about: 'Calls that people or a rule looked at: held, or blocked by a rule.' }
  agents: { unit: count, about: 'How many agents called.' }
  who: { unit: names, about: 'At most ten of these agents.' }
  last_at: { unit: time, about: 'The last call.' }
*/
SELECT
    system,
    operation,
    multiIf(holding > 0 OR (allowed = 0 AND ruled > 0), 'guarded', allowed > 0, 'allowed', 'unmatched') AS class,
    calls,
    allowed,
    held,
    blocked,
    unmatched,
    held + ruled AS looked_at,
    agents,
    who,
    last_at
FROM
(
    SELECT
        system,
        operation,
        count() AS calls,
        countIf(verdict = 'allow') AS allowed,
        countIf(verdict = 'hold') AS held,
        countIf(verdict = 'block') AS blocked,
        countIf(trigger = 'default') AS unmatched,
        countIf(verdict = 'block' AND trigger NOT IN ('default', 'fault')) AS ruled,
        countIf(verdict = 'hold' OR has(rule_verdicts, 'hold')) AS holding,
        uniqExact(agent) AS agents,
        arraySort(groupUniqArray(10)(agent)) AS who,
        max(at) AS last_at
    FROM holdpoint.events
    WHERE type = 'call.decided' AND rules != ['holdpoint/mcp']
        AND at >= {from:DateTime64(3, 'UTC')} AND at < {to:DateTime64(3, 'UTC')}
        AND ({owner:String} = '' OR owner = {owner:String})
        AND ({agent:String} = '' OR agent = {agent:String})
        AND ({system:String} = '' OR system = {system:String})
    GROUP BY system, operation
)
ORDER BY calls DESC, system, operation
LIMIT 5000
