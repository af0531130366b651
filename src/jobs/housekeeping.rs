//! Small recurring work that every node may do, any number of times: what expired goes away, budgets are kept.

use std::time::Duration;

use crate::{app::App, audit, error::Result, idempotency, record};

const EVERY: Duration = Duration::from_secs(300);

pub async fn run(app: App) {
    loop {
        tokio::select! {
            () = app.stopping.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        if let Err(cause) = tidy(&app).await {
            tracing::warn!(cause = %cause.chain(), "housekeeping stopped early and will try again");
        }
    }
}

/// One round of it.
pub async fn tidy(app: &App) -> Result<()> {
    while app.ingest.drop_expired(50).await? == 50 {}
    if !record::deletions_are_held(&app.db, app.clock.now()).await? {
        app.shelf.trim_pictures(app.config.reading.picture_budget_bytes).await?;
    }
    app.accounts.sweep().await?;
    app.queue.call_back().await?;
    idempotency::forget_expired(&app.db, app.clock.now()).await?;
    let mut tx = app.db.write().await?;
    audit::forget_marks(&mut tx, &app.clock).await?;
    crate::document::forget_old_changes(&mut tx, app.clock.now()).await?;
    tx.commit().await
}
