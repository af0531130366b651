//! Records: sealed objects beside the blobs that hold the database's rows, so that the bucket and the recovery identity
//! alone give back the archive. A backup is the same in one file.
//!
//! Every transaction notes what it changed ([`crate::db`]). Now and then the node that holds the claim reads all notes and
//! the rows that they name from one snapshot, seals them as one object `r/<time>-<node>-<claim>` and deletes the notes in
//! the transaction that makes this object the chain's newest. So each record is the step from one committed state to a
//! later one, whatever was written meanwhile, and a note goes only after the bucket holds its change. Each record names
//! the one before it by name and digest; a full record begins the chain anew, and what lies before it is deleted. That is also
//! how a destroyed document's keys leave the bucket: within [`Records::new`]'s `destroyed_within`.

mod apply;
mod backup;
mod chain;
mod crossing;
mod flush;
mod line;
mod restore;
mod sql;
mod write;

/// Reads one line of a record, as its beginning and as what follows, for `src/fuzz.rs`.
#[cfg(any(test, feature = "fuzz"))]
pub fn read_line(bytes: &[u8]) {
    let _ = line::Header::parse(bytes);
    if let Ok(read) = line::parse(bytes) {
        let mut written = Vec::new();
        line::written(&read, &mut written).expect("a line that was read can be written");
        line::parse(&written).expect("a line that was written can be read");
    }
}

pub use backup::{Made, back_up, deletions_are_held};
pub use flush::{Lag, named_until};
pub use restore::{Empty, Missing, Restored, Restoring, Source, restore};
pub use sql::{ask_for_full, note_destroyed};

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OnceCell;

use crate::{
    blob::BlobStore,
    clock::Clock,
    db::{self, Db, RECORDED, Table, Tx},
    error::{Error, Result},
    id,
    seal::{self, InForce, MasterKey},
};

/// What writing records needs; a cheap handle.
#[derive(Clone)]
pub struct Records {
    db: Db,
    clock: Clock,
    store: BlobStore,
    master: Arc<MasterKey>,
    recovery: InForce,
    limits: seal::Limits,
    destroyed_within: Duration,
    /// Tells this process's records from those of others.
    node: String,
    tables: Arc<OnceCell<Vec<Table>>>,
}

impl Records {
    pub fn new(
        db: Db,
        clock: Clock,
        store: BlobStore,
        master: Arc<MasterKey>,
        recovery: InForce,
        spool: PathBuf,
        destroyed_within: Duration,
    ) -> Records {
        // A record may be large; it is not an upload, and no limit of theirs holds for it.
        let limits = seal::Limits { max_plain: u64::MAX, ..seal::Limits::new(spool) };
        let node = id::to_letters(&id::random::<5>());
        Records { db, clock, store, master, recovery, limits, destroyed_within, node, tables: Arc::default() }
    }

    async fn tables(&self) -> Result<&[Table]> {
        let read = || async { recorded_tables(&mut self.db.read().await?).await };
        self.tables.get_or_try_init(read).await.map(Vec::as_slice)
    }
}

/// The recorded tables, parents before children.
async fn recorded_tables(tx: &mut Tx) -> Result<Vec<Table>> {
    in_order(db::tables(tx).await?, RECORDED.iter().map(|recorded| recorded.table))
}

fn in_order<'a>(all: Vec<Table>, names: impl Iterator<Item = &'a str>) -> Result<Vec<Table>> {
    let find = |name: &str| {
        let found = all.iter().find(|table| table.name == name).cloned();
        found.ok_or_else(|| Error::internal(format!("the database has no table {name}")))
    };
    names.map(find).collect()
}
