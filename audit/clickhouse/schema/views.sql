-- What analysts read. Made anew whenever this file, or the list of fields, has changed.
--
-- `FINAL` puts the steps of a call, hold or minute together when they are read, so a row is whole and there is one of it,
-- whatever the merges in the background have done so far. The types are written out because those of the tables behind
-- the views mean nothing to many clients. That alone does not change a type into one that is stored alike, so names go
-- through `toString`: Grafana's data source shows `SimpleAggregateFunction(max, LowCardinality(String))` as JSON, in quotes.
-- Members of tuples are taken with `tupleElement`: `state.status` would be read before the steps are put together.

-- The ledger as a chain: each event beside the hash of the one before it; empty where that one is not here.
CREATE OR REPLACE VIEW holdpoint.ledger {{on cluster}} AS
SELECT
    {{event names}}, chain, seq, hash, shipped_at,
    if(lagInFrame(seq) OVER chained + 1 = seq, lagInFrame(hash) OVER chained, '') AS prev_hash
FROM holdpoint.events
WINDOW chained AS (PARTITION BY chain ORDER BY seq ROWS BETWEEN 1 PRECEDING AND CURRENT ROW);

-- One row for each call. `status` is what the agent was answered, or the system where the call was sent after its caller
-- had left. `at` and `call_id` find a period or a call without reading the others: identifiers begin with their time.
CREATE OR REPLACE VIEW holdpoint.calls {{on cluster}}
(
    call_id String, decision_id String, hold_id String, at DateTime64(3, 'UTC'), ended_at Nullable(DateTime64(3, 'UTC')),
    node LowCardinality(String), agent LowCardinality(String), owner LowCardinality(String), on_behalf_of Array(String),
    session String, task String, system LowCardinality(String), operation LowCardinality(String),
    method LowCardinality(String), path String, resource String, verdict LowCardinality(String), rules Array(String),
    trigger LowCardinality(String), reason String, policy_revision LowCardinality(String), status UInt16,
    code LowCardinality(String), failure LowCardinality(String), decide_us UInt64, upstream_ms UInt64, held_ms UInt64,
    took_ms UInt64, request_bytes UInt64, response_bytes UInt64, cost Float64, cost_unit LowCardinality(String),
    confidence Nullable(Float64), flags Array(String), trace_id String
)
AS SELECT
    call_id, decision_id, hold_id, at, if(ended_at = 0, NULL, ended_at) AS ended_at, toString(node) AS node,
    toString(agent) AS agent, toString(owner) AS owner, on_behalf_of, session, task, toString(system) AS system,
    toString(operation) AS operation, toString(method) AS method, path, resource, toString(verdict) AS verdict, rules,
    toString(trigger) AS trigger, reason, toString(policy_revision) AS policy_revision,
    if(executed_status > 0, executed_status, status) AS status, if(executed_status > 0, '', code) AS code,
    toString(failure) AS failure, decide_us, upstream_ms, held_ms, took_ms, request_bytes, response_bytes, cost,
    toString(cost_unit) AS cost_unit, confidence, flags, trace_id
FROM holdpoint.call_states FINAL;

-- One row for each hold. What was decided is what the last step says that decided something; policy, not a person, may
-- have taken it back since. A hold that waits longer than it should counts as breached before it is decided.
CREATE OR REPLACE VIEW holdpoint.holds {{on cluster}}
(
    hold_id String, call_id String, decision_id String, agent LowCardinality(String), owner LowCardinality(String),
    system LowCardinality(String), operation LowCardinality(String), method LowCardinality(String), path String,
    resource String, rules Array(String), reason String, level UInt16, groups Array(String),
    opened_at DateTime64(3, 'UTC'), decided_at Nullable(DateTime64(3, 'UTC')), status LowCardinality(String),
    decided_by String, decided_kind LowCardinality(String), channel LowCardinality(String), code LowCardinality(String),
    note String, to_decision_ms UInt64, respond_within_ms UInt64, breached UInt8, claims UInt64, votes UInt64,
    edits UInt64, changes Array(String), escalations UInt64, reminders UInt64, attached UInt64,
    execution LowCardinality(String), executed_at Nullable(DateTime64(3, 'UTC')), upstream_status UInt16,
    upstream_ms UInt64, cost Float64, cost_unit LowCardinality(String), policy_revision LowCardinality(String),
    session String, task String, confidence Nullable(Float64), flags Array(String), trace_id String
)
AS WITH
    tupleElement(decision, 'actor') AS actor,
    tupleElement(decision, 'note') AS said,
    tupleElement(decision, 'held_ms') AS held_ms,
    tupleElement(execution, 'execution') AS became
SELECT
    hold_id, call_id, decision_id, toString(agent) AS agent, toString(owner) AS owner, toString(system) AS system,
    toString(operation) AS operation, toString(method) AS method, path, resource, rules, reason, level, groups, opened_at,
    if(actor = '', NULL, tupleElement(decision, 'at')) AS decided_at, tupleElement(state, 'status') AS status,
    actor AS decided_by, tupleElement(decision, 'kind') AS decided_kind, tupleElement(decision, 'channel') AS channel,
    tupleElement(decision, 'code') AS code, if(said = reason, '', said) AS note, held_ms AS to_decision_ms,
    respond_within_ms,
    respond_within_ms > 0
        AND if(actor = '', dateDiff('millisecond', opened_at, now64(3)), toInt64(held_ms)) > respond_within_ms AS breached,
    claims, votes, edits, arraySort(changes) AS changes, escalations, reminders, attached,
    if(became = '', 'none', became) AS execution,
    if(executed_at = 0, NULL, executed_at) AS executed_at, upstream_status, upstream_ms, cost,
    toString(cost_unit) AS cost_unit, toString(policy_revision) AS policy_revision, session, task, confidence, flags,
    trace_id
FROM holdpoint.hold_states FINAL;

-- Where each revision of the policy defines its rules: a row for each place. Join by `policy_revision` and `rule`.
CREATE OR REPLACE VIEW holdpoint.policy_rules {{on cluster}}
(
    policy_revision LowCardinality(String), rule LowCardinality(String), verdict LowCardinality(String), file String,
    line UInt32, first_active_at DateTime64(3, 'UTC')
)
AS SELECT
    policy_revision, rule, verdict, replaceRegexpOne(place, ':\\d+$', '') AS file,
    toUInt32(extract(place, '(\\d+)$')) AS line, min(at) AS first_active_at
FROM holdpoint.events
ARRAY JOIN rules AS rule, rule_verdicts AS verdict, rule_places AS place
WHERE type = 'policy.activated' AND agent = ''
GROUP BY policy_revision, rule, verdict, place;

-- One row for each minute and kind of call. Add rows up; `quantilesTDigestMerge(0.5, 0.9, 0.99)(decide_us)`.
CREATE OR REPLACE VIEW holdpoint.minutes {{on cluster}}
(
    minute DateTime('UTC'), agent LowCardinality(String), owner LowCardinality(String), system LowCardinality(String),
    operation LowCardinality(String), verdict LowCardinality(String), cost_unit LowCardinality(String), calls UInt64,
    completed UInt64, failed UInt64, cost Float64, decide_us_sum UInt64, upstream_ms_sum UInt64, held_ms_sum UInt64,
    request_bytes UInt64, response_bytes UInt64,
    decide_us AggregateFunction(quantilesTDigest(0.5, 0.9, 0.99), UInt64)
)
AS SELECT * FROM holdpoint.minute_states FINAL;
