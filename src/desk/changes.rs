//! Changes of a document that was loaded for the caller: each is one transaction with its audit entry.

use super::documents::entry;
use crate::{
    access::Act,
    app::App,
    audit,
    crash::{Point, point},
    db::Tx,
    document::{self, Details, Document},
    error::{Error, Result, say},
    http::Caller,
    ingest, share,
};

/// Writes changed details; a raised class ends the links that it no longer allows.
pub async fn edit(app: &App, caller: &Caller, document: &Document, details: &Details) -> Result<Document> {
    let sight = caller.actor.sight_for(Act::Edit).ok_or_else(Error::not_found)?;
    let mut tx = app.db.write().await?;
    document::edit(&mut tx, &app.clock, &app.keys, sight, document, details, &app.zone).await?;
    if details.security_class > document.class() {
        share::reclassify(&mut tx, &app.clock, document.id, details.security_class).await?;
    }
    audit::record(&mut tx, &app.clock, entry(caller, document, "document.edit")).await?;
    let changed = document::load_any(&mut tx, &app.keys, document.id).await?;
    committed(tx).await?;
    app.nudge();
    Ok(changed)
}

/// Somebody of the office has looked at what came from outside: it waits no longer.
pub async fn check(app: &App, caller: &Caller, document: &Document) -> Result<()> {
    let sight = caller.actor.sight_for(Act::Edit).ok_or_else(Error::not_found)?;
    if !document.is_unchecked() {
        return Ok(());
    }
    let mut tx = app.db.write().await?;
    document::edit(&mut tx, &app.clock, &app.keys, sight, document, &document.details, &app.zone).await?;
    audit::record(&mut tx, &app.clock, entry(caller, document, "document.check")).await?;
    tx.commit().await?;
    app.nudge();
    Ok(())
}

pub async fn trash(app: &App, caller: &Caller, document: &Document) -> Result<()> {
    let mut tx = app.db.write().await?;
    document::trash(&mut tx, &app.clock, document).await?;
    audit::record(&mut tx, &app.clock, entry(caller, document, "document.trash")).await?;
    committed(tx).await?;
    app.nudge();
    Ok(())
}

/// The document lies in the trash and was loaded from there.
pub async fn restore(app: &App, caller: &Caller, document: &Document) -> Result<Document> {
    let mut tx = app.db.write().await?;
    document::restore(&mut tx, &app.clock, document).await?;
    audit::record(&mut tx, &app.clock, entry(caller, document, "document.restore")).await?;
    let changed = document::load_any(&mut tx, &app.keys, document.id).await?;
    committed(tx).await?;
    app.nudge();
    Ok(changed)
}

/// The end of every change: from here on it is told.
async fn committed(tx: Tx) -> Result<()> {
    point(Point::ChangeWritten);
    tx.commit().await?;
    point(Point::ChangeCommitted);
    Ok(())
}

/// Reads a document once more that could not be read, or of which something was left out.
pub async fn read_again(app: &App, caller: &Caller, document: &Document) -> Result<Document> {
    let mut tx = app.db.write().await?;
    if !document::ask_again(&mut tx, document).await? {
        return Err(Error::conflict(
            "not-unreadable",
            say(
                "Dokumen ini sudah terbaca seluruhnya, atau sedang dibaca; tidak perlu dibaca ulang.",
                "This document was read whole, or is being read; there is nothing to read again.",
            ),
        ));
    }
    app.queue.enqueue(&mut tx, &ingest::ReadPages { version: document.version.id }, Some(document.office)).await?;
    audit::record(&mut tx, &app.clock, entry(caller, document, "document.read_again")).await?;
    let changed = document::load_any(&mut tx, &app.keys, document.id).await?;
    committed(tx).await?;
    app.nudge();
    Ok(changed)
}
