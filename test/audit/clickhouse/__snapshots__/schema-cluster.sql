CREATE DATABASE IF NOT EXISTS holdpoint ON CLUSTER main;

CREATE TABLE IF NOT EXISTS holdpoint.schema_migrations ON CLUSTER main
(
    `name` String,
    `applied_at` DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/everywhere/{database}/{table}', '{shard}-{replica}')
ORDER BY name;

CREATE TABLE IF NOT EXISTS holdpoint.events_local ON CLUSTER main
(
    `event_id` String CODEC(ZSTD(1)),
    `at` DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    `version` UInt16 CODEC(T64, ZSTD(1)),
    `node` LowCardinality(String) CODEC(ZSTD(1)),
    `type` LowCardinality(String) CODEC(ZSTD(1)),
    `layer` LowCardinality(String) CODEC(ZSTD(1)),
    `decision_id` String CODEC(ZSTD(1)),
    `call_id` String CODEC(ZSTD(1)),
    `hold_id` String CODEC(ZSTD(1)),
    `agent` LowCardinality(String) CODEC(ZSTD(1)),
    `owner` LowCardinality(String) CODEC(ZSTD(1)),
    `on_behalf_of` Array(LowCardinality(String)) CODEC(ZSTD(1)),
    `session` String CODEC(ZSTD(1)),
    `task` String CODEC(ZSTD(3)),
    `system` LowCardinality(String) CODEC(ZSTD(1)),
    `operation` LowCardinality(String) CODEC(ZSTD(1)),
    `method` LowCardinality(String) CODEC(ZSTD(1)),
    `path` String CODEC(ZSTD(3)),
    `resource` String CODEC(ZSTD(3)),
    `verdict` LowCardinality(String) CODEC(ZSTD(1)),
    `rules` Array(LowCardinality(String)) CODEC(ZSTD(1)),
    `rule_verdicts` Array(LowCardinality(String)) CODEC(ZSTD(1)),
    `rule_places` Array(LowCardinality(String)) CODEC(ZSTD(1)),
    `trigger` LowCardinality(String) CODEC(ZSTD(1)),
    `reason` String CODEC(ZSTD(3)),
    `policy_revision` LowCardinality(String) CODEC(ZSTD(1)),
    `failure` LowCardinality(String) CODEC(ZSTD(1)),
    `fault` String CODEC(ZSTD(3)),
    `actor` LowCardinality(String) CODEC(ZSTD(1)),
    `actor_kind` LowCardinality(String) CODEC(ZSTD(1)),
    `channel` LowCardinality(String) CODEC(ZSTD(1)),
    `status` UInt16 CODEC(T64, ZSTD(1)),
    `code` LowCardinality(String) CODEC(ZSTD(1)),
    `groups` Array(LowCardinality(String)) CODEC(ZSTD(1)),
    `level` UInt16 CODEC(T64, ZSTD(1)),
    `respond_within_ms` UInt64 CODEC(T64, ZSTD(1)),
    `changes` Array(LowCardinality(String)) CODEC(ZSTD(1)),
    `decide_us` UInt64 CODEC(T64, ZSTD(1)),
    `upstream_ms` UInt64 CODEC(T64, ZSTD(1)),
    `held_ms` UInt64 CODEC(T64, ZSTD(1)),
    `took_ms` UInt64 CODEC(T64, ZSTD(1)),
    `request_bytes` UInt64 CODEC(T64, ZSTD(1)),
    `response_bytes` UInt64 CODEC(T64, ZSTD(1)),
    `cost` Float64 CODEC(ZSTD(1)),
    `cost_unit` LowCardinality(String) CODEC(ZSTD(1)),
    `confidence` Nullable(Float64) CODEC(ZSTD(1)),
    `flags` Array(LowCardinality(String)) CODEC(ZSTD(1)),
    `input` String CODEC(ZSTD(1)),
    `masked` Array(LowCardinality(String)) CODEC(ZSTD(1)),
    `trace_id` String CODEC(ZSTD(1)),
    `chain` LowCardinality(String) CODEC(ZSTD(1)),
    `seq` UInt64 CODEC(Delta, ZSTD(1)),
    `hash` String CODEC(ZSTD(3)),
    `shipped_at` DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(Delta, ZSTD(1)),
    INDEX by_time at TYPE minmax GRANULARITY 1,
    INDEX by_seq seq TYPE minmax GRANULARITY 1,
    INDEX by_call call_id TYPE bloom_filter GRANULARITY 1,
    INDEX by_hold hold_id TYPE bloom_filter GRANULARITY 1,
    INDEX by_words lowerUTF8(reason) TYPE ngrambf_v1(3, 4096, 2, 0) GRANULARITY 1
)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
PARTITION BY toYYYYMM(shipped_at)
ORDER BY (agent, system, operation, call_id, at, event_id)
SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 2592000, fsync_after_insert = 1, fsync_part_directory = 1, ttl_only_drop_parts = 1, min_bytes_for_wide_part = 67108864;

CREATE TABLE IF NOT EXISTS holdpoint.events ON CLUSTER main AS holdpoint.events_local
ENGINE = Distributed('main', holdpoint, events_local, cityHash64(agent));

CREATE TABLE IF NOT EXISTS holdpoint.checkpoints_local ON CLUSTER main
(
    `chain` LowCardinality(String),
    `node` LowCardinality(String),
    `at` DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    `first` UInt64,
    `seq` UInt64,
    `prev` String CODEC(ZSTD(1)),
    `hash` String CODEC(ZSTD(1)),
    `key` LowCardinality(String),
    `signature` String CODEC(ZSTD(1))
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
ORDER BY (chain, seq, hash, signature)
SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 2592000, fsync_after_insert = 1, fsync_part_directory = 1, ttl_only_drop_parts = 1, min_bytes_for_wide_part = 67108864;

CREATE TABLE IF NOT EXISTS holdpoint.checkpoints ON CLUSTER main AS holdpoint.checkpoints_local
ENGINE = Distributed('main', holdpoint, checkpoints_local, cityHash64(chain));

CREATE TABLE IF NOT EXISTS holdpoint.call_states_local ON CLUSTER main
(
    `call_id` String CODEC(ZSTD(1)),
    `at` SimpleAggregateFunction(min, DateTime64(3, 'UTC')) CODEC(Delta, ZSTD(1)),
    `ended_at` SimpleAggregateFunction(max, DateTime64(3, 'UTC')) CODEC(Delta, ZSTD(1)),
    `decision_id` SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    `hold_id` SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    `node` SimpleAggregateFunction(max, LowCardinality(String)),
    `agent` SimpleAggregateFunction(max, LowCardinality(String)),
    `owner` SimpleAggregateFunction(max, LowCardinality(String)),
    `on_behalf_of` SimpleAggregateFunction(max, Array(String)) CODEC(ZSTD(1)),
    `session` SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    `task` SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    `system` SimpleAggregateFunction(max, LowCardinality(String)),
    `operation` SimpleAggregateFunction(max, LowCardinality(String)),
    `method` SimpleAggregateFunction(max, LowCardinality(String)),
    `path` SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    `resource` SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    `verdict` SimpleAggregateFunction(max, LowCardinality(String)),
    `rules` SimpleAggregateFunction(max, Array(String)) CODEC(ZSTD(1)),
    `trigger` SimpleAggregateFunction(max, LowCardinality(String)),
    `reason` SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    `policy_revision` SimpleAggregateFunction(max, LowCardinality(String)),
    `status` SimpleAggregateFunction(max, UInt16) CODEC(T64, ZSTD(1)),
    `executed_status` SimpleAggregateFunction(max, UInt16) CODEC(T64, ZSTD(1)),
    `code` SimpleAggregateFunction(max, LowCardinality(String)),
    `failure` SimpleAggregateFunction(max, LowCardinality(String)),
    `decide_us` SimpleAggregateFunction(max, UInt64) CODEC(T64, ZSTD(1)),
    `upstream_ms` SimpleAggregateFunction(max, UInt64) CODEC(T64, ZSTD(1)),
    `held_ms` SimpleAggregateFunction(max, UInt64) CODEC(T64, ZSTD(1)),
    `took_ms` SimpleAggregateFunction(max, UInt64) CODEC(T64, ZSTD(1)),
    `request_bytes` SimpleAggregateFunction(max, UInt64) CODEC(T64, ZSTD(1)),
    `response_bytes` SimpleAggregateFunction(max, UInt64) CODEC(T64, ZSTD(1)),
    `cost` SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(1)),
    `cost_unit` SimpleAggregateFunction(max, LowCardinality(String)),
    `confidence` SimpleAggregateFunction(max, Nullable(Float64)) CODEC(ZSTD(1)),
    `flags` SimpleAggregateFunction(max, Array(String)) CODEC(ZSTD(1)),
    `trace_id` SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    INDEX by_time at TYPE minmax GRANULARITY 1,
    INDEX by_session session TYPE bloom_filter GRANULARITY 1,
    INDEX by_task task TYPE bloom_filter GRANULARITY 1,
    INDEX by_resource resource TYPE bloom_filter GRANULARITY 1,
    INDEX by_trace trace_id TYPE bloom_filter GRANULARITY 1,
    INDEX by_hold hold_id TYPE bloom_filter GRANULARITY 1,
    INDEX by_decision decision_id TYPE bloom_filter GRANULARITY 1,
    INDEX by_words lowerUTF8(reason) TYPE ngrambf_v1(3, 4096, 2, 0) GRANULARITY 1
)
ENGINE = ReplicatedAggregatingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
PARTITION BY toYYYYMM(at)
ORDER BY call_id
SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 2592000, fsync_after_insert = 1, fsync_part_directory = 1, ttl_only_drop_parts = 1, min_bytes_for_wide_part = 67108864;

CREATE TABLE IF NOT EXISTS holdpoint.call_states ON CLUSTER main AS holdpoint.call_states_local
ENGINE = Distributed('main', holdpoint, call_states_local);

CREATE MATERIALIZED VIEW IF NOT EXISTS holdpoint.call_steps ON CLUSTER main TO holdpoint.call_states_local
AS WITH
    startsWith(type, 'call.') AS own
SELECT
    call_id,
    at,
    decision_id,
    hold_id,
    agent,
    owner,
    on_behalf_of,
    session,
    task,
    system,
    operation,
    method,
    path,
    resource,
    verdict,
    failure,
    cost,
    cost_unit,
    confidence,
    flags,
    trace_id,
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
FROM holdpoint.events_local AS events
WHERE (call_id != '') AND (type IN ('call.decided', 'call.completed', 'call.drifted', 'hold.executed', 'hold.failed'));

CREATE TABLE IF NOT EXISTS holdpoint.hold_states_local ON CLUSTER main
(
    `hold_id` String CODEC(ZSTD(1)),
    `opened_at` SimpleAggregateFunction(min, DateTime64(3, 'UTC')) CODEC(Delta, ZSTD(1)),
    `call_id` SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    `decision_id` SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    `agent` SimpleAggregateFunction(max, LowCardinality(String)),
    `owner` SimpleAggregateFunction(max, LowCardinality(String)),
    `system` SimpleAggregateFunction(max, LowCardinality(String)),
    `operation` SimpleAggregateFunction(max, LowCardinality(String)),
    `method` SimpleAggregateFunction(max, LowCardinality(String)),
    `path` SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    `resource` SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    `rules` SimpleAggregateFunction(max, Array(String)) CODEC(ZSTD(1)),
    `reason` SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    `level` SimpleAggregateFunction(max, UInt16),
    `groups` SimpleAggregateFunction(max, Array(String)) CODEC(ZSTD(1)),
    `policy_revision` SimpleAggregateFunction(max, LowCardinality(String)),
    `respond_within_ms` SimpleAggregateFunction(max, UInt64) CODEC(T64, ZSTD(1)),
    `state` SimpleAggregateFunction(max, Tuple(
        at DateTime64(3, 'UTC'),
        rank UInt8,
        status String)),
    `decision` SimpleAggregateFunction(max, Tuple(
        at DateTime64(3, 'UTC'),
        rank UInt8,
        actor String,
        kind String,
        channel String,
        code String,
        note String,
        held_ms UInt64)),
    `execution` SimpleAggregateFunction(max, Tuple(
        at DateTime64(3, 'UTC'),
        rank UInt8,
        execution String)),
    `executed_at` SimpleAggregateFunction(max, DateTime64(3, 'UTC')),
    `upstream_status` SimpleAggregateFunction(max, UInt16) CODEC(T64, ZSTD(1)),
    `upstream_ms` SimpleAggregateFunction(max, UInt64) CODEC(T64, ZSTD(1)),
    `changes` SimpleAggregateFunction(groupUniqArrayArray, Array(String)),
    `claims` SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    `votes` SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    `edits` SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    `escalations` SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    `reminders` SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    `attached` SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    `cost` SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(1)),
    `cost_unit` SimpleAggregateFunction(max, LowCardinality(String)),
    `session` SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    `task` SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    `confidence` SimpleAggregateFunction(max, Nullable(Float64)) CODEC(ZSTD(1)),
    `flags` SimpleAggregateFunction(max, Array(String)) CODEC(ZSTD(1)),
    `trace_id` SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    INDEX by_time opened_at TYPE minmax GRANULARITY 1
)
ENGINE = ReplicatedAggregatingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
PARTITION BY toYYYYMM(opened_at)
ORDER BY hold_id
SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 2592000, fsync_after_insert = 1, fsync_part_directory = 1, ttl_only_drop_parts = 1, min_bytes_for_wide_part = 67108864;

