-- Ground: what the installation is, the durable queue, throttles.
CREATE TABLE installation (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

-- `turn` orders jobs fairly between offices; `run_at` is the earliest moment. A job that is done is deleted.
CREATE TABLE job (
    id           UUID   NOT NULL PRIMARY KEY,
    kind         TEXT   NOT NULL,
    payload      TEXT   NOT NULL,
    office       UUID,
    turn         BIGINT NOT NULL,
    run_at       BIGINT NOT NULL,
    attempts     BIGINT NOT NULL DEFAULT 0,
    leased_until BIGINT NOT NULL DEFAULT 0,
    lease        UUID,
    state        TEXT   NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'dead')),
    last_error   TEXT,
    created_at   BIGINT NOT NULL
);
CREATE INDEX job_by_turn ON job (state, turn);
CREATE INDEX job_by_office ON job (office, kind);

CREATE TABLE throttle (
    name       TEXT   NOT NULL PRIMARY KEY,
    failures   BIGINT NOT NULL,
    first_at   BIGINT NOT NULL,
    blocked_to BIGINT NOT NULL
);

CREATE TABLE idempotency (
    office     UUID   NOT NULL,
    route      TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    digest     BYTEA  NOT NULL,
    answer     BYTEA,
    boot       UUID   NOT NULL,
    lease_to   BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (office, route, name)
);
CREATE INDEX idempotency_by_expiry ON idempotency (expires_at);
