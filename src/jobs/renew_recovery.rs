//! Objects are copied under headers for a new recovery recipient, in steps that each enqueue the next. The former objects
//! are deleted minutes later, when whoever was reading one has ended.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::end;
use crate::{
    app::App,
    blob::ObjectName,
    db::Tx,
    download,
    error::Result,
    queue::{Claimed, Job},
    record,
};

#[derive(Debug, Serialize, Deserialize)]
pub enum RenewRecovery {
    Blobs { after: Uuid, is_last_look: bool },
    Derivations { after: download::Place, is_last_look: bool },
}

impl Job for RenewRecovery {
    const KIND: &'static str = "renew_recovery";
}

impl RenewRecovery {
    pub fn all() -> RenewRecovery {
        RenewRecovery::Blobs { after: Uuid::nil(), is_last_look: false }
    }
}

/// Deletes objects that nothing names any more.
#[derive(Debug, Serialize, Deserialize)]
pub struct DropFormer {
    pub objects: Vec<String>,
}

impl Job for DropFormer {
    const KIND: &'static str = "drop_former";
}

const STEP: i64 = 50;
const READERS_END: Duration = Duration::from_secs(900);
/// By then every node seals to the new recipient.
const LAST_LOOK: Duration = Duration::from_secs(300);

pub async fn run(app: &App, job: &Claimed, payload: RenewRecovery) -> Result<()> {
    app.refresh_recovery().await?;
    match payload {
        RenewRecovery::Blobs { after, is_last_look } => {
            let copied = app.ingest.copy_for_recovery(after, STEP).await?;
            let next = match copied.last {
                Some(after) => RenewRecovery::Blobs { after, is_last_look },
                None => RenewRecovery::Derivations { after: (Uuid::nil(), String::new(), 0), is_last_look },
            };
            let mut tx = app.db.write().await?;
            drop_later(app, &mut tx, copied.former).await?;
            app.queue.enqueue(&mut tx, &next, None).await?;
            end(app, tx, job).await
        }
        RenewRecovery::Derivations { after, is_last_look } => {
            let (last, former) = app.shelf.copy_for_recovery(&after, STEP).await?;
            let mut tx = app.db.write().await?;
            drop_later(app, &mut tx, former).await?;
            match last {
                Some(after) => {
                    let next = RenewRecovery::Derivations { after, is_last_look };
                    app.queue.enqueue(&mut tx, &next, None).await?;
                }
                None if is_last_look => {}
                None => {
                    let again = RenewRecovery::Blobs { after: Uuid::nil(), is_last_look: true };
                    app.queue.enqueue_at(&mut tx, &again, None, app.clock.now().plus(LAST_LOOK)).await?;
                }
            }
            end(app, tx, job).await
        }
    }
}

async fn drop_later(app: &App, tx: &mut Tx, objects: Vec<String>) -> Result<()> {
    if objects.is_empty() {
        return Ok(());
    }
    let at = app.clock.now().plus(READERS_END);
    app.queue.enqueue_at(tx, &DropFormer { objects }, None, at).await.map(drop)
}

pub async fn drop_former(app: &App, job: &Claimed, payload: DropFormer) -> Result<()> {
    if record::deletions_are_held(&app.db, app.clock.now()).await? {
        let mut tx = app.db.write().await?;
        drop_later(app, &mut tx, payload.objects).await?;
        return end(app, tx, job).await;
    }
    for object in &payload.objects {
        app.store.delete(&object.parse::<ObjectName>()?).await?;
    }
    let tx = app.db.write().await?;
    end(app, tx, job).await
}
