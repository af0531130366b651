//! How bytes come in. [`Ingest::receive`] seals while it streams and ends with the sealed object in the store, which
//! nobody can see yet; [`record`] makes it a document in the caller's transaction. Only then may anybody acknowledge.
//!
//! A crash anywhere before the commit leaves a pending row and an orphan object, which the sweep takes.

mod keys;
mod receive;
mod record;
mod recovery;
mod room;
mod sql;
pub mod uploads;

pub use keys::{Place, forget_keys, rewrap_keys};
pub use receive::{Received, Source, too_large};
pub use record::{
    Accepted, Kept, ReadPages, Recording, ScanVersion, duplicate_of, record, record_alone, record_version,
};
pub use room::{NearlyFull, Room, nearly_full};

use std::path::PathBuf;

use crate::{blob::BlobStore, clock::Clock, db::Db, office::OfficeKeys, seal::InForce};

/// What receiving needs; a cheap handle.
#[derive(Clone)]
pub struct Ingest {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) store: BlobStore,
    pub(crate) keys: OfficeKeys,
    pub(crate) recovery: InForce,
    pub(crate) limits: Limits,
}

/// The named limits of `[upload]`.
#[derive(Clone, Debug)]
pub struct Limits {
    pub max_bytes: u64,
    pub spool_memory_bytes: usize,
    pub spool: PathBuf,
    pub part_bytes: usize,
    pub expire_hours: u64,
    pub max_open: i64,
    /// What an office may keep that has no quota of its own; `None` for no limit.
    pub office_bytes: Option<u64>,
    /// Whether an antivirus daemon is asked about what comes in.
    pub is_scanned: bool,
}

impl Ingest {
    pub fn new(db: Db, clock: Clock, store: BlobStore, keys: OfficeKeys, recovery: InForce, limits: Limits) -> Ingest {
        Ingest { db, clock, store, keys, recovery, limits }
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }
}
