//! An empty database is filled from the bucket's records or from a backup. A restore that was cut is run again: rows that
//! are there already are written over, and the database serves nobody before its end.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::apply::Applying;
use super::backup::ONE_DATABASE;
use super::chain::{self, Chain};
use super::crossing::{Crossing, OWN_FACTS};
use super::line::unreadable;
use super::sql;
use crate::{
    audit::{self, Entry, Origin, Who},
    blob::BlobStore,
    clock::{Clock, Time},
    crash::{Point, point},
    db::{self, Db, Tx, params},
    error::{Error, Kind, Result, say},
    id::{OfficeId, VersionId},
    ingest::ReadPages,
    queue::Queue,
    seal::{HEAD, MasterKey, ObjectKey, Opener, RecoveryIdentity},
};

/// A database that has the schema and no installation, or a restore that was cut.
pub struct Empty(Db);

const RESTORING: &str = OWN_FACTS[1];

impl Empty {
    pub async fn check(db: Db) -> Result<Empty> {
        let is_set_up = db::installation(&db, "master_fingerprint").await?.is_some();
        if is_set_up && db::installation(&db, RESTORING).await?.is_none() {
            return Err(Error::new(
                Kind::Conflict,
                "not-empty",
                say(
                    "Basis data ini sudah berisi arsip; pemulihan hanya ke basis data kosong. Periksa database.url.",
                    "This database holds an archive already; a restore needs an empty one. Check database.url.",
                ),
            ));
        }
        Ok(Empty(db))
    }
}

/// Where the rows come from; it opened already.
pub enum Source {
    Bucket(Chain),
    Backup { path: PathBuf, key: ObjectKey },
}

impl Source {
    pub async fn bucket(store: &BlobStore, identity: &RecoveryIdentity) -> Result<Source> {
        chain::find(store, identity).await.map(Source::Bucket)
    }

    pub async fn backup(path: &Path, identity: &RecoveryIdentity) -> Result<Source> {
        let mut file = tokio::fs::File::open(path).await?;
        let size = file.metadata().await?.len();
        let mut head = Vec::new();
        (&mut file).take(HEAD).read_to_end(&mut head).await?;
        let key = identity.recover(&head, size)?;
        Ok(Source::Backup { path: path.to_owned(), key })
    }

    fn name(&self) -> &'static str {
        match self {
            Source::Bucket(_) => "bucket",
            Source::Backup { .. } => "backup",
        }
    }
}

/// What a restore needs beside its source.
pub struct Restoring<'a> {
    pub clock: &'a Clock,
    pub store: &'a BlobStore,
    pub queue: &'a Queue,
    /// The keys are wrapped under this one from now on.
    pub master: Arc<MasterKey>,
    /// Goes on although the bucket holds records that are newer than the backup.
    pub discard_newer: bool,
}

/// What came back, and what cannot.
#[derive(Debug, Serialize)]
pub struct Restored {
    pub from: &'static str,
    /// Everything that was committed until then is there.
    pub as_of: Time,
    pub records: usize,
    /// Records at the end of the chain that did not open.
    pub unopened: usize,
    pub documents: u64,
    pub rows: BTreeMap<String, u64>,
    pub readings_enqueued: u64,
    pub not_restored: Vec<Missing>,
}

#[derive(Debug, Serialize)]
pub struct Missing {
    pub what: &'static str,
    /// What to do about it, in the two languages of the interface.
    pub id: &'static str,
    pub en: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub logins: Vec<String>,
}

pub async fn restore(empty: Empty, source: Source, with: Restoring<'_>) -> Result<Restored> {
    let Empty(db) = empty;
    let from = source.name();
    mark(&db).await?;
    let is_backup = matches!(source, Source::Backup { .. });
    let crossing = Crossing { master: with.master.clone(), with_secrets: is_backup };
    let mut applying = Applying::new(&db, &crossing, ONE_DATABASE).await?;
    let newest_in_bucket = chain::listed(with.store).await?;
    let (as_of, records, unopened) = match source {
        Source::Bucket(chain) => {
            let mut as_of = Time(0);
            for link in &chain.links {
                as_of = applying.record(chain::text(with.store, link).await?).await?.made_at;
            }
            (as_of, chain.links.len(), chain.unopened)
        }
        Source::Backup { path, key } => {
            let as_of = backup_header(&path, &key).await?.made_at;
            let newer = newest_in_bucket.iter().filter_map(|(name, _)| chain::time_of(name)).any(|at| at > as_of.0);
            if newer && !with.discard_newer {
                return Err(newer_records());
            }
            applying.record(backup_text(&path, &key).await?).await?;
            (as_of, 1, 0)
        }
    };
    point(Point::RestoreApplied);
    let rows = std::mem::take(&mut applying.rows);
    let highest = newest_in_bucket.iter().filter_map(|(name, _)| chain::seq_of(name)).max().unwrap_or(0);
    let readings_enqueued = finish(&db, &with, from, highest).await?;
    point(Point::RestoreCommitted);
    let logins: Vec<(String,)> = db
        .all("SELECT login FROM person WHERE password IS NULL AND disabled_at IS NULL ORDER BY login", params![])
        .await?;
    let documents: Option<(i64,)> = db.one("SELECT CAST(COUNT(*) AS BIGINT) FROM document", params![]).await?;
    Ok(Restored {
        from,
        as_of,
        records,
        unopened,
        documents: documents.map_or(0, |(count,)| count as u64),
        rows,
        readings_enqueued,
        not_restored: missing(is_backup, logins.into_iter().map(|(login,)| login).collect()),
    })
}

