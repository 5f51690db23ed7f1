/*
title: Rejections
question: Why do people reject calls, and what would have prevented it?
act: >
  Follow `prevention` for the most frequent code first. What the agent is told, or policy asks for or blocks, needs no
  further rejections.
finding: '{share} of the rejections have the reason {code}: {prevention}'
attention: rejected
chart: { kind: bar, label: [code], value: rejected }
period: 90d
only: [owner, agent, system]
parameters:
  low: { type: share, default: 0.5, about: 'A claimed confidence below this counts as low.' }
  apart: { type: share, default: 0.25, about: 'By how much more often rejected calls must have a feature than approved ones.' }
columns:
  code: { unit: text, about: 'The reason that the reviewer gave.' }
  rejected: { unit: count, about: 'Holds opened in the period that were rejected with the code.' }
  share: { unit: share, about: 'rejected / all rejected holds.' }
  agents: { unit: names, about: 'The agents that made the calls, the most frequent first, three at most.' }
  operations: { unit: names, about: 'Their operations, as `<system> <operation>`, the most frequent first, three at most.' }
  rules: { unit: names, about: 'The rules that held them, the most frequent first, three at most.' }
  apart: { unit: names, about: 'What sets them apart from the holds of the same operations that were approved unchanged: what they have in common, its share among the rejected and, in brackets, among the approved, operation by operation; the clearest first, three at most.' }
  prevention: { unit: text, about: 'The prevention that this suggests.' }
*/
WITH holds AS
(
    SELECT
        concat(h.system, ' ', h.operation) AS work,
        if(h.status = 'rejected', h.code, '') AS code,
        arrayConcat(
            -- Of the hold itself, so that it is counted like what it has.
            [''],
            multiIf(isNull(h.confidence), ['no confidence claimed'], h.confidence < {low:Float64}, ['low confidence claimed'], []),
            if(h.task = '', ['no task named'], []),
            arrayMap(flag -> concat('flag ', flag), arrayDistinct(h.flags)),
            arrayMap(rule -> concat('rule ', rule), arrayDistinct(h.rules)),
            [concat('agent ', h.agent)]) AS features
    FROM holdpoint.holds AS h
    WHERE h.opened_at >= {from:DateTime64(3, 'UTC')} AND h.opened_at < {to:DateTime64(3, 'UTC')}
        AND (h.status = 'rejected' OR h.status IN ('approved', 'lapsed') AND h.edits = 0 AND h.decided_kind = 'reviewer')
        AND ({owner:String} = '' OR h.owner = {owner:String})
        AND ({agent:String} = '' OR h.agent = {agent:String})
        AND ({system:String} = '' OR h.system = {system:String})
),
-- Each operation with what its approved holds have, and its rejected ones by code.
works AS
(
    SELECT
        work,
        sumIf(n, code = '' AND feature = '') AS approved,
        groupArrayIf((feature, n), code = '' AND feature != '') AS of_approved,
        groupArrayIf((code, feature, n), code != '') AS of_rejected
    FROM (SELECT work, code, feature, count() AS n FROM holds ARRAY JOIN features AS feature GROUP BY work, code, feature)
    GROUP BY work
    HAVING notEmpty(of_rejected)
),
-- How many of a code's rejected holds have a feature, and how many would have it were they like the approved ones of the
-- same operation. Other operations have other habits, so they are no measure.
cells AS
(
    SELECT
        work, approved, cell.1 AS code, cell.2 AS feature, cell.3 AS rejected, cell.4 AS would_have
    FROM works
    ARRAY JOIN arrayConcat(
        arrayMap(each -> (each.1, each.2, each.3, 0.), of_rejected),
        arrayFlatten(arrayMap(
            whole -> arrayMap(each -> (whole.1, each.1, toUInt64(0), whole.3 * each.2 / approved), of_approved),
            arrayFilter(each -> each.2 = '', of_rejected)))) AS cell
),
codes AS
(
    SELECT
        code,
        sumIf(n, feature = '') AS rejected,
        sumIf(comparable, feature = '') AS compared,
        arrayReverseSort(groupArrayArray(works_of)) AS works,
        arrayMap(each -> substring(each.2, 7),
            arraySlice(arrayReverseSort(groupArrayIf((n, feature), startsWith(feature, 'agent ') AND n > 0)), 1, 3)) AS agents,
        arrayMap(each -> substring(each.2, 6),
            arraySlice(arrayReverseSort(groupArrayIf((n, feature), startsWith(feature, 'rule ') AND n > 0)), 1, 3)) AS rules,
        -- What the agent can say comes before who it is: that is what it can do better.
        arraySlice(
            arraySort(each -> (match(each.1, '^(agent|rule) '), each.3 - each.2, each.1),
                arrayFilter(each -> each.2 - each.3 >= {apart:Float64},
                    arrayMap(each -> (each.1, each.2 / compared, each.3 / compared),
                        groupArrayIf((feature, comparable, would), feature != '')))), 1, 3) AS apart
    FROM
    (
        SELECT
            c.code AS code,
            c.feature AS feature,
            sum(c.rejected) AS n,
            sumIf(c.rejected, c.approved > 0) AS comparable,
            sum(c.would_have) AS would,
            groupArrayIf((c.rejected, c.work, c.approved), c.feature = '') AS works_of
        FROM cells AS c
        GROUP BY code, feature
    )
    GROUP BY code
)
SELECT
    c.code AS code,
    c.rejected AS rejected,
    rejected / sum(rejected) OVER () AS share,
    c.agents AS agents,
    arrayMap(each -> each.2, arraySlice(c.works, 1, 3)) AS operations,
    c.rules AS rules,
    arrayMap(each -> format('{0} {1} % ({2} %)', each.1, toString(round(each.2 * 100)), toString(round(each.3 * 100))), c.apart) AS apart,
    multiIf(
        c.compared = 0, 'Nothing like this was approved: let the rule block it.',
        empty(c.apart) AND c.works[1].1 >= c.works[1].3,
            format('Most of {0} that is held is rejected: let the rule block more of it, or tell the agent what it asks for.',
                c.works[1].2),
        empty(c.apart), 'Nothing that is on record sets them apart: read the notes of the reviewers.',
        arrayStringConcat(
            arrayMap(each -> multiIf(
                each.1 = 'no confidence claimed', 'Have the agent claim its confidence, and let policy refuse the call without.',
                each.1 = 'low confidence claimed', 'Have the agent ask before it calls when it is not sure.',
                each.1 = 'no task named', 'Have the agent name its task, and let policy refuse the call without.',
                startsWith(each.1, 'flag '), format('Let policy decide on the {0}.', each.1),
                startsWith(each.1, 'rule '), format('Let the {0} block, or tell agents what it asks for.', each.1),
                format('Talk to the owner of the {0}.', each.1)), c.apart), ' ')) AS prevention
FROM codes AS c
ORDER BY rejected DESC, code
