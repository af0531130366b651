//! Whether all is well.

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use super::disk;
use crate::{app::App, error::Result, read::JailReport, record::Lag, search::Index, vault::VaultStatus};

pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// How it is with each part.
#[derive(Debug)]
pub struct Status {
    pub checks: Vec<Check>,
    /// How strangers' bytes are read.
    pub reading: ReadingStatus,
    pub jobs: JobsStatus,
    /// How far the records in the bucket are behind.
    pub records: Lag,
    /// Objects that a former recovery key still opens, until they are copied.
    pub former_recovery: i64,
    /// Whether mail can be sent; without it links for an e-mail address are not offered.
    pub mail: bool,
    /// Whether the store is clean and sound; absent where the database does not answer.
    pub vault: Option<VaultStatus>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Check {
    pub name: &'static str,
    pub healthy: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ReadingStatus {
    /// State of the jail: files and network, system calls, limits; then the OCR engine.
    pub summary: String,
    /// Whether files are read at all. Not where the jail does not hold and `reading.require_jail` is on.
    pub reads: bool,
    pub jail: JailStatus,
    pub ocr: bool,
    /// Whether HEIC photographs are read.
    pub heic: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct JailStatus {
    /// `full`, `partial` or `none`: whether the kernel keeps the reader away from all files and the network.
    pub files: &'static str,
    /// Version of the kernel's Landlock, 0 where there is none.
    pub abi: i32,
    /// Whether system calls that a reader does not need are refused.
    pub calls: bool,
    /// Whether memory and processor time are limited.
    pub limits: bool,
}

impl From<JailReport> for ReadingStatus {
    fn from(report: JailReport) -> ReadingStatus {
        let JailReport { files, abi, calls, limits, reads, .. } = report;
        ReadingStatus {
            summary: report.line(),
            reads,
            jail: JailStatus { files, abi, calls, limits },
            ocr: report.tesseract.is_some(),
            heic: report.heif.is_some(),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct JobsStatus {
    pub waiting: i64,
    pub dead: i64,
}

pub async fn status(app: &App) -> Result<Status> {
    let checks = checks(app).await;
    let report = app.reader.status().await;
    let depth = tokio::time::timeout(SOON, app.queue.depth()).await;
    let (waiting, dead) = depth.map_or((-1, -1), |depth| depth.unwrap_or((-1, -1)));
    Ok(Status {
        checks,
        reading: report.into(),
        jobs: JobsStatus { waiting, dead },
        records: app.records.lag().await?,
        // Of the database: this node may not have noticed yet that the key was changed.
        former_recovery: match crate::app::recovery_recipient(&app.db).await? {
            Some(recipient) => crate::download::opened_by_former(&app.db, recipient.generation()).await?,
            None => 0,
        },
        mail: app.mailer.is_some(),
        vault: app.vault.status().await.ok(),
    })
}

/// Whether an upload would be acknowledged now.
pub fn is_healthy(checks: &[Check]) -> bool {
    checks.iter().all(|check| check.healthy)
}

/// What does not answer within this is not well, however patient an upload would be.
const SOON: Duration = Duration::from_secs(4);

pub async fn checks(app: &App) -> Vec<Check> {
    let database = async {
        let in_force = crate::db::installation(&app.db, "master_fingerprint").await?;
        app.db.must_take_writes().await.map(|()| in_force)
    };
    let store = tokio::time::timeout(SOON, app.store.must_take_writes());
    let index = tokio::time::timeout(SOON, index_answers(app.index.clone()));
    let (database, store, index) = tokio::join!(tokio::time::timeout(SOON, database), store, index);
    let in_force = database.ok().and_then(Result::ok).flatten();
    // The key was changed and this node still has the former one alone.
    let opens = in_force.as_ref().is_none_or(|theirs| app.master.as_ref().clone().fitting(theirs).is_some());
    let database = in_force.is_some();
    let store = matches!(store, Ok(Ok(())));
    vec![
        Check { name: "database", healthy: database },
        Check { name: "key", healthy: opens },
        Check { name: "store", healthy: store },
        Check { name: "index", healthy: matches!(index, Ok(true)) },
        Check { name: "disk", healthy: disk::has_room(&app.config) },
        // Says to whoever shares out requests that this node takes no further ones.
        Check { name: "server", healthy: !app.stopping.is_cancelled() },
    ]
}

/// One that is damaged is thus found before somebody asks a question, and built anew.
async fn index_answers(index: Index) -> bool {
    let answered = tokio::task::spawn_blocking(move || index.answers()).await;
    match answered {
        Ok(Ok(())) => true,
        Ok(Err(cause)) => {
            tracing::warn!(cause = %cause.chain(), "the search index does not answer");
            false
        }
        Err(_) => false,
    }
}
