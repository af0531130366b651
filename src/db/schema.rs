//! The numbered files of `schema/`, compiled in, in the order in which they are applied; and which tables the records in
//! the bucket hold, so that the bucket alone can rebuild the archive.
//! The first four files came with the first version together, so that no program is older than the fourth.

use super::{Migration, Type};

pub const MIGRATIONS: &[Migration] = &[
    Migration { number: 1, name: "ground", runs_with: 4, sql: include_str!("../../schema/0001_ground.sql") },
    Migration { number: 2, name: "people", runs_with: 4, sql: include_str!("../../schema/0002_people.sql") },
    Migration { number: 3, name: "archive", runs_with: 4, sql: include_str!("../../schema/0003_archive.sql") },
    Migration { number: 4, name: "sharing", runs_with: 4, sql: include_str!("../../schema/0004_sharing.sql") },
    Migration { number: 5, name: "sweep", runs_with: 4, sql: include_str!("../../schema/0005_sweep.sql") },
    Migration { number: 6, name: "records", runs_with: 4, sql: include_str!("../../schema/0006_records.sql") },
    Migration { number: 7, name: "keys", runs_with: 4, sql: include_str!("../../schema/0007_keys.sql") },
    Migration { number: 8, name: "quota", runs_with: 4, sql: include_str!("../../schema/0008_quota.sql") },
    Migration { number: 9, name: "scan", runs_with: 4, sql: include_str!("../../schema/0009_scan.sql") },
    Migration { number: 10, name: "twins", runs_with: 4, sql: include_str!("../../schema/0010_twins.sql") },
    Migration {
        number: 11,
        name: "records_kept",
        runs_with: 4,
        sql: include_str!("../../schema/0011_records_kept.sql"),
    },
    Migration {
        number: 12,
        name: "personal_data",
        runs_with: 4,
        sql: include_str!("../../schema/0012_personal_data.sql"),
    },
];

/// A table whose every change is noted in the transaction that makes it, and its primary key.
#[derive(Clone, Copy, Debug)]
pub struct Recorded {
    pub table: &'static str,
    pub key: &'static [(&'static str, Type)],
}

const fn by(table: &'static str, key: &'static [(&'static str, Type)]) -> Recorded {
    Recorded { table, key }
}

const ID: &[(&str, Type)] = &[("id", Type::Uuid)];

/// Parents stand before their children: rows are restored in this order. A test fails for a table that stands neither
/// here nor in [`NOT_RECORDED`].
pub const RECORDED: &[Recorded] = &[
    by("installation", &[("name", Type::Text)]),
    by("office", ID),
    by("office_code", &[("office", Type::Uuid), ("code", Type::Text)]),
    by("office_key", &[("office", Type::Uuid), ("version", Type::I64)]),
    by("person", ID),
    by("post", ID),
    by("consent", ID),
    by("blob", ID),
    by("blob_key", &[("blob", Type::Uuid), ("office", Type::Uuid)]),
    by("document", ID),
    by("version", ID),
    by("derivation", &[("version", Type::Uuid), ("kind", Type::Text), ("page", Type::I64)]),
    by("document_grant", ID),
    by("link", ID),
    by("link_office", &[("link", Type::Uuid), ("office", Type::Uuid)]),
    by("link_email", &[("link", Type::Uuid), ("email", Type::Text)]),
    by("link_grant", ID),
    by("link_log", ID),
    by("drop_box", ID),
    by("audit", ID),
    by("tombstone", &[("document", Type::Uuid)]),
];

/// What the bucket's records leave out, and why. A backup holds these tables too, unless they are about one database.
pub const NOT_RECORDED: &[(&str, &str)] = &[
    ("schema_migration", "belongs to one database"),
    ("index_change", "belongs to the nodes' indexes, which are built anew"),
    ("record_change", "what the records do not hold yet"),
    ("record_head", "where the records themselves are"),
    ("record_object", "where the records themselves are"),
    ("read_mark", "holds back audit rows for 15 minutes"),
    ("job", "work that follows from the documents' states is enqueued anew"),
    ("throttle", "passes by itself"),
    ("idempotency", "passes within a day"),
    ("activation", "a secret: links are issued anew"),
    ("session", "a secret: people log in again"),
    ("refresh", "a secret: people log in again"),
    ("token", "a secret: tokens are made anew"),
    ("link_code", "passes within minutes"),
    ("upload", "was not acknowledged as a document"),
    ("upload_part", "was not acknowledged as a document"),
    ("discarded", "what a restored archive does not name is swept anew"),
    ("stray", "is noticed anew"),
    ("chore", "when recurring work is due: it is due at once"),
    ("finding", "damage is found anew"),
];
