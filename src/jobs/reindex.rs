//! Reindexing on demand: every document is marked as changed, in batches, and every node applies that to its own index.
//! Each batch enqueues the next in its own transaction, so that a cut reindexing goes on where it was. A document that is
//! marked is left out of answers until it is applied: a batch waits for the former one, so that few are at any time.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{end, indexing};
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

const BATCH: i64 = 50;
/// An archive in which much is going on is not waited for longer than this.
const PATIENCE: Duration = Duration::from_secs(30);

pub async fn run(app: &App, job: &Claimed, payload: Reindex) -> Result<()> {
    applied(app).await?;
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

/// Waits until this node has applied most of what was marked before.
async fn applied(app: &App) -> Result<()> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while indexing::pending(app).await?.len() as i64 > BATCH / 5 && tokio::time::Instant::now() < deadline {
        app.indexing.notify_one();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
