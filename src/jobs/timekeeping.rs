//! This node's clock is compared with the database's again and again: machines are set right, and wrong, while programs run.

use std::time::Duration;

use crate::app::App;

/// Far below the two minutes within which nodes find each other's changes.
const EVERY: Duration = Duration::from_secs(10);

pub async fn run(app: App) {
    loop {
        tokio::select! {
            () = app.stopping.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        if let Err(cause) = app.db.keep_time().await {
            tracing::debug!(cause = %cause.chain(), "the database does not tell the time");
        }
    }
}
