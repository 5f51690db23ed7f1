/*
title: First-contact resolution
question: How much work succeeds at the first attempt, without an edit, a rejection or a block?
act: >
  Where the share falls, see what stops the rest: rejections, edits and blocked-hot-spots for the same owner.
finding: '{agent} got {resolved_share} of its {attempts} attempts at {system} done at once.'
calls: { by: [owner, agent, system] }
chart: { kind: bar, label: [owner, agent, system], value: resolved_share }
period: 30d
only: [owner, agent, system]
parameters:
  by: { type: choice, of: [all, owner, agent, system], default: owner, about: 'One line for each owner, agent and system, or for each of one of them.' }
columns:
  owner: { unit: text, about: 'The person accountable for the agent; empty where owners are summed.' }
  agent: { unit: text, about: 'The agent that called; empty where agents are summed.' }
  system: { unit: text, about: 'The business system; empty where systems are summed.' }
  attempts: { unit: count, about: 'Calls that policy decided on in the period, without repeats.' }
  allowed: { unit: count, about: 'Of these, allowed.' }
  approved_unchanged: { unit: count, about: 'Of these, held and then approved without an edit, by people or by a grant.' }
  resolved: { unit: count, about: 'allowed + approved_unchanged.' }
  resolved_share: { unit: share, about: 'resolved / attempts.' }
  repeats: { unit: count, about: 'Calls that are no first attempt: within a session that the agent named, one for the same operation and path had been blocked, rejected or left to expire before; or the same call was sent again while it waited.' }
*/
WITH again AS
(
    -- Of the steps of a call only its decision has a trigger, so each call is here once, put together or not.
    SELECT c.owner AS owner, c.agent AS agent, c.system AS system, c.verdict AS verdict, c.call_id AS call_id
    FROM holdpoint.call_states AS c
    INNER JOIN
    (
        SELECT same, min(refused_at) AS since
        FROM
        (
            SELECT cityHash64(agent, session, operation, path) AS same, at AS refused_at
            FROM holdpoint.call_states
            WHERE trigger != '' AND verdict = 'block' AND session != ''
                AND at >= {from:DateTime64(3, 'UTC')} AND at < {to:DateTime64(3, 'UTC')}
            UNION ALL
            SELECT cityHash64(agent, session, operation, path) AS same, assumeNotNull(decided_at) AS refused_at
            FROM holdpoint.holds
            WHERE status IN ('rejected', 'expired') AND session != ''
                AND opened_at >= {from:DateTime64(3, 'UTC')} AND opened_at < {to:DateTime64(3, 'UTC')}
        )
        GROUP BY same
    ) AS refused ON refused.same = cityHash64(c.agent, c.session, c.operation, c.path)
    WHERE c.trigger != '' AND c.session != '' AND c.at > refused.since
        AND c.at >= {from:DateTime64(3, 'UTC')} AND c.at < {to:DateTime64(3, 'UTC')}
)
SELECT
    if({by:String} IN ('all', 'owner'), w.owner, '') AS owner,
    if({by:String} IN ('all', 'agent'), w.agent, '') AS agent,
    if({by:String} IN ('all', 'system'), w.system, '') AS system,
    sum(w.calls) - repeats AS attempts,
    sum(w.allowed) AS allowed,
    sum(w.approved) AS approved_unchanged,
    allowed + approved_unchanged AS resolved,
    resolved / nullIf(attempts, 0) AS resolved_share,
    sum(w.repeats) AS repeats
FROM
(
    SELECT
        owner, agent, system,
        toInt64(sum(m.calls)) AS calls, toInt64(sumIf(m.calls, verdict = 'allow')) AS allowed, 0 AS approved, 0 AS repeats
    FROM holdpoint.minute_states AS m
    WHERE minute >= {from:DateTime64(3, 'UTC')} AND minute < {to:DateTime64(3, 'UTC')}
    GROUP BY owner, agent, system
    UNION ALL
    SELECT
        coalesce(a.owner, h.owner), coalesce(a.agent, h.agent), coalesce(a.system, h.system), 0,
        -toInt64(countIf(a.verdict = 'allow')),
        toInt64(countIf(isNull(a.call_id) AND h.status IN ('approved', 'lapsed') AND h.edits = 0)),
        toInt64(count(a.call_id) + sum(h.attached))
    FROM
    (
        SELECT owner, agent, system, call_id, status, edits, attached
        FROM holdpoint.holds
        WHERE opened_at >= {from:DateTime64(3, 'UTC')} AND opened_at < {to:DateTime64(3, 'UTC')} AND call_id != ''
    ) AS h
    FULL JOIN again AS a ON a.call_id = h.call_id
    GROUP BY 1, 2, 3
) AS w
WHERE ({owner:String} = '' OR w.owner = {owner:String})
    AND ({agent:String} = '' OR w.agent = {agent:String})
    AND ({system:String} = '' OR w.system = {system:String})
GROUP BY owner, agent, system
HAVING attempts > 0
ORDER BY attempts DESC, owner, agent, system
LIMIT 1000