async fn mark(db: &Db) -> Result<()> {
    let mut tx = db.write().await?;
    db::set_installation(&mut tx, RESTORING, "1").await?;
    tx.commit().await
}

/// From here on the database is an installation.
async fn finish(db: &Db, with: &Restoring<'_>, from: &'static str, highest: i64) -> Result<u64> {
    let mut tx = db.write().await?;
    let readings = if from == "bucket" { enqueue_readings(&mut tx, with.queue).await? } else { 0 };
    tx.execute("DELETE FROM installation WHERE name = $1", params![RESTORING]).await?;
    db::set_installation(&mut tx, "master_fingerprint", &with.master.fingerprint()).await?;
    let entry = Entry {
        who: Who::Machine,
        office: None,
        action: "installation.restore",
        object: None,
        result: "ok",
        origin: &Origin::machine(),
        detail: serde_json::json!({ "from": from }),
    };
    audit::record(&mut tx, with.clock, entry).await?;
    sql::begin_after(&mut tx, highest).await?;
    tx.commit().await?;
    Ok(readings)
}

/// Jobs are not in the records; what had not been read is read now.
async fn enqueue_readings(tx: &mut Tx, queue: &Queue) -> Result<u64> {
    tx.execute("DELETE FROM job WHERE kind = $1", params![<ReadPages as crate::queue::Job>::KIND]).await?;
    let unread: Vec<(uuid::Uuid, uuid::Uuid)> = tx
        .all(
            "SELECT v.id, d.office FROM version v JOIN document d ON d.id = v.document
             WHERE v.state IN ('received', 'reading') AND d.destroyed_at IS NULL ORDER BY v.id",
            params![],
        )
        .await?;
    for (version, office) in &unread {
        queue.enqueue(tx, &ReadPages { version: VersionId(*version) }, Some(OfficeId(*office))).await?;
    }
    Ok(unread.len() as u64)
}

async fn backup_text(
    path: &Path,
    key: &ObjectKey,
) -> Result<impl futures_util::Stream<Item = Result<bytes::Bytes>> + Send + use<>> {
    let opener = Opener::new(key);
    let plan = opener.plan_whole();
    let mut file = tokio::fs::File::open(path).await?;
    file.seek(std::io::SeekFrom::Start(plan.sealed().start)).await?;
    let pieces = tokio_util::io::ReaderStream::with_capacity(file, 1 << 20);
    let pieces = futures_util::TryStreamExt::map_err(pieces, Error::from);
    Ok(opener.open_stream(plan, pieces))
}

async fn backup_header(path: &Path, key: &ObjectKey) -> Result<super::line::Header> {
    let mut text = Box::pin(backup_text(path, key).await?);
    let first = futures_util::StreamExt::next(&mut text).await.ok_or_else(unreadable)??;
    let line = first.split(|byte| *byte == b'\n').next().ok_or_else(unreadable)?;
    super::line::Header::parse(line)
}

fn missing(is_backup: bool, logins: Vec<String>) -> Vec<Missing> {
    if is_backup {
        return Vec::new();
    }
    let missing = |what, id, en| Missing { what, id, en, logins: Vec::new() };
    vec![
        Missing {
            what: "passwords",
            id: "Kata sandi dan kode ponsel tidak ada di catatan. Buat tautan aktivasi baru dengan `lumbung account reset`; sesudah itu admin tiap kantor membuatkan anggotanya.",
            en: "Passwords and second factors are not in the records. Issue new activation links with `lumbung account reset`; then each office's admin issues them to its members.",
            logins,
        },
        missing("sessions", "Semua orang masuk lagi.", "Everybody logs in again."),
        missing("tokens", "Token API dibuat baru oleh kantor masing-masing.", "Each office makes its API tokens anew."),
        missing(
            "activations",
            "Tautan aktivasi yang belum dipakai diterbitkan ulang.",
            "Unused activation links are issued again.",
        ),
        missing("uploads", "Unggahan yang belum selesai diulang.", "Uploads that were not finished are repeated."),
    ]
}

fn newer_records() -> Error {
    Error::new(
        Kind::Conflict,
        "newer-records",
        say(
            "Penyimpanan berisi catatan yang lebih baru daripada cadangan ini. Pakai `lumbung restore --from-bucket`, yang tidak kehilangan apa pun sesudah cadangan; atau tambahkan --discard-newer.",
            "The store holds records that are newer than this backup. Use `lumbung restore --from-bucket`, which loses nothing that came after the backup; or add --discard-newer.",
        ),
    )
}
