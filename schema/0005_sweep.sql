-- The vault kept clean and sound: what is to leave the store, what is unknown in it, what was destroyed, what was found
-- damaged, and how far the mirror has followed.

-- NULL: not in the mirror yet, or there is none.
ALTER TABLE blob ADD COLUMN mirrored_at BIGINT;
ALTER TABLE derivation ADD COLUMN mirrored_at BIGINT;
CREATE INDEX blob_unmirrored ON blob (id) WHERE mirrored_at IS NULL;
CREATE INDEX derivation_unmirrored ON derivation (object) WHERE mirrored_at IS NULL;

-- The store is listed in 256 parts; these find the rows of one part.
CREATE INDEX blob_by_part ON blob (substr(object, 1, 5));
CREATE INDEX derivation_by_part ON derivation (substr(object, 1, 5));

-- Objects that nothing needs any more (replaced or destroyed derivations) and that are still to be deleted. `due_at` moves
-- on where the server retains them.
CREATE TABLE discarded (
    object   TEXT   NOT NULL PRIMARY KEY,
    document UUID,
    due_at   BIGINT NOT NULL
);
CREATE INDEX discarded_by_due ON discarded (due_at);
CREATE INDEX discarded_by_document ON discarded (document);
CREATE INDEX discarded_by_part ON discarded (substr(object, 1, 5));

-- Objects in the store that nothing names, and when that was noticed first: only what stays unknown for a while is set aside.
CREATE TABLE stray (
    object  TEXT   NOT NULL PRIMARY KEY,
    seen_at BIGINT NOT NULL
);

-- Recurring work that one node does at a time: when it is due, who has it, and what it remembers.
CREATE TABLE chore (
    name      TEXT   NOT NULL PRIMARY KEY,
    due_at    BIGINT NOT NULL DEFAULT 0,
    leased_to BIGINT NOT NULL DEFAULT 0,
    lease     UUID,
    memory    TEXT   NOT NULL DEFAULT '{}'
);

-- What is left of a destroyed document. `title_hash` is keyed by the owner's key, because titles are short enough to be guessed.
-- `versions` and `remains` are JSON: fingerprints, and what still exists where and until when.
CREATE TABLE tombstone (
    document     UUID   NOT NULL PRIMARY KEY REFERENCES document (id),
    office       UUID   NOT NULL REFERENCES office (id),
    fingerprint  BYTEA  NOT NULL,
    title_hash   BYTEA  NOT NULL,
    versions     TEXT   NOT NULL,
    who          TEXT   NOT NULL CHECK (who IN ('person', 'machine')),
    person       UUID,
    reason       TEXT   NOT NULL,
    destroyed_at BIGINT NOT NULL,
    remains      TEXT   NOT NULL DEFAULT '{}'
);
CREATE INDEX tombstone_by_office ON tombstone (office, document);

-- Damage found by the rolling verification and not mended yet.
CREATE TABLE finding (
    object   TEXT   NOT NULL,
    place    TEXT   NOT NULL CHECK (place IN ('store', 'mirror')),
    kind     TEXT   NOT NULL CHECK (kind IN ('missing', 'size', 'digest', 'content')),
    document UUID,
    found_at BIGINT NOT NULL,
    PRIMARY KEY (object, place)
);
