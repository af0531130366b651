//! What happened to a document and to its links, from the audit.

use std::iter;

use crate::{
    audit::{self, Line},
    db::Tx,
    document::Document,
    error::Result,
    id::AuditId,
    share,
};

/// Newest first, for the document's own office; `before` is the last id of the page before.
pub async fn of(tx: &mut Tx, document: &Document, before: Option<AuditId>, limit: i64) -> Result<Vec<Line>> {
    document.must_be_own()?;
    let links = share::links_of(tx, document.id).await?;
    let objects: Vec<String> =
        iter::once(document.id.to_string()).chain(links.iter().map(ToString::to_string)).collect();
    audit::about(tx, document.office, &objects, before, limit).await
}
