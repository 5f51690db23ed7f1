/*
title: Review load
question: When do holds arrive, and when are decisions slow?
act: >
  Schedule reviewers for the busy hours, or hold only calls that can wait until morning.
chart: { kind: heat, x: hour, y: weekday, value: holds }
period: 30d
only: [owner, agent, system]
parameters:
  group: { type: text, default: '', about: 'Only holds that ask this group; empty for all.' }
columns:
  weekday: { unit: number, about: 'Day of the week, UTC; 1 is Monday.' }
  hour: { unit: number, about: 'Hour of the day, UTC; 0 to 23.' }
  holds: { unit: count, about: 'Holds opened in that hour, all weeks of the period together, without those that a grant approved at once.' }
  p50_ms: { unit: ms, about: 'Median time from opening to the decision of a person; null where there was no decision.' }
*/
SELECT
    toDayOfWeek(opened_at) AS weekday,
    toHour(opened_at) AS hour,
    count() AS holds,
    if(countIf(decided_kind = 'reviewer') = 0, NULL, quantileExactIf(0.5)(to_decision_ms, decided_kind = 'reviewer')) AS p50_ms
FROM holdpoint.holds
WHERE opened_at >= {from:DateTime64(3, 'UTC')} AND opened_at < {to:DateTime64(3, 'UTC')}
    AND NOT (status IN ('approved', 'lapsed') AND decided_kind = 'gateway')
    AND ({group:String} = '' OR has(groups, {group:String}))
    AND ({owner:String} = '' OR owner = {owner:String})
    AND ({agent:String} = '' OR agent = {agent:String})
    AND ({system:String} = '' OR system = {system:String})
GROUP BY weekday, hour
ORDER BY weekday, hour
