-- One row per call. Each step adds what it knows; the engine puts the steps of a call together, in whatever order and
-- however late they came. Descriptions are the same in every step that has them, so the larger of two is the one that
-- is not empty. Identifiers begin with their time (UUIDv7), so the order by them is that of the calls, and the index over
-- `at` finds a period although rows are put together only when they are read.
CREATE TABLE IF NOT EXISTS {{local call_states}} {{on cluster}}
(
    call_id String CODEC(ZSTD(1)),
    at SimpleAggregateFunction(min, DateTime64(3, 'UTC')) CODEC(Delta, ZSTD(1)),
    ended_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) CODEC(Delta, ZSTD(1)),
    decision_id SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    hold_id SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    node SimpleAggregateFunction(max, LowCardinality(String)),
    agent SimpleAggregateFunction(max, LowCardinality(String)),
    owner SimpleAggregateFunction(max, LowCardinality(String)),
    on_behalf_of SimpleAggregateFunction(max, Array(String)) CODEC(ZSTD(1)),
    session SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    task SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    system SimpleAggregateFunction(max, LowCardinality(String)),
    operation SimpleAggregateFunction(max, LowCardinality(String)),
    method SimpleAggregateFunction(max, LowCardinality(String)),
    path SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    resource SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    verdict SimpleAggregateFunction(max, LowCardinality(String)),
    rules SimpleAggregateFunction(max, Array(String)) CODEC(ZSTD(1)),
    trigger SimpleAggregateFunction(max, LowCardinality(String)),
    reason SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    policy_revision SimpleAggregateFunction(max, LowCardinality(String)),
    status SimpleAggregateFunction(max, UInt16) CODEC(T64, ZSTD(1)),
    executed_status SimpleAggregateFunction(max, UInt16) CODEC(T64, ZSTD(1)),
    code SimpleAggregateFunction(max, LowCardinality(String)),
    failure SimpleAggregateFunction(max, LowCardinality(String)),
    decide_us SimpleAggregateFunction(max, UInt64) CODEC(T64, ZSTD(1)),
    upstream_ms SimpleAggregateFunction(max, UInt64) CODEC(T64, ZSTD(1)),
    held_ms SimpleAggregateFunction(max, UInt64) CODEC(T64, ZSTD(1)),
    took_ms SimpleAggregateFunction(max, UInt64) CODEC(T64, ZSTD(1)),
    request_bytes SimpleAggregateFunction(max, UInt64) CODEC(T64, ZSTD(1)),
    response_bytes SimpleAggregateFunction(max, UInt64) CODEC(T64, ZSTD(1)),
    cost SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(1)),
    cost_unit SimpleAggregateFunction(max, LowCardinality(String)),
    confidence SimpleAggregateFunction(max, Nullable(Float64)) CODEC(ZSTD(1)),
    flags SimpleAggregateFunction(max, Array(String)) CODEC(ZSTD(1)),
    trace_id SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    INDEX by_time at TYPE minmax GRANULARITY 1,
    INDEX by_session session TYPE bloom_filter GRANULARITY 1,
    INDEX by_task task TYPE bloom_filter GRANULARITY 1,
    INDEX by_resource resource TYPE bloom_filter GRANULARITY 1,
    INDEX by_trace trace_id TYPE bloom_filter GRANULARITY 1,
    INDEX by_hold hold_id TYPE bloom_filter GRANULARITY 1,
    INDEX by_decision decision_id TYPE bloom_filter GRANULARITY 1,
    INDEX by_words lowerUTF8(reason) TYPE ngrambf_v1(3, 4096, 2, 0) GRANULARITY 1
)
ENGINE = {{engine AggregatingMergeTree}}
PARTITION BY toYYYYMM(at)
ORDER BY call_id
SETTINGS {{durable}};

{{front call_states}};

-- A released hold may be executed when its caller has left: then the system's answer is how the call ended.
CREATE MATERIALIZED VIEW IF NOT EXISTS holdpoint.call_steps {{on cluster}} TO {{local call_states}} AS
WITH startsWith(type, 'call.') AS own
SELECT
    call_id, at, decision_id, hold_id, agent, owner, on_behalf_of, session, task, system, operation, method, path, resource,
    verdict, failure, cost, cost_unit, confidence, flags, trace_id,
    if(own, events.node, '') AS node,
    if(own, events.rules, []) AS rules,
    if(own, events.policy_revision, '') AS policy_revision,
    if(type = 'call.completed', at, toDateTime64(0, 3, 'UTC')) AS ended_at,
    if(type = 'call.decided', events.trigger, '') AS trigger,
    if(type = 'call.decided', events.reason, '') AS reason,
    if(type = 'call.completed', events.status, 0) AS status,
    if(type = 'hold.executed', events.status, 0) AS executed_status,
    if(type = 'call.completed', events.code, '') AS code,
    decide_us,
    upstream_ms,
    if(type = 'call.completed', events.held_ms, 0) AS held_ms,
    took_ms,
    request_bytes,
    response_bytes
FROM {{local events}} AS events
WHERE call_id != '' AND type IN ('call.decided', 'call.completed', 'call.drifted', 'hold.executed', 'hold.failed');