CREATE TABLE IF NOT EXISTS holdpoint.hold_states ON CLUSTER main AS holdpoint.hold_states_local
ENGINE = Distributed('main', holdpoint, hold_states_local);

CREATE MATERIALIZED VIEW IF NOT EXISTS holdpoint.hold_steps ON CLUSTER main TO holdpoint.hold_states_local
AS WITH
    toDateTime64(0, 3, 'UTC') AS never,
    substring(type, 6) AS step,
    type = 'hold.opened' AS opens,
    multiIf(opens, 1, step = 'approved', 2, step = 'reopened', 3, 4) AS rank,
    step IN ('opened', 'reopened', 'approved', 'rejected', 'expired', 'cancelled', 'superseded', 'taken-over', 'lapsed', 'answered', 'accepted', 'returned') AS moves,
    multiIf(step = 'released', 'releasing', step = 'confirmed', if(code = 'executed', 'confirmed-executed', 'confirmed-not'), (step IN ('executed', 'failed', 'indeterminate')), step, '') AS became
SELECT
    hold_id,
    call_id,
    decision_id,
    agent,
    owner,
    system,
    operation,
    method,
    path,
    resource,
    cost,
    cost_unit,
    session,
    task,
    confidence,
    flags,
    trace_id,
    at AS opened_at,
    if(opens, events.rules, []) AS rules,
    if(opens, events.reason, '') AS reason,
    if(opens, events.level, 0) AS level,
    if(opens, events.groups, []) AS groups,
    if(opens, events.policy_revision, '') AS policy_revision,
    if(opens, events.respond_within_ms, 0) AS respond_within_ms,
    if(moves, (at, rank, if((step IN ('opened', 'reopened')), 'pending', step)), (never, 0, '')) AS state,
    multiIf((NOT moves) OR opens OR (step = 'lapsed'), (never, 0, '', '', '', '', '', 0), step = 'reopened', (at, rank, '', '', '', '', '', 0), (at, rank, actor, actor_kind, channel, code, events.reason, held_ms)) AS decision,
    if(became = '', (never, 0, ''), (at, multiIf(step = 'released', 1, step = 'confirmed', 3, 2), became)) AS execution,
    if((became IN ('executed', 'confirmed-executed')), at, never) AS executed_at,
    if(step = 'executed', status, 0) AS upstream_status,
    upstream_ms,
    changes,
    step = 'claimed' AS claims,
    step = 'voted' AS votes,
    step = 'edited' AS edits,
    step = 'escalated' AS escalations,
    step = 'reminded' AS reminders,
    step = 'attached' AS attached
