//! Readings of documents, noted before the first byte leaves: in the audit and, where the reader's office may read because it
//! opened a link, in the log of that link.

use serde_json::json;

use super::{content::reader, documents::entry};
use crate::{
    app::App,
    audit,
    document::{self, Document},
    error::Result,
    http::Caller,
    share::Reading,
};

pub async fn note(app: &App, caller: &Caller, document: &Document, reading: Reading) -> Result<()> {
    let (action, kind) = match reading {
        Reading::Pages => ("document.view", "pages"),
        Reading::Original => ("document.read", "content"),
    };
    let (mut reader, mut entry) = (reader(caller), entry(caller, document, action));
    let mut tx = app.db.write().await?;
    let opening = document::opening(&mut tx, document, &caller.actor, app.clock.now()).await?;
    if let Some(opening) = opening {
        entry.detail["link"] = json!(opening.link);
        // Each opening counts by itself: what one link allows is told there, also minutes after another one allowed the same.
        reader = format!("{reader} {}", opening.grant);
    }
    let is_first = audit::read_once(&mut tx, &app.clock, &reader, document.version.id, kind, entry).await?;
    if let Some(opening) = opening.filter(|_| is_first) {
        app.sharing.note_member(&mut tx, opening.link, reading, &caller.actor, &caller.origin).await?;
    }
    tx.commit().await
}
