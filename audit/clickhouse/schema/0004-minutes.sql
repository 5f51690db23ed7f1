-- What happened in each minute, for dashboards. Each step counts in the minute in which it happened.
CREATE TABLE IF NOT EXISTS {{local minute_states}} {{on cluster}}
(
    minute DateTime('UTC') CODEC(Delta, ZSTD(1)),
    agent LowCardinality(String),
    owner LowCardinality(String),
    system LowCardinality(String),
    operation LowCardinality(String),
    verdict LowCardinality(String),
    cost_unit LowCardinality(String),
    calls SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    completed SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    failed SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    cost SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(1)),
    decide_us_sum SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    upstream_ms_sum SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    held_ms_sum SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    request_bytes SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    response_bytes SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    decide_us AggregateFunction(quantilesTDigest(0.5, 0.9, 0.99), UInt64) CODEC(ZSTD(1))
)
ENGINE = {{engine AggregatingMergeTree}}
PARTITION BY toYYYYMM(minute)
ORDER BY (minute, agent, system, operation, owner, verdict, cost_unit)
SETTINGS {{durable}};

{{front minute_states}};

CREATE MATERIALIZED VIEW IF NOT EXISTS holdpoint.minute_steps {{on cluster}} TO {{local minute_states}} AS
SELECT
    toStartOfMinute(at) AS minute, agent, owner, system, operation, verdict, cost_unit,
    countIf(type = 'call.decided') AS calls,
    countIf(type = 'call.completed') AS completed,
    countIf(
        type IN ('call.completed', 'call.refused', 'call.drifted')
        AND failure IN ('system-failed', 'system-drifted', 'gateway-failed', 'policy-wrong')) AS failed,
    sum(events.cost) AS cost,
    sum(events.decide_us) AS decide_us_sum,
    sumIf(upstream_ms, type = 'call.completed') AS upstream_ms_sum,
    sumIf(held_ms, type = 'call.completed') AS held_ms_sum,
    sum(events.request_bytes) AS request_bytes,
    sum(events.response_bytes) AS response_bytes,
    quantilesTDigestStateIf(0.5, 0.9, 0.99)(events.decide_us, type = 'call.decided') AS decide_us
FROM {{local events}} AS events
WHERE type IN ('call.decided', 'call.completed', 'call.refused', 'call.drifted', 'hold.executed')
GROUP BY minute, agent, owner, system, operation, verdict, cost_unit;