FROM holdpoint.events_local AS events
WHERE (hold_id != '') AND (type LIKE 'hold.%');

CREATE TABLE IF NOT EXISTS holdpoint.minute_states_local ON CLUSTER main
(
    `minute` DateTime('UTC') CODEC(Delta, ZSTD(1)),
    `agent` LowCardinality(String),
    `owner` LowCardinality(String),
    `system` LowCardinality(String),
    `operation` LowCardinality(String),
    `verdict` LowCardinality(String),
    `cost_unit` LowCardinality(String),
    `calls` SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    `completed` SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    `failed` SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    `cost` SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(1)),
    `decide_us_sum` SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    `upstream_ms_sum` SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    `held_ms_sum` SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    `request_bytes` SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    `response_bytes` SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    `decide_us` AggregateFunction(quantilesTDigest(0.5, 0.9, 0.99), UInt64) CODEC(ZSTD(1))
)
ENGINE = ReplicatedAggregatingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
PARTITION BY toYYYYMM(minute)
ORDER BY (minute, agent, system, operation, owner, verdict, cost_unit)
SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 2592000, fsync_after_insert = 1, fsync_part_directory = 1, ttl_only_drop_parts = 1, min_bytes_for_wide_part = 67108864;

CREATE TABLE IF NOT EXISTS holdpoint.minute_states ON CLUSTER main AS holdpoint.minute_states_local
ENGINE = Distributed('main', holdpoint, minute_states_local);

