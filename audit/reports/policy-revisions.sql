/*
title: Effect of policy revisions
question: What changed when a new policy came into force?
act: >
  Where more is held, blocked or rejected than before, the revision did what was intended or broke something: read what
  it changed. Fix policy faults first.
chart: { kind: table }
period: 90d
only: [owner, agent, system]
columns:
  revision: { unit: text, about: 'The bundle that decided; "(none)" where none could.' }
  first_at: { unit: time, about: 'Its first decision in the period.' }
  last_at: { unit: time, about: 'Its last decision in the period.' }
  calls: { unit: count, about: 'Calls that it decided on.' }
  allowed_share: { unit: share, about: 'allowed / calls.' }
  held_share: { unit: share, about: 'held / calls.' }
  blocked_share: { unit: share, about: 'blocked / calls.' }
  faults: { unit: count, about: 'Decisions that were a fault of the policy.' }
  rejected_share: { unit: share, about: 'Of the holds that it opened and people approved, rejected or took over, the share that was rejected or taken over.' }
*/
SELECT
    if(d.policy_revision = '', '(none)', d.policy_revision) AS revision,
    d.first_at AS first_at,
    d.last_at AS last_at,
    d.calls AS calls,
    d.allowed / nullIf(calls, 0) AS allowed_share,
    d.held / nullIf(calls, 0) AS held_share,
    d.blocked / nullIf(calls, 0) AS blocked_share,
    d.faults AS faults,
    h.rejected / nullIf(h.decided, 0) AS rejected_share
FROM
(
    SELECT
        policy_revision,
        min(at) AS first_at,
        max(at) AS last_at,
        count() AS calls,
        countIf(verdict = 'allow') AS allowed,
        countIf(verdict = 'hold') AS held,
        countIf(verdict = 'block') AS blocked,
        countIf(trigger = 'fault') AS faults
    FROM holdpoint.events
    WHERE type = 'call.decided'
        AND at >= {from:DateTime64(3, 'UTC')} AND at < {to:DateTime64(3, 'UTC')}
        AND ({owner:String} = '' OR owner = {owner:String})
        AND ({agent:String} = '' OR agent = {agent:String})
        AND ({system:String} = '' OR system = {system:String})
    GROUP BY policy_revision
) AS d
LEFT JOIN
(
    SELECT
        policy_revision,
        countIf(status IN ('rejected', 'taken-over')) AS rejected,
        countIf(status IN ('approved', 'lapsed', 'rejected', 'taken-over')) AS decided
    FROM holdpoint.holds
    WHERE decided_kind = 'reviewer'
        AND opened_at >= {from:DateTime64(3, 'UTC')} AND opened_at < {to:DateTime64(3, 'UTC')}
        AND ({owner:String} = '' OR owner = {owner:String})
        AND ({agent:String} = '' OR agent = {agent:String})
        AND ({system:String} = '' OR system = {system:String})
    GROUP BY policy_revision
) AS h ON h.policy_revision = d.policy_revision
ORDER BY first_at, revision
LIMIT 1000
