-- People: the regency's tree of offices, accounts, posts, sessions, tokens, and the audit of what they did.
CREATE TABLE office (
    id         UUID   NOT NULL PRIMARY KEY,
    number     BIGINT NOT NULL UNIQUE,
    parent     UUID   REFERENCES office (id),
    kind       TEXT   NOT NULL CHECK (kind IN ('kabupaten', 'perangkat_daerah', 'kecamatan', 'desa', 'kelurahan')),
    code       TEXT   NOT NULL,
    name       TEXT   NOT NULL CHECK (name <> ''),
    aliases    TEXT   NOT NULL DEFAULT '[]',
    address    TEXT   NOT NULL DEFAULT '',
    revision   BIGINT NOT NULL DEFAULT 1,
    created_at BIGINT NOT NULL
);
CREATE INDEX office_by_parent ON office (parent, code);
CREATE INDEX office_by_order ON office (code, number);

-- Codes change (a desa becomes a kelurahan); former codes stay searchable and nothing is keyed on them.
CREATE TABLE office_code (
    office UUID   NOT NULL REFERENCES office (id),
    code   TEXT   NOT NULL,
    since  TEXT,
    until  TEXT,
    PRIMARY KEY (office, code)
);
CREATE INDEX office_code_by_code ON office_code (code);

-- Keys of an office, wrapped by the master key: one row for each version of the key-encryption key.
CREATE TABLE office_key (
    office     UUID   NOT NULL REFERENCES office (id),
    version    BIGINT NOT NULL,
    kek        BYTEA  NOT NULL,
    dedupe     BYTEA  NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (office, version)
);

CREATE TABLE person (
    id            UUID    NOT NULL PRIMARY KEY,
    login         TEXT    NOT NULL UNIQUE,
    name          TEXT    NOT NULL,
    email         TEXT    NOT NULL DEFAULT '',
    password      TEXT,
    totp          BYTEA,
    totp_pending  BYTEA,
    totp_step     BIGINT  NOT NULL DEFAULT 0,
    activated_at  BIGINT,
    created_at    BIGINT  NOT NULL,
    disabled_at   BIGINT
);

CREATE TABLE post (
    id       UUID   NOT NULL PRIMARY KEY,
    person   UUID   NOT NULL REFERENCES person (id),
    office   UUID   NOT NULL REFERENCES office (id),
    role     TEXT   NOT NULL CHECK (role IN ('clerk', 'head', 'archivist', 'office_admin', 'platform_admin', 'provisioner', 'auditor')),
    since    BIGINT NOT NULL,
    until    BIGINT
);
CREATE INDEX post_by_person ON post (person);
CREATE INDEX post_by_office ON post (office);

-- One-time links: only the hash of the secret is kept. A newer link of a person voids the older ones.
CREATE TABLE activation (
    secret_hash BYTEA  NOT NULL PRIMARY KEY,
    person      UUID   NOT NULL REFERENCES person (id),
    made_by     UUID,
    made_at     BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    used_at     BIGINT,
    void_at     BIGINT,
    network     TEXT
);
CREATE INDEX activation_by_person ON activation (person);

-- Making a head or resetting credentials waits here for a second person. Both are of the
-- office itself, or one is a provisioner and the other a platform_admin.
CREATE TABLE consent (
    id         UUID   NOT NULL PRIMARY KEY,
    office     UUID   NOT NULL REFERENCES office (id),
    kind       TEXT   NOT NULL CHECK (kind IN ('head', 'reset')),
    person     UUID   NOT NULL REFERENCES person (id),
    asked_by   UUID   NOT NULL REFERENCES person (id),
    asked_as   TEXT   NOT NULL CHECK (asked_as IN ('office', 'provisioner', 'platform_admin')),
    asked_at   BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    state      TEXT   NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'agreed', 'refused')),
    decided_by UUID   REFERENCES person (id),
    decided_at BIGINT
);
CREATE INDEX consent_by_office ON consent (office, id);

CREATE TABLE session (
    id         UUID   NOT NULL PRIMARY KEY,
    person     UUID   NOT NULL REFERENCES person (id),
    kind       TEXT   NOT NULL CHECK (kind IN ('api', 'web')),
    cookie     BYTEA  UNIQUE,
    office     UUID   REFERENCES office (id),
    created_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at   BIGINT,
    network    TEXT   NOT NULL,
    agent      TEXT   NOT NULL
);
CREATE INDEX session_by_person ON session (person, ended_at);

-- Refresh tokens rotate; one that is used twice ends its session.
CREATE TABLE refresh (
    secret_hash BYTEA  NOT NULL PRIMARY KEY,
    session     UUID   NOT NULL REFERENCES session (id),
    expires_at  BIGINT NOT NULL,
    used_at     BIGINT
);
CREATE INDEX refresh_by_session ON refresh (session);

CREATE TABLE token (
    id          UUID   NOT NULL PRIMARY KEY,
    office      UUID   NOT NULL REFERENCES office (id),
    maker       UUID   NOT NULL REFERENCES person (id),
    label       TEXT   NOT NULL,
    scopes      TEXT   NOT NULL,
    secret_hash BYTEA  NOT NULL UNIQUE,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    ended_at    BIGINT,
    seen_at     BIGINT
);
CREATE INDEX token_by_office ON token (office, created_at);

-- What happened: ids only, no titles and no names of files. `office` is the one whose archive or affairs it is about.
CREATE TABLE audit (
    id         UUID   NOT NULL PRIMARY KEY,
    at         BIGINT NOT NULL,
    who        TEXT   NOT NULL CHECK (who IN ('person', 'token', 'link', 'nobody', 'machine')),
    person     UUID,
    token      UUID,
    link       UUID,
    via        TEXT   NOT NULL,
    office     UUID,
    action     TEXT   NOT NULL,
    object     TEXT,
    result     TEXT   NOT NULL,
    network    TEXT   NOT NULL,
    agent      TEXT   NOT NULL,
    request    TEXT   NOT NULL,
    detail     TEXT   NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_by_office ON audit (office, id);
CREATE INDEX audit_by_person ON audit (person, id);
CREATE INDEX audit_by_object ON audit (object, id);

-- When a reader last left an audit row for a version and kind of reading: one row in 15 minutes.
CREATE TABLE read_mark (
    reader  TEXT   NOT NULL,
    version UUID   NOT NULL,
    kind    TEXT   NOT NULL,
    at      BIGINT NOT NULL,
    PRIMARY KEY (reader, version, kind)
);
CREATE INDEX read_mark_by_time ON read_mark (at);