CREATE MATERIALIZED VIEW IF NOT EXISTS holdpoint.minute_steps ON CLUSTER main TO holdpoint.minute_states_local
AS SELECT
    toStartOfMinute(at) AS minute,
    agent,
    owner,
    system,
    operation,
    verdict,
    cost_unit,
    countIf(type = 'call.decided') AS calls,
    countIf(type = 'call.completed') AS completed,
    countIf((type IN ('call.completed', 'call.refused', 'call.drifted')) AND (failure IN ('system-failed', 'system-drifted', 'gateway-failed', 'policy-wrong'))) AS failed,
    sum(events.cost) AS cost,
    sum(events.decide_us) AS decide_us_sum,
    sumIf(upstream_ms, type = 'call.completed') AS upstream_ms_sum,
    sumIf(held_ms, type = 'call.completed') AS held_ms_sum,
    sum(events.request_bytes) AS request_bytes,
    sum(events.response_bytes) AS response_bytes,
    quantilesTDigestStateIf(0.5, 0.9, 0.99)(events.decide_us, type = 'call.decided') AS decide_us
FROM holdpoint.events_local AS events
WHERE type IN ('call.decided', 'call.completed', 'call.refused', 'call.drifted', 'hold.executed')
GROUP BY
    minute,
    agent,
    owner,
    system,
    operation,
    verdict,
    cost_unit;

