//! What was acknowledged goes into the bucket as records, every few seconds. Every node tries; one at a time holds the claim.

use std::time::Duration;

use crate::app::App;

/// A stop waits so long for the last record.
const LAST: Duration = Duration::from_secs(5);

pub async fn run(app: App) {
    let every = Duration::from_secs(app.config.records.every_seconds);
    while !app.stopping.is_cancelled() {
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = app.stopping.cancelled() => {}
        }
        // Another node, or the operator on the machine, may have changed keys.
        app.keys.forget_newest();
        if let Err(cause) = app.refresh_recovery().await {
            tracing::warn!(cause = %cause.chain(), "the recovery recipient was not read");
        }
        let written = tokio::time::timeout(wait(&app), app.records.flush()).await;
        if let Ok(Err(cause)) = written {
            tracing::warn!(cause = %cause.chain(), "the records in the bucket stay behind and will catch up");
        }
    }
}

fn wait(app: &App) -> Duration {
    if app.stopping.is_cancelled() { LAST } else { Duration::MAX }
}
