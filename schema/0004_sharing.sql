-- Share links: the secret lies in the address's fragment, only its hash here; every open is counted by one UPDATE.
-- `protection` lists what guards the link, with a checksum over those terms: a link whose guards are not all known and
-- whole is refused. `version` outlives the destruction of its row, so that the office still sees what it had shared.
CREATE TABLE link (
    id            UUID   NOT NULL PRIMARY KEY,
    public        TEXT   NOT NULL UNIQUE,
    secret_hash   BYTEA  NOT NULL,
    document      UUID   NOT NULL REFERENCES document (id),
    version       UUID   NOT NULL,
    office        UUID   NOT NULL REFERENCES office (id),
    made_by       UUID,
    audience      TEXT   NOT NULL CHECK (audience IN ('anyone', 'offices', 'email')),
    rights        TEXT   NOT NULL CHECK (rights IN ('view', 'download')),
    password      TEXT,
    label         TEXT   NOT NULL DEFAULT '',
    notify        BOOLEAN NOT NULL DEFAULT FALSE,
    opens_from    BIGINT,
    expires_at    BIGINT NOT NULL,
    max_opens     BIGINT,
    opens         BIGINT NOT NULL DEFAULT 0,
    paused        BOOLEAN NOT NULL DEFAULT FALSE,
    pending       BOOLEAN NOT NULL DEFAULT FALSE,
    released_by   UUID,
    protection    TEXT   NOT NULL,
    revision      BIGINT NOT NULL DEFAULT 1,
    created_at    BIGINT NOT NULL,
    revoked_at    BIGINT,
    ended_reason  TEXT
);
CREATE INDEX link_by_office ON link (office, id);
CREATE INDEX link_by_document ON link (document);

CREATE TABLE link_office (
    link   UUID NOT NULL REFERENCES link (id),
    office UUID NOT NULL REFERENCES office (id),
    PRIMARY KEY (link, office)
);
CREATE INDEX link_office_by_office ON link_office (office);

CREATE TABLE link_email (
    link  UUID NOT NULL REFERENCES link (id),
    email TEXT NOT NULL,
    PRIMARY KEY (link, email)
);

CREATE TABLE link_code (
    link       UUID   NOT NULL REFERENCES link (id),
    email      TEXT   NOT NULL,
    code_hash  BYTEA  NOT NULL,
    tries      BIGINT NOT NULL DEFAULT 0,
    expires_at BIGINT NOT NULL,
    sent_at    BIGINT NOT NULL,
    PRIMARY KEY (link, email)
);

-- A grant is one opening; its JWT names this row, so that ending it is one UPDATE.
CREATE TABLE link_grant (
    id         UUID   NOT NULL PRIMARY KEY,
    link       UUID   NOT NULL REFERENCES link (id),
    by_office  UUID,
    by_person  UUID,
    by_email   TEXT,
    opened_at  BIGINT NOT NULL,
    renewed_to BIGINT NOT NULL
);
CREATE INDEX link_grant_by_link ON link_grant (link);

CREATE TABLE link_log (
    id        UUID   NOT NULL PRIMARY KEY,
    link      UUID   NOT NULL REFERENCES link (id),
    at        BIGINT NOT NULL,
    result    TEXT   NOT NULL CHECK (result IN ('opened', 'viewed', 'downloaded', 'refused')),
    reason    TEXT,
    by_office UUID,
    by_person UUID,
    by_email  TEXT,
    network   TEXT   NOT NULL,
    agent     TEXT   NOT NULL
);
CREATE INDEX link_log_by_link ON link_log (link, id);

-- Upload-only links.
CREATE TABLE drop_box (
    id          UUID   NOT NULL PRIMARY KEY,
    public      TEXT   NOT NULL UNIQUE,
    secret_hash BYTEA  NOT NULL,
    office      UUID   NOT NULL REFERENCES office (id),
    made_by     UUID,
    label       TEXT   NOT NULL,
    password    TEXT,
    protection  TEXT   NOT NULL,
    expires_at  BIGINT NOT NULL,
    max_files   BIGINT NOT NULL,
    max_bytes   BIGINT NOT NULL,
    types       TEXT   NOT NULL DEFAULT '[]',
    files       BIGINT NOT NULL DEFAULT 0,
    bytes       BIGINT NOT NULL DEFAULT 0,
    created_at  BIGINT NOT NULL,
    revoked_at  BIGINT
);
CREATE INDEX drop_box_by_office ON drop_box (office, id);