CREATE OR REPLACE VIEW holdpoint.ledger ON CLUSTER main
AS SELECT
    event_id,
    at,
    version,
    node,
    type,
    layer,
    decision_id,
    call_id,
    hold_id,
    agent,
    owner,
    on_behalf_of,
    session,
    task,
    system,
    operation,
    method,
    path,
    resource,
    verdict,
    rules,
    rule_verdicts,
    rule_places,
    trigger,
    reason,
    policy_revision,
    failure,
    fault,
    actor,
    actor_kind,
    channel,
    status,
    code,
    groups,
    level,
    respond_within_ms,
    changes,
    decide_us,
    upstream_ms,
    held_ms,
    took_ms,
    request_bytes,
    response_bytes,
    cost,
    cost_unit,
    confidence,
    flags,
    input,
    masked,
    trace_id,
    chain,
    seq,
    hash,
    shipped_at,
    if((lagInFrame(seq) OVER chained + 1) = seq, lagInFrame(hash) OVER chained, '') AS prev_hash
FROM holdpoint.events
WINDOW chained AS (PARTITION BY chain ORDER BY seq ASC ROWS BETWEEN 1 PRECEDING AND CURRENT ROW);

CREATE OR REPLACE VIEW holdpoint.calls ON CLUSTER main
(
    `call_id` String,
    `decision_id` String,
    `hold_id` String,
    `at` DateTime64(3, 'UTC'),
    `ended_at` Nullable(DateTime64(3, 'UTC')),
    `node` LowCardinality(String),
    `agent` LowCardinality(String),
    `owner` LowCardinality(String),
    `on_behalf_of` Array(String),
    `session` String,
    `task` String,
    `system` LowCardinality(String),
    `operation` LowCardinality(String),
    `method` LowCardinality(String),
    `path` String,
    `resource` String,
    `verdict` LowCardinality(String),
    `rules` Array(String),
    `trigger` LowCardinality(String),
    `reason` String,
    `policy_revision` LowCardinality(String),
    `status` UInt16,
    `code` LowCardinality(String),
    `failure` LowCardinality(String),
    `decide_us` UInt64,
    `upstream_ms` UInt64,
    `held_ms` UInt64,
    `took_ms` UInt64,
    `request_bytes` UInt64,
    `response_bytes` UInt64,
    `cost` Float64,
    `cost_unit` LowCardinality(String),
    `confidence` Nullable(Float64),
    `flags` Array(String),
    `trace_id` String
)
AS SELECT
    call_id,
    decision_id,
    hold_id,
    at,
    if(ended_at = 0, NULL, ended_at) AS ended_at,
    toString(node) AS node,
    toString(agent) AS agent,
    toString(owner) AS owner,
    on_behalf_of,
    session,
    task,
    toString(system) AS system,
    toString(operation) AS operation,
    toString(method) AS method,
    path,
    resource,
    toString(verdict) AS verdict,
    rules,
    toString(trigger) AS trigger,
    reason,
    toString(policy_revision) AS policy_revision,
    if(executed_status > 0, executed_status, status) AS status,
    if(executed_status > 0, '', code) AS code,
    toString(failure) AS failure,
    decide_us,
    upstream_ms,
    held_ms,
    took_ms,
    request_bytes,
    response_bytes,
    cost,
    toString(cost_unit) AS cost_unit,
    confidence,
    flags,
    trace_id
