-- The append-only ledger: one row per step. Columns are the members of `Event` (gateway/domain/event.ts).
--
-- Partitions go by the arrival time, which the shipper sets once per batch and repeats on every retry:
-- deduplication is per partition, so a retry that moved to another month would be stored twice.
-- Inserts are synced before they are acknowledged, because the journal deletes what was acknowledged.
CREATE TABLE IF NOT EXISTS holdpoint.events
(
    event_id String CODEC(ZSTD(1)),
    at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    shipped_at DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(Delta, ZSTD(1)),
    node LowCardinality(String),
    type LowCardinality(String),
    layer LowCardinality(String),
    decision_id String CODEC(ZSTD(1)),
    call_id String CODEC(ZSTD(1)),
    hold_id String CODEC(ZSTD(1)),
    agent LowCardinality(String),
    owner LowCardinality(String),
    on_behalf_of Array(LowCardinality(String)),
    session String CODEC(ZSTD(1)),
    task String CODEC(ZSTD(1)),
    system LowCardinality(String),
    operation LowCardinality(String),
    method LowCardinality(String),
    path String CODEC(ZSTD(1)),
    resource String CODEC(ZSTD(1)),
    verdict LowCardinality(String),
    rules Array(LowCardinality(String)),
    trigger LowCardinality(String),
    reason String CODEC(ZSTD(1)),
    policy_revision LowCardinality(String),
    actor LowCardinality(String),
    actor_kind LowCardinality(String),
    channel LowCardinality(String),
    status UInt16 CODEC(T64, ZSTD(1)),
    code LowCardinality(String),
    decide_us Float32 CODEC(ZSTD(1)),
    upstream_ms Float32 CODEC(ZSTD(1)),
    held_ms Float64 CODEC(ZSTD(1)),
    request_bytes UInt64 CODEC(T64, ZSTD(1)),
    response_bytes UInt64 CODEC(T64, ZSTD(1)),
    confidence Nullable(Float32) CODEC(ZSTD(1)),
    flags Array(LowCardinality(String)),
    trace_id String CODEC(ZSTD(1)),
    INDEX by_time at TYPE minmax GRANULARITY 1,
    INDEX by_call call_id TYPE bloom_filter GRANULARITY 1,
    INDEX by_hold hold_id TYPE bloom_filter GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(shipped_at)
ORDER BY (agent, system, at, event_id)
SETTINGS
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    ttl_only_drop_parts = 1;
