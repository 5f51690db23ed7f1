-- One row per hold. What the last of several steps said is kept as a tuple that begins with its time and rank: the
-- steps of one change share their time, and then the one that follows from the other has the higher rank.
CREATE TABLE IF NOT EXISTS {{local hold_states}} {{on cluster}}
(
    hold_id String CODEC(ZSTD(1)),
    opened_at SimpleAggregateFunction(min, DateTime64(3, 'UTC')) CODEC(Delta, ZSTD(1)),
    call_id SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    decision_id SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    agent SimpleAggregateFunction(max, LowCardinality(String)),
    owner SimpleAggregateFunction(max, LowCardinality(String)),
    system SimpleAggregateFunction(max, LowCardinality(String)),
    operation SimpleAggregateFunction(max, LowCardinality(String)),
    method SimpleAggregateFunction(max, LowCardinality(String)),
    path SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    resource SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    rules SimpleAggregateFunction(max, Array(String)) CODEC(ZSTD(1)),
    reason SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    level SimpleAggregateFunction(max, UInt16),
    groups SimpleAggregateFunction(max, Array(String)) CODEC(ZSTD(1)),
    policy_revision SimpleAggregateFunction(max, LowCardinality(String)),
    respond_within_ms SimpleAggregateFunction(max, UInt64) CODEC(T64, ZSTD(1)),
    state SimpleAggregateFunction(max, Tuple(at DateTime64(3, 'UTC'), rank UInt8, status String)),
    decision SimpleAggregateFunction(max, Tuple(
        at DateTime64(3, 'UTC'), rank UInt8, actor String, kind String, channel String, code String, note String,
        held_ms UInt64)),
    execution SimpleAggregateFunction(max, Tuple(at DateTime64(3, 'UTC'), rank UInt8, execution String)),
    executed_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')),
    upstream_status SimpleAggregateFunction(max, UInt16) CODEC(T64, ZSTD(1)),
    upstream_ms SimpleAggregateFunction(max, UInt64) CODEC(T64, ZSTD(1)),
    changes SimpleAggregateFunction(groupUniqArrayArray, Array(String)),
    claims SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    votes SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    edits SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    escalations SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    reminders SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    attached SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    cost SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(1)),
    cost_unit SimpleAggregateFunction(max, LowCardinality(String)),
    session SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    task SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    confidence SimpleAggregateFunction(max, Nullable(Float64)) CODEC(ZSTD(1)),
    flags SimpleAggregateFunction(max, Array(String)) CODEC(ZSTD(1)),
    trace_id SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    INDEX by_time opened_at TYPE minmax GRANULARITY 1
)
ENGINE = {{engine AggregatingMergeTree}}
PARTITION BY toYYYYMM(opened_at)
ORDER BY hold_id
SETTINGS {{durable}};

{{front hold_states}};

CREATE MATERIALIZED VIEW IF NOT EXISTS holdpoint.hold_steps {{on cluster}} TO {{local hold_states}} AS
WITH
    toDateTime64(0, 3, 'UTC') AS never,
    substring(type, 6) AS step,
    type = 'hold.opened' AS opens,
    multiIf(opens, 1, step = 'approved', 2, step = 'reopened', 3, 4) AS rank,
    step IN (
        'opened', 'reopened', 'approved', 'rejected', 'expired', 'cancelled', 'superseded', 'taken-over', 'lapsed',
        'answered', 'accepted', 'returned') AS moves,
    multiIf(
        step = 'released', 'releasing',
        step = 'confirmed', if(code = 'executed', 'confirmed-executed', 'confirmed-not'),
        step IN ('executed', 'failed', 'indeterminate'), step,
        '') AS became
SELECT
    hold_id, call_id, decision_id, agent, owner, system, operation, method, path, resource, cost, cost_unit, session,
    task, confidence, flags, trace_id, at AS opened_at,
    if(opens, events.rules, []) AS rules,
    if(opens, events.reason, '') AS reason,
    if(opens, events.level, 0) AS level,
    if(opens, events.groups, []) AS groups,
    if(opens, events.policy_revision, '') AS policy_revision,
    if(opens, events.respond_within_ms, 0) AS respond_within_ms,
    if(moves, (at, rank, if(step IN ('opened', 'reopened'), 'pending', step)), (never, 0, '')) AS state,
    multiIf(
        NOT moves OR opens OR step = 'lapsed', (never, 0, '', '', '', '', '', 0),
        step = 'reopened', (at, rank, '', '', '', '', '', 0),
        (at, rank, actor, actor_kind, channel, code, events.reason, held_ms)) AS decision,
    if(became = '', (never, 0, ''), (at, multiIf(step = 'released', 1, step = 'confirmed', 3, 2), became)) AS execution,
    if(became IN ('executed', 'confirmed-executed'), at, never) AS executed_at,
    if(step = 'executed', status, 0) AS upstream_status,
    upstream_ms,
    changes,
    step = 'claimed' AS claims,
    step = 'voted' AS votes,
    step = 'edited' AS edits,
    step = 'escalated' AS escalations,
    step = 'reminded' AS reminders,
    step = 'attached' AS attached
FROM {{local events}} AS events
WHERE hold_id != '' AND type LIKE 'hold.%';
