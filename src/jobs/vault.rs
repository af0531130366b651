//! The vault's recurring work. Each part says itself whether it is due and whether another node is at it.

use std::time::Duration;

use crate::{app::App, error::Result};

const EVERY: Duration = Duration::from_secs(60);
/// The mirror is to follow documents as they arrive.
const FOLLOW: Duration = Duration::from_secs(2);

pub async fn run(app: App) {
    loop {
        tokio::select! {
            () = app.stopping.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        tokio::select! {
            () = app.stopping.cancelled() => return,
            () = keep(&app) => {}
        }
    }
}

/// One round of it.
pub async fn keep(app: &App) {
    told("sweeping the store", app.vault.sweep_if_due().await.map(drop));
    told("destroying what the trash has held long enough", empty_trash(app).await);
    told("deleting what nothing needs", app.vault.clear().await.map(drop));
    told("verifying the store", app.vault.verify_step().await.map(drop));
}

async fn empty_trash(app: &App) -> Result<()> {
    if app.vault.trusts_clock().await? && app.vault.empty_trash().await? > 0 {
        app.indexing.notify_one();
    }
    Ok(())
}

/// Copies to the mirror, where there is one.
pub async fn follow(app: App) {
    if !app.vault.has_mirror() {
        return;
    }
    loop {
        tokio::select! {
            () = app.stopping.cancelled() => return,
            () = tokio::time::sleep(FOLLOW) => {}
        }
        tokio::select! {
            () = app.stopping.cancelled() => return,
            outcome = app.vault.follow_mirror() => told("copying to the mirror", outcome.map(drop)),
        }
    }
}

fn told(what: &str, outcome: Result<()>) {
    if let Err(cause) = outcome {
        tracing::warn!(cause = %cause.chain(), "{what} stopped early and will go on");
    }
}
