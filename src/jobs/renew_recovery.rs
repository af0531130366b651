//! Objects are copied under headers for a new recovery recipient, in steps that each enqueue the next.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::end;
use crate::{
    app::App,
    download,
    error::Result,
    queue::{Claimed, Job},
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

const STEP: i64 = 50;
/// By then every node seals to the new recipient.
const LAST_LOOK: Duration = Duration::from_secs(300);

pub async fn run(app: &App, job: &Claimed, payload: RenewRecovery) -> Result<()> {
    app.refresh_recovery().await?;
    match payload {
        RenewRecovery::Blobs { after, is_last_look } => {
            let next = match app.ingest.copy_for_recovery(after, STEP).await? {
                Some(after) => RenewRecovery::Blobs { after, is_last_look },
                None => RenewRecovery::Derivations { after: (Uuid::nil(), String::new(), 0), is_last_look },
            };
            let mut tx = app.db.write().await?;
            app.queue.enqueue(&mut tx, &next, None).await?;
            end(app, tx, job).await
        }
        RenewRecovery::Derivations { after, is_last_look } => {
            let last = app.shelf.copy_for_recovery(&after, STEP).await?;
            let mut tx = app.db.write().await?;
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
