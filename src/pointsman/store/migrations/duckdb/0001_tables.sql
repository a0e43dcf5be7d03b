-- Schema 1. No indexes: rows arrive in order of time, so the engine's minima and maxima per row
-- group find a row by `request_ms` or `started_unix_ns`; an index of a million ids costs 100 MB.
-- Traces are found by `trace_key`, the last 60 bits of their id: a scan of integers costs a fifth of
-- one of text.

CREATE TABLE calls (
    position BIGINT NOT NULL,
    request_ms BIGINT NOT NULL,
    request_id VARCHAR NOT NULL,
    trace_id VARCHAR NOT NULL,
    span_id VARCHAR NOT NULL,
    parent_span_id VARCHAR,
    started_unix_ns BIGINT NOT NULL,
    duration_ns BIGINT,
    worker VARCHAR,
    config_version VARCHAR NOT NULL,
    tenant VARCHAR,
    plan VARCHAR,
    key_name VARCHAR,
    team VARCHAR,
    user_name VARCHAR,
    customer VARCHAR,
    feature VARCHAR,
    environment VARCHAR,
    workload VARCHAR,
    run_id VARCHAR,
    conversation_id VARCHAR,
    dialect VARCHAR NOT NULL,
    operation VARCHAR NOT NULL,
    streamed BOOLEAN NOT NULL,
    mock BOOLEAN NOT NULL,
    requested_model VARCHAR,
    served_model VARCHAR,
    target VARCHAR,
    provider VARCHAR,
    status BIGINT,
    outcome VARCHAR NOT NULL,
    failed BOOLEAN NOT NULL,
    error_code VARCHAR,
    error_class VARCHAR,
    error_text VARCHAR,
    finish_reason VARCHAR,
    route VARCHAR,
    reason VARCHAR NOT NULL,
    override_source VARCHAR,
    requested_vs_served VARCHAR NOT NULL,
    rule_id VARCHAR,
    attempt_count BIGINT NOT NULL,
    fell_back BOOLEAN NOT NULL,
    first_token_ns BIGINT,
    input_tokens BIGINT,
    output_tokens BIGINT,
    cache_read_tokens BIGINT,
    cache_write_tokens BIGINT,
    reasoning_tokens BIGINT,
    usage_estimated BOOLEAN NOT NULL,
    cost_nano_usd BIGINT,
    cost_estimated BOOLEAN NOT NULL,
    stream_terminal VARCHAR,
    trace_key BIGINT NOT NULL,
    latency_bin BIGINT,
    record VARCHAR NOT NULL
);

CREATE TABLE attempts (
    request_id VARCHAR NOT NULL,
    request_ms BIGINT NOT NULL,
    number BIGINT NOT NULL,
    trace_id VARCHAR NOT NULL,
    tenant VARCHAR,
    target VARCHAR NOT NULL,
    provider VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    why VARCHAR,
    status BIGINT,
    failure_class VARCHAR,
    upstream_code VARCHAR,
    error VARCHAR,
    start_unix_ns BIGINT NOT NULL,
    duration_ns BIGINT,
    connect_ns BIGINT,
    first_byte_ns BIGINT,
    first_token_ns BIGINT,
    input_tokens BIGINT,
    output_tokens BIGINT,
    cost_nano_usd BIGINT
);

-- Spans of applications. Those of the gateway have the same shape and follow from `calls.record`.
CREATE TABLE spans (
    trace_id VARCHAR NOT NULL,
    span_id VARCHAR NOT NULL,
    parent_span_id VARCHAR,
    name VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    start_unix_ns BIGINT NOT NULL,
    end_unix_ns BIGINT NOT NULL,
    status VARCHAR NOT NULL,
    status_message VARCHAR NOT NULL,
    tenant VARCHAR,
    service VARCHAR,
    scope_name VARCHAR,
    request_id VARCHAR,
    attributes VARCHAR NOT NULL,
    resource VARCHAR NOT NULL,
    events VARCHAR NOT NULL,
    links VARCHAR NOT NULL,
    operation VARCHAR,
    provider VARCHAR,
    model VARCHAR,
    error_type VARCHAR,
    input_tokens BIGINT,
    output_tokens BIGINT,
    cost_nano_usd BIGINT,
    trace_key BIGINT NOT NULL
);

-- Where each trace was sent and why, and what became of it there.
CREATE TABLE decisions (
    trace_id VARCHAR NOT NULL,
    tenant VARCHAR,
    destination VARCHAR NOT NULL,
    config_version VARCHAR NOT NULL,
    decided_unix_ns BIGINT NOT NULL,
    outcome VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    record VARCHAR NOT NULL
);

CREATE TABLE deliveries (
    trace_id VARCHAR NOT NULL,
    tenant VARCHAR,
    destination VARCHAR NOT NULL,
    attempted_unix_ns BIGINT NOT NULL,
    outcome VARCHAR NOT NULL,
    status BIGINT,
    record VARCHAR NOT NULL
);

CREATE TABLE contents (
    request_id VARCHAR NOT NULL,
    request_ms BIGINT NOT NULL,
    tenant VARCHAR,
    captured VARCHAR NOT NULL,
    system_hash VARCHAR,
    prompt VARCHAR,
    response VARCHAR,
    cut BOOLEAN NOT NULL,
    bytes BIGINT NOT NULL
);

-- A system prompt once for each tenant, however many requests carry it.
CREATE TABLE system_prompts (
    tenant VARCHAR,
    hash VARCHAR NOT NULL,
    text VARCHAR NOT NULL,
    bytes BIGINT NOT NULL
);

CREATE TABLE config_versions (
    hash VARCHAR NOT NULL,
    first_seen_unix_ns BIGINT NOT NULL,
    text VARCHAR NOT NULL
);

CREATE TABLE batches (
    batch_id VARCHAR NOT NULL,
    kept_unix_ns BIGINT NOT NULL,
    call_count BIGINT NOT NULL
);
