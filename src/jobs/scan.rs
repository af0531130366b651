//! Has the antivirus daemon look at a version, whatever its type. While the daemon is away the job waits and the version stays
//! "not checked". Running it twice says the same again.

use std::io;

use futures_util::StreamExt;
use serde_json::json;

use super::{end, finish};
use crate::{
    app::App,
    audit::{self, Entry, Origin, Who},
    document::{self, Scan},
    error::Result,
    ingest::ScanVersion,
    queue::Claimed,
    scan::Verdict,
};

pub async fn run(app: &App, job: &Claimed, payload: ScanVersion) -> Result<()> {
    let Some((document, office, version)) = document::version_for_work(&app.db, payload.version).await? else {
        return finish(app, job).await;
    };
    let Some(scanner) = &app.scanner else { return finish(app, job).await };
    let bytes = app.shelf.unread(&version, office).await?;
    let verdict = scanner.scan(version.size.unsigned_abs(), bytes.map(|piece| piece.map_err(io::Error::other))).await?;
    let scan = match verdict {
        Verdict::Clean => Scan::Clean,
        Verdict::Infected(found) => Scan::Infected(found),
        Verdict::TooLarge => {
            tracing::warn!(version = %version.id, "too large for the antivirus daemon: not checked");
            return finish(app, job).await;
        }
    };
    let mut tx = app.db.write().await?;
    document::settle_scan(&mut tx, version.id, &scan).await?;
    if let Scan::Infected(found) = &scan {
        tracing::warn!(version = %version.id, found, "the antivirus daemon found something");
        let entry = Entry {
            who: Who::Machine,
            office: Some(office),
            action: "version.infected",
            object: Some(document.to_string()),
            result: "ok",
            origin: &Origin::machine(),
            detail: json!({ "version": version.id, "found": found }),
        };
        audit::record(&mut tx, &app.clock, entry).await?;
    }
    end(app, tx, job).await
}
