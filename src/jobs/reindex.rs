//! Reindexing on demand: every document is marked as changed, in batches, and every node applies that to its own index.
//! Each batch enqueues the next in its own transaction, so that a cut reindexing goes on where it was.

use serde::{Deserialize, Serialize};

use super::end;
use crate::{
    app::App,
    crash::{Point, point},
    document,
    error::Result,
    id::DocumentId,
    queue::{Claimed, Job},
};

/// Marks all documents after this one.
#[derive(Debug, Serialize, Deserialize)]
pub struct Reindex {
    pub after: DocumentId,
}

impl Reindex {
    pub fn all() -> Reindex {
        Reindex { after: DocumentId(uuid::Uuid::nil()) }
    }
}

impl Job for Reindex {
    const KIND: &'static str = "reindex";
}

const BATCH: i64 = 500;

pub async fn run(app: &App, job: &Claimed, payload: Reindex) -> Result<()> {
    let documents = document::every(&app.db, payload.after, BATCH).await?;
    let mut tx = app.db.write().await?;
    for id in &documents {
        document::touch_index(&mut tx, &app.clock, *id).await?;
    }
    if let Some(last) = documents.last() {
        app.queue.enqueue(&mut tx, &Reindex { after: *last }, None).await?;
    }
    point(Point::ReindexWritten);
    end(app, tx, job).await
}
