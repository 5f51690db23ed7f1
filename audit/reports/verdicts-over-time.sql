/*
title: Verdicts over time
question: How do the numbers of allowed, held and blocked calls change?
act: >
  A step in a line is a new policy (see policy-revisions), a new kind of work (see scope-drift) or a misbehaving agent
  (see blocked-hot-spots).
chart: { kind: line, x: at, y: [allowed, held, blocked] }
period: 30d
only: [owner, agent, system]
parameters:
  step: { type: step, default: auto, about: 'The length of one point; weeks begin on Monday, days at midnight UTC.' }
columns:
  at: { unit: time, about: 'Start of the point. Between the first and the last, points without calls have zeros.' }
  calls: { unit: count, about: 'Calls that policy decided on.' }
  allowed: { unit: count, about: 'Of these, allowed.' }
  held: { unit: count, about: 'Of these, held for people.' }
  blocked: { unit: count, about: 'Of these, blocked.' }
*/
SELECT
    toDateTime(intDiv(toUnixTimestamp(minute) - 345600, {step:UInt32}) * {step:UInt32} + 345600, 'UTC') AS at,
    sum(m.calls) AS calls,
    sumIf(m.calls, verdict = 'allow') AS allowed,
    sumIf(m.calls, verdict = 'hold') AS held,
    sumIf(m.calls, verdict = 'block') AS blocked
FROM holdpoint.minute_states AS m
WHERE minute >= {from:DateTime64(3, 'UTC')} AND minute < {to:DateTime64(3, 'UTC')}
    AND ({owner:String} = '' OR owner = {owner:String})
    AND ({agent:String} = '' OR agent = {agent:String})
    AND ({system:String} = '' OR system = {system:String})
GROUP BY at
HAVING calls > 0
ORDER BY at WITH FILL STEP {step:UInt32}
