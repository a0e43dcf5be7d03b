-- Schema 2. What each upstream call cost and on whose behalf, apart from the records: thinning takes
-- records, never money. A row per upstream call and one for a request that called nobody. A price
-- that is computed anew is a new row of a higher revision; the old one stays, no longer current.

CREATE TABLE charges (
    started_unix_ns BIGINT NOT NULL,
    request_ms BIGINT NOT NULL,
    request_id VARCHAR NOT NULL,
    number BIGINT NOT NULL,
    was_called BOOLEAN NOT NULL,
    is_last BOOLEAN NOT NULL,
    kind VARCHAR NOT NULL,
    is_own BOOLEAN NOT NULL,
    tenant VARCHAR,
    key_name VARCHAR,
    team VARCHAR,
    user_name VARCHAR,
    customer VARCHAR,
    feature VARCHAR,
    environment VARCHAR,
    workload VARCHAR,
    dialect VARCHAR NOT NULL,
    operation VARCHAR NOT NULL,
    route VARCHAR,
    first_choice VARCHAR,
    fell_back BOOLEAN NOT NULL,
    provider VARCHAR,
    target VARCHAR,
    model VARCHAR,
    input_tokens BIGINT,
    output_tokens BIGINT,
    cache_read_tokens BIGINT,
    cache_write_tokens BIGINT,
    reasoning_tokens BIGINT,
    usage_estimated BOOLEAN NOT NULL,
    cost_nano_usd BIGINT,
    cost_estimated BOOLEAN NOT NULL,
    price_version VARCHAR,
    revision BIGINT NOT NULL,
    is_current BOOLEAN NOT NULL
);

INSERT INTO charges
SELECT
    c.started_unix_ns, c.request_ms, c.request_id, coalesce(a.number, 0),
    a.number IS NOT NULL, coalesce(a.number = c.attempt_count - 1, TRUE), coalesce(a.kind, 'none'),
    c.operation = 'probe', c.tenant, c.key_name, c.team, c.user_name, c.customer, c.feature,
    c.environment, c.workload, c.dialect, c.operation, c.route, NULL, c.fell_back,
    coalesce(a.provider, c.provider), coalesce(a.target, c.target),
    coalesce(a.model, c.served_model),
    CASE WHEN coalesce(a.number = c.attempt_count - 1, TRUE) THEN c.input_tokens ELSE a.input_tokens END,
    CASE WHEN coalesce(a.number = c.attempt_count - 1, TRUE) THEN c.output_tokens ELSE a.output_tokens END,
    CASE WHEN coalesce(a.number = c.attempt_count - 1, TRUE) THEN c.cache_read_tokens END,
    CASE WHEN coalesce(a.number = c.attempt_count - 1, TRUE) THEN c.cache_write_tokens END,
    CASE WHEN coalesce(a.number = c.attempt_count - 1, TRUE) THEN c.reasoning_tokens END,
    c.usage_estimated,
    CASE WHEN coalesce(a.number = c.attempt_count - 1, TRUE) THEN c.cost_nano_usd ELSE a.cost_nano_usd END,
    c.cost_estimated, NULL, 0, TRUE
FROM calls AS c LEFT JOIN attempts AS a ON a.request_ms = c.request_ms AND a.request_id = c.request_id
ORDER BY c.started_unix_ns;

-- One row for each time that prices of a span of time were computed anew.
CREATE TABLE recosts (
    revision BIGINT NOT NULL,
    made_unix_ns BIGINT NOT NULL,
    actor VARCHAR NOT NULL,
    from_unix_ns BIGINT NOT NULL,
    to_unix_ns BIGINT NOT NULL,
    at_current_prices BOOLEAN NOT NULL,
    price_book VARCHAR NOT NULL,
    is_finished BOOLEAN NOT NULL,
    report VARCHAR NOT NULL
);

-- What a record says that somebody should know of: a budget that warns or refuses, a breaker that
-- changed its state. Few, so that they are found without reading records.
CREATE TABLE notices (
    started_unix_ns BIGINT NOT NULL,
    request_ms BIGINT NOT NULL,
    request_id VARCHAR NOT NULL,
    tenant VARCHAR,
    kind VARCHAR NOT NULL,
    subject VARCHAR NOT NULL,
    rule VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    amount BIGINT,
    bound BIGINT,
    resets_unix_ns BIGINT
);

CREATE TABLE alerts (
    alert_id VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    subject VARCHAR NOT NULL,
    tenant VARCHAR,
    opened_unix_ns BIGINT NOT NULL,
    seen_unix_ns BIGINT NOT NULL,
    cleared_unix_ns BIGINT,
    finding VARCHAR NOT NULL
);
