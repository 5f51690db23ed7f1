-- The append-only ledger: one row per step. Its columns are the members of events, and where each stands in its chain.
--
-- Partitions go by the arrival time, which the shipper sets once per batch and repeats on every retry: deduplication is
-- per partition, so a retry that moved to another month would be stored twice.
-- Inserts are synced before they are acknowledged, because the journal deletes what was acknowledged.
CREATE TABLE IF NOT EXISTS {{local events}} {{on cluster}}
(
    {{event columns}},
    chain LowCardinality(String) CODEC(ZSTD(1)),
    seq UInt64 CODEC(Delta, ZSTD(1)),
    hash String CODEC(ZSTD(3)),
    shipped_at DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(Delta, ZSTD(1)),
    INDEX by_time at TYPE minmax GRANULARITY 1,
    INDEX by_seq seq TYPE minmax GRANULARITY 1,
    INDEX by_call call_id TYPE bloom_filter GRANULARITY 1,
    INDEX by_hold hold_id TYPE bloom_filter GRANULARITY 1,
    INDEX by_words lowerUTF8(reason) TYPE ngrambf_v1(3, 4096, 2, 0) GRANULARITY 1
)
ENGINE = {{engine MergeTree}}
PARTITION BY toYYYYMM(shipped_at)
ORDER BY (agent, system, operation, call_id, at, event_id)
SETTINGS {{durable}};

{{front events by cityHash64(agent)}};

-- Signed statements about chains. The same one may come twice; it is then the same row.
CREATE TABLE IF NOT EXISTS {{local checkpoints}} {{on cluster}}
(
    chain LowCardinality(String),
    node LowCardinality(String),
    at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    first UInt64,
    seq UInt64,
    prev String CODEC(ZSTD(1)),
    hash String CODEC(ZSTD(1)),
    key LowCardinality(String),
    signature String CODEC(ZSTD(1))
)
ENGINE = {{engine ReplacingMergeTree}}
ORDER BY (chain, seq, hash, signature)
SETTINGS {{durable}};

{{front checkpoints by cityHash64(chain)}};
