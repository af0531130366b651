//! A backup: every table in one sealed file, read from one snapshot. It is consistent with the bucket because the database
//! comes first: whatever the snapshot names is in the bucket already, and stays there until the hold ends, in which
//! time the operator copies the bucket.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use serde::Serialize;

use super::crossing::Crossing;
use super::in_order;
use super::line::{FORMAT, Header, Kinds};
use super::write::Text;
use crate::{
    clock::{Clock, Time},
    crash::{Point, point},
    db::{self, Db, NOT_RECORDED, RECORDED},
    error::{Error, Kind, Result, say},
    seal::{MasterKey, RecoveryRecipient, Sealer},
};

/// Tables that are about one database and no other.
pub(super) const ONE_DATABASE: &[&str] =
    &["schema_migration", "index_change", "record_change", "record_head", "record_object", "read_mark"];

const HELD_TO: &str = "deletions_held_to";

/// What was written.
#[derive(Debug, Serialize)]
pub struct Made {
    pub file: PathBuf,
    pub bytes: u64,
    pub rows: u64,
    pub as_of: Time,
    /// Until then no object of the bucket is deleted.
    pub deletions_held_to: Time,
}

pub async fn back_up(
    db: &Db,
    clock: &Clock,
    master: Arc<MasterKey>,
    recovery: Option<&RecoveryRecipient>,
    file: &Path,
    hold: Duration,
) -> Result<Made> {
    let deletions_held_to = clock.now().plus(hold);
    hold_deletions(db, deletions_held_to).await?;
    let mut tx = db.snapshot().await?;
    let names = RECORDED.iter().map(|recorded| recorded.table).chain(NOT_RECORDED.iter().map(|(name, _)| *name));
    let tables = in_order(db::tables(&mut tx).await?, names.filter(|name| !ONE_DATABASE.contains(name)))?;
    let as_of = clock.now();
    let header = Header {
        lumbung: env!("CARGO_PKG_VERSION").to_owned(),
        format: FORMAT,
        schema: db::MIGRATIONS.last().map_or(0, |migration| migration.number),
        kind: Kinds::Backup,
        seq: 0,
        previous: None,
        made_at: as_of,
    };
    let lines = Arc::new(AtomicU64::new(0));
    let sealer = master.reader()?.sealer(recovery)?;
    let crossing = Crossing { master, with_secrets: true };
    let text = Text { header, tables, crossing, lines: lines.clone() };
    let bytes = write(sealer, Box::pin(text.full(tx)), file).await?;
    let rows = lines.load(Ordering::Relaxed);
    Ok(Made { file: file.to_owned(), bytes, rows, as_of, deletions_held_to })
}

/// Seals while it reads, into a file that bears its name only when it is whole and durable.
async fn write<S>(mut sealer: Sealer, mut text: S, path: &Path) -> Result<u64>
where
    S: futures_util::Stream<Item = Result<bytes::Bytes>> + Unpin,
{
    let refused = |cause: std::io::Error| cannot_write(path, &cause);
    if path.exists() {
        return Err(refused(std::io::ErrorKind::AlreadyExists.into()));
    }
    let mut partial = path.as_os_str().to_owned();
    partial.push(".part");
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&partial).map_err(refused)?;
    while let Some(piece) = text.next().await {
        let sealed = sealer.push(&piece?)?;
        // A page of rows is small: the wait for the disk is that of one write.
        file.write_all(&sealed)?;
    }
    let (tail, sealed) = sealer.finish()?;
    file.write_all(&tail)?;
    file.sync_all()?;
    point(Point::BackupWritten);
    std::fs::rename(&partial, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::File::open(folder)?.sync_all()?;
    Ok(sealed.sealed_size)
}

async fn hold_deletions(db: &Db, until: Time) -> Result<()> {
    let mut tx = db.write().await?;
    db::set_installation(&mut tx, HELD_TO, &until.0.to_string()).await?;
    tx.commit().await
}

/// Whether a backup forbids to delete objects now. Whoever deletes from the bucket what a row named asks this first.
pub async fn deletions_are_held(db: &Db, now: Time) -> Result<bool> {
    let held: Option<i64> = db::installation(db, HELD_TO).await?.and_then(|text| text.parse().ok());
    Ok(held.is_some_and(|until| now.0 < until))
}

fn cannot_write(path: &Path, cause: &std::io::Error) -> Error {
    let path = path.display();
    Error::new(
        Kind::Conflict,
        "cannot-write",
        say(
            format!("{path} tidak dapat dibuat: {cause}. Pilih nama berkas yang belum ada."),
            format!("{path} cannot be made: {cause}. Choose a file name that does not exist yet."),
        ),
    )
}
