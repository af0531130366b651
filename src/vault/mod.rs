//! The vault kept clean and sound: what nothing needs leaves the store, what nothing names is set aside, what was destroyed
//! is gone, what is damaged is found and mended from the mirror.
//!
//! A blob goes pending → live → condemned → deleting → gone. Each step is one conditional UPDATE that looks again whether
//! a version refers to it; where a reference could be added meanwhile, the row is locked first. Only objects that the database knows
//! are ever deleted.

mod check;
mod chore;
mod destroy;
mod erase;
mod exchange;
mod mirror;
mod rolling;
mod sql;
mod status;
mod sweep;
mod verify;

pub use check::{Depth, Fault};
pub use destroy::{Destroyed, Order, Remain};
pub use exchange::{announce_copy, exchange_for_copy};
pub use sql::discard;
pub use status::{MirrorStatus, SweepStatus, VaultStatus, VerifyStatus};
pub use sweep::{Stopped, Swept};
pub use verify::{Problem, Report};

use std::path::PathBuf;
use std::time::Duration;

use crate::{blob::BlobStore, clock::Clock, db::Db, office::OfficeKeys};

/// The named limits of `[trash]`, `[sweep]` and `[verify]`, and what else bounds this room.
#[derive(Clone, Debug)]
pub struct Settings {
    pub trash: Duration,
    /// Of the reason why a document is destroyed.
    pub reason_chars: usize,
    pub every: Duration,
    pub grace: Duration,
    pub stop_percent: u64,
    pub stop_count: u64,
    pub remember: Duration,
    pub rolling: bool,
    pub bytes_per_hour: u64,
    pub within: Duration,
    /// Within which the records in the bucket forget what was destroyed.
    pub records_forget: Duration,
    /// Where a large object waits on its way from one store to the other; it is ciphertext.
    pub spool: PathBuf,
    pub spool_memory: usize,
}

/// A cheap handle.
#[derive(Clone)]
pub struct Vault {
    db: Db,
    clock: Clock,
    store: BlobStore,
    mirror: Option<BlobStore>,
    keys: OfficeKeys,
    settings: Settings,
}

impl Vault {
    pub fn new(
        db: Db,
        clock: Clock,
        store: BlobStore,
        mirror: Option<BlobStore>,
        keys: OfficeKeys,
        settings: Settings,
    ) -> Vault {
        Vault { db, clock, store, mirror, keys, settings }
    }

    pub fn has_mirror(&self) -> bool {
        self.mirror.is_some()
    }
}

/// The two places in which a copy of an object may lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    Store,
    Mirror,
}

impl Place {
    fn as_str(self) -> &'static str {
        match self {
            Place::Store => "store",
            Place::Mirror => "mirror",
        }
    }

    fn is_store(&self) -> bool {
        *self == Place::Store
    }
}
