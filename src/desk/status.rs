//! Whether all is well.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{app::App, error::Result, vault::VaultStatus};

#[derive(Debug, Serialize, ToSchema)]
pub struct Status {
    pub version: &'static str,
    /// Whether an upload would be acknowledged now.
    pub healthy: bool,
    pub checks: Vec<Check>,
    /// How strangers' bytes are read.
    pub reading: ReadingStatus,
    pub jobs: JobsStatus,
    /// Whether mail can be sent; without it links for an e-mail address are not offered.
    pub mail: bool,
    /// Whether the store is clean and sound; absent where the database does not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
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
    pub ocr: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct JobsStatus {
    pub waiting: i64,
    pub dead: i64,
}

pub async fn status(app: &App) -> Result<Status> {
    let checks = checks(app).await;
    let report = app.reader.status().await;
    let (waiting, dead) = app.queue.depth().await.unwrap_or((-1, -1));
    Ok(Status {
        version: env!("CARGO_PKG_VERSION"),
        healthy: checks.iter().all(|check| check.healthy),
        checks,
        reading: ReadingStatus { summary: report.line(), ocr: report.tesseract.is_some() },
        jobs: JobsStatus { waiting, dead },
        mail: app.mailer.is_some(),
        vault: app.vault.status().await.ok(),
    })
}

pub async fn checks(app: &App) -> Vec<Check> {
    let database = crate::db::installation(&app.db, "master_fingerprint").await.is_ok_and(|row| row.is_some());
    let store = app.store.probe().await.is_ok();
    vec![
        Check { name: "database", healthy: database },
        Check { name: "store", healthy: store },
        Check { name: "index", healthy: !app.stopping.is_cancelled() },
    ]
}
