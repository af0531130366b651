-- The archive: documents of offices, their immutable versions, and the sealed objects that hold the bytes.
CREATE TABLE blob (
    id          UUID   NOT NULL PRIMARY KEY,
    office      UUID   NOT NULL REFERENCES office (id),
    object      TEXT   NOT NULL UNIQUE,
    state       TEXT   NOT NULL CHECK (state IN ('pending', 'live', 'condemned', 'deleting', 'gone')),
    plain_size  BIGINT NOT NULL,
    sealed_size BIGINT NOT NULL,
    fingerprint BYTEA  NOT NULL,
    dedupe      BYTEA  NOT NULL,
    created_at  BIGINT NOT NULL,
    lease_to    BIGINT NOT NULL
);
CREATE INDEX blob_by_dedupe ON blob (dedupe, state);
CREATE INDEX blob_by_state ON blob (state, lease_to);

-- The blob's own key, wrapped once for each office that may open it.
CREATE TABLE blob_key (
    blob    UUID   NOT NULL REFERENCES blob (id),
    office  UUID   NOT NULL REFERENCES office (id),
    version BIGINT NOT NULL,
    wrapped BYTEA  NOT NULL,
    PRIMARY KEY (blob, office)
);

-- `title` and the other details are NULL where the class is rahasia or above: then `sealed` holds them.
CREATE TABLE document (
    id             UUID   NOT NULL PRIMARY KEY,
    office         UUID   NOT NULL REFERENCES office (id),
    title          TEXT,
    number         TEXT,
    sender         TEXT,
    recipient      TEXT,
    summary        TEXT,
    sealed         BYTEA,
    kind           TEXT,
    security_class BIGINT NOT NULL,
    urgency        TEXT   NOT NULL,
    classification TEXT,
    reach          TEXT   NOT NULL CHECK (reach IN ('kantor', 'kabupaten')),
    date           TEXT,
    sort_day       TEXT   NOT NULL,
    labels         TEXT   NOT NULL DEFAULT '[]',
    state          TEXT   NOT NULL CHECK (state IN ('received', 'reading', 'ready', 'unreadable', 'stored')),
    reason         TEXT,
    version        UUID   NOT NULL,
    revision       BIGINT NOT NULL DEFAULT 1,
    origin         TEXT   NOT NULL DEFAULT 'upload',
    made_by        UUID,
    received_at    BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    trashed_at     BIGINT,
    destroyed_at   BIGINT
);
CREATE INDEX document_by_office ON document (office, id);
CREATE INDEX document_by_trash ON document (trashed_at);
CREATE INDEX document_by_reach ON document (reach, id);

CREATE TABLE version (
    id          UUID    NOT NULL PRIMARY KEY,
    document    UUID    NOT NULL REFERENCES document (id),
    number      BIGINT  NOT NULL,
    blob        UUID    NOT NULL REFERENCES blob (id),
    file_name   TEXT    NOT NULL,
    media_type  TEXT    NOT NULL,
    size        BIGINT  NOT NULL,
    fingerprint BYTEA   NOT NULL,
    note        TEXT    NOT NULL DEFAULT '',
    made_by     UUID,
    made_at     BIGINT  NOT NULL,
    state       TEXT    NOT NULL CHECK (state IN ('received', 'reading', 'ready', 'unreadable', 'stored')),
    reason      TEXT,
    pages       BIGINT,
    pages_read  BIGINT  NOT NULL DEFAULT 0,
    pictures    BOOLEAN NOT NULL DEFAULT FALSE,
    signed      BOOLEAN NOT NULL DEFAULT FALSE,
    UNIQUE (document, number)
);
CREATE INDEX version_by_blob ON version (blob);

-- Text, word boxes and pictures: sealed objects too, re-creatable, their key wrapped by the version's key.
CREATE TABLE derivation (
    version     UUID   NOT NULL REFERENCES version (id),
    kind        TEXT   NOT NULL,
    page        BIGINT NOT NULL,
    object      TEXT   NOT NULL,
    wrapped     BYTEA  NOT NULL,
    sealed_size BIGINT NOT NULL,
    media_type  TEXT   NOT NULL,
    made_at     BIGINT NOT NULL,
    PRIMARY KEY (version, kind, page)
);
CREATE INDEX derivation_by_object ON derivation (object);

CREATE TABLE document_grant (
    id         UUID   NOT NULL PRIMARY KEY,
    document   UUID   NOT NULL REFERENCES document (id),
    office     UUID   NOT NULL REFERENCES office (id),
    source     TEXT   NOT NULL CHECK (source IN ('letter', 'link', 'direct')),
    rights     TEXT   NOT NULL CHECK (rights IN ('view', 'download')),
    until      BIGINT,
    created_at BIGINT NOT NULL
);
CREATE INDEX document_grant_by_office ON document_grant (office, document);
CREATE INDEX document_grant_by_document ON document_grant (document);

-- Every node applies these to its own index. `seq` is time and randomness: it may become visible out of order.
CREATE TABLE index_change (
    seq      BIGINT NOT NULL,
    document UUID   NOT NULL,
    PRIMARY KEY (seq, document)
);
CREATE INDEX index_change_by_document ON index_change (document);

CREATE TABLE upload (
    id         UUID    NOT NULL PRIMARY KEY,
    office     UUID    NOT NULL REFERENCES office (id),
    person     UUID,
    drop_id    UUID,
    length     BIGINT  NOT NULL,
    received   BIGINT  NOT NULL DEFAULT 0,
    file_name  TEXT    NOT NULL,
    metadata   TEXT    NOT NULL,
    held       BOOLEAN NOT NULL DEFAULT FALSE,
    document   UUID,
    created_at BIGINT  NOT NULL,
    expires_at BIGINT  NOT NULL,
    failed     TEXT
);
CREATE INDEX upload_by_expiry ON upload (expires_at);
CREATE INDEX upload_by_office ON upload (office);

-- `part` names the part's sealed object; it is random, so that two clients at one offset never share a name.
CREATE TABLE upload_part (
    upload  UUID   NOT NULL REFERENCES upload (id),
    start   BIGINT NOT NULL,
    part    BIGINT NOT NULL,
    size    BIGINT NOT NULL,
    wrapped BYTEA  NOT NULL,
    PRIMARY KEY (upload, start)
);
