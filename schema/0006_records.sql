-- Records: what the bucket must hold beside the sealed objects, so that it alone can rebuild the archive.
-- One row for each transaction that changed a recorded table; it goes when a record holds the change.
CREATE TABLE record_change (
    id      UUID   NOT NULL PRIMARY KEY,
    at      BIGINT NOT NULL,
    changes TEXT   NOT NULL
);
CREATE INDEX record_change_by_time ON record_change (at);

-- The one row that says where the chain of records ends and who may write the next. `claim` only grows: the record that
-- is written under it bears its number.
CREATE TABLE record_head (
    one        BIGINT  NOT NULL PRIMARY KEY CHECK (one = 1),
    claim      BIGINT  NOT NULL DEFAULT 0,
    claimed_to BIGINT  NOT NULL DEFAULT 0,
    newest     BIGINT,
    base       BIGINT,
    full_due   BOOLEAN NOT NULL DEFAULT TRUE
);
INSERT INTO record_head (one) VALUES (1);

-- The records in the bucket that the chain needs.
CREATE TABLE record_object (
    seq     BIGINT NOT NULL PRIMARY KEY,
    object  TEXT   NOT NULL,
    digest  BYTEA  NOT NULL,
    size    BIGINT NOT NULL,
    lines   BIGINT NOT NULL,
    made_at BIGINT NOT NULL
);