FROM holdpoint.call_states
FINAL;

CREATE OR REPLACE VIEW holdpoint.holds ON CLUSTER main
(
    `hold_id` String,
    `call_id` String,
    `decision_id` String,
    `agent` LowCardinality(String),
    `owner` LowCardinality(String),
    `system` LowCardinality(String),
    `operation` LowCardinality(String),
    `method` LowCardinality(String),
    `path` String,
    `resource` String,
    `rules` Array(String),
    `reason` String,
    `level` UInt16,
    `groups` Array(String),
    `opened_at` DateTime64(3, 'UTC'),
    `decided_at` Nullable(DateTime64(3, 'UTC')),
    `status` LowCardinality(String),
    `decided_by` String,
    `decided_kind` LowCardinality(String),
    `channel` LowCardinality(String),
    `code` LowCardinality(String),
    `note` String,
    `to_decision_ms` UInt64,
    `respond_within_ms` UInt64,
    `breached` UInt8,
    `claims` UInt64,
    `votes` UInt64,
    `edits` UInt64,
    `changes` Array(String),
    `escalations` UInt64,
    `reminders` UInt64,
    `attached` UInt64,
    `execution` LowCardinality(String),
    `executed_at` Nullable(DateTime64(3, 'UTC')),
    `upstream_status` UInt16,
    `upstream_ms` UInt64,
    `cost` Float64,
    `cost_unit` LowCardinality(String),
    `policy_revision` LowCardinality(String),
    `session` String,
    `task` String,
    `confidence` Nullable(Float64),
    `flags` Array(String),
    `trace_id` String
)
AS WITH
    tupleElement(decision, 'actor') AS actor,
    tupleElement(decision, 'note') AS said,
    tupleElement(decision, 'held_ms') AS held_ms,
    tupleElement(execution, 'execution') AS became
