//! Rotation of the offices' keys: every office gets a new version, then every key row is wrapped under it, in steps. Each
//! step enqueues the next in its own transaction, so that a cut rotation goes on where it was; no object is rewritten.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::end;
use crate::{
    app::App,
    audit::{self, Entry, Origin, Who},
    crash::{Point, point},
    db::Tx,
    document,
    error::Result,
    id::DocumentId,
    ingest, office,
    queue::{Claimed, Job},
    record,
};

#[derive(Debug, Serialize, Deserialize)]
pub enum RotateKeys {
    Begin,
    /// Wraps the keys of blobs after this row.
    Blobs {
        after: (Uuid, Uuid),
        is_last_look: bool,
    },
    /// Seals the hidden details of documents after this one.
    Details {
        after: Uuid,
        is_last_look: bool,
    },
}

impl Job for RotateKeys {
    const KIND: &'static str = "rotate_keys";
}

const BLOBS: i64 = 5_000;
const DOCUMENTS: i64 = 500;
/// By then every node has noticed the new version: what one of them still wrapped under the former is found at a last look.
const LAST_LOOK: Duration = Duration::from_secs(300);

pub async fn run(app: &App, job: &Claimed, payload: RotateKeys) -> Result<()> {
    match payload {
        RotateKeys::Begin => begin(app, job).await,
        RotateKeys::Blobs { after, is_last_look } => blobs(app, job, after, is_last_look).await,
        RotateKeys::Details { after, is_last_look } => details(app, job, after, is_last_look).await,
    }
}

async fn begin(app: &App, job: &Claimed) -> Result<()> {
    let mut tx = app.db.write().await?;
    for (_, office, _) in office::numbers(&mut tx).await? {
        app.keys.renew(&mut tx, &app.clock, office).await?;
    }
    let next = RotateKeys::Blobs { after: (Uuid::nil(), Uuid::nil()), is_last_look: false };
    app.queue.enqueue(&mut tx, &next, None).await?;
    note(app, &mut tx, "key.rotate.begin").await?;
    point(Point::RotateBegun);
    end(app, tx, job).await?;
    app.keys.forget_newest();
    Ok(())
}

async fn blobs(app: &App, job: &Claimed, after: (Uuid, Uuid), is_last_look: bool) -> Result<()> {
    app.keys.forget_newest();
    let mut tx = app.db.write().await?;
    let (_, last) = ingest::rewrap_keys(&mut tx, &app.keys, after, BLOBS).await?;
    let next = match last {
        Some(after) => RotateKeys::Blobs { after, is_last_look },
        None => RotateKeys::Details { after: Uuid::nil(), is_last_look },
    };
    app.queue.enqueue(&mut tx, &next, None).await?;
    point(Point::RotateWritten);
    end(app, tx, job).await
}

async fn details(app: &App, job: &Claimed, after: Uuid, is_last_look: bool) -> Result<()> {
    let mut tx = app.db.write().await?;
    let last = document::reseal(&mut tx, &app.keys, DocumentId(after), DOCUMENTS).await?;
    match last {
        Some(last) => {
            let next = RotateKeys::Details { after: last.0, is_last_look };
            app.queue.enqueue(&mut tx, &next, None).await?;
        }
        None if is_last_look => {}
        None => {
            let again = RotateKeys::Blobs { after: (Uuid::nil(), Uuid::nil()), is_last_look: true };
            app.queue.enqueue_at(&mut tx, &again, None, app.clock.now().plus(LAST_LOOK)).await?;
            // The records held the former wrappings until now, and the former versions with them.
            record::ask_for_full(&mut tx).await?;
            note(app, &mut tx, "key.rotate.end").await?;
        }
    }
    end(app, tx, job).await
}

async fn note(app: &App, tx: &mut Tx, action: &'static str) -> Result<()> {
    let entry = Entry {
        who: Who::Machine,
        office: None,
        action,
        object: None,
        result: "ok",
        origin: &Origin::machine(),
        detail: serde_json::json!({}),
    };
    audit::record(tx, &app.clock, entry).await
}