SELECT
    hold_id,
    call_id,
    decision_id,
    toString(agent) AS agent,
    toString(owner) AS owner,
    toString(system) AS system,
    toString(operation) AS operation,
    toString(method) AS method,
    path,
    resource,
    rules,
    reason,
    level,
    groups,
    opened_at,
    if(actor = '', NULL, tupleElement(decision, 'at')) AS decided_at,
    tupleElement(state, 'status') AS status,
    actor AS decided_by,
    tupleElement(decision, 'kind') AS decided_kind,
    tupleElement(decision, 'channel') AS channel,
    tupleElement(decision, 'code') AS code,
    if(said = reason, '', said) AS note,
    held_ms AS to_decision_ms,
    respond_within_ms,
    (respond_within_ms > 0) AND (if(actor = '', dateDiff('millisecond', opened_at, now64(3)), toInt64(held_ms)) > respond_within_ms) AS breached,
    claims,
    votes,
    edits,
    arraySort(changes) AS changes,
    escalations,
    reminders,
    attached,
    if(became = '', 'none', became) AS execution,
    if(executed_at = 0, NULL, executed_at) AS executed_at,
    upstream_status,
    upstream_ms,
    cost,
    toString(cost_unit) AS cost_unit,
    toString(policy_revision) AS policy_revision,
    session,
    task,
    confidence,
    flags,
    trace_id
FROM holdpoint.hold_states
FINAL;

CREATE OR REPLACE VIEW holdpoint.policy_rules ON CLUSTER main
(
    `policy_revision` LowCardinality(String),
    `rule` LowCardinality(String),
    `verdict` LowCardinality(String),
    `file` String,
    `line` UInt32,
    `first_active_at` DateTime64(3, 'UTC')
)
AS SELECT
    policy_revision,
    rule,
    verdict,
    replaceRegexpOne(place, ':\\d+$', '') AS file,
    toUInt32(extract(place, '(\\d+)$')) AS line,
    min(at) AS first_active_at
FROM holdpoint.events
ARRAY JOIN
    rules AS rule,
    rule_verdicts AS verdict,
    rule_places AS place
WHERE (type = 'policy.activated') AND (agent = '')
GROUP BY
    policy_revision,
    rule,
    verdict,
    place;

CREATE OR REPLACE VIEW holdpoint.minutes ON CLUSTER main
(
    `minute` DateTime('UTC'),
    `agent` LowCardinality(String),
    `owner` LowCardinality(String),
    `system` LowCardinality(String),
    `operation` LowCardinality(String),
    `verdict` LowCardinality(String),
    `cost_unit` LowCardinality(String),
    `calls` UInt64,
    `completed` UInt64,
    `failed` UInt64,
    `cost` Float64,
    `decide_us_sum` UInt64,
    `upstream_ms_sum` UInt64,
    `held_ms_sum` UInt64,
    `request_bytes` UInt64,
    `response_bytes` UInt64,
    `decide_us` AggregateFunction(quantilesTDigest(0.5, 0.9, 0.99), UInt64)
)
AS SELECT *
FROM holdpoint.minute_states
FINAL;
