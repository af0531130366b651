//! What happens to documents on one node is told to those who watch on another.

use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;

use crate::{
    app::{App, Happening},
    error::Result,
};

#[derive(serde::Serialize, serde::Deserialize)]
struct Told {
    /// Who says it, so that a node does not hear itself.
    node: String,
    happening: Happening,
}

const AGAIN: Duration = Duration::from_secs(5);

/// Ends at once where there is one node only.
pub async fn run(app: App) {
    while !app.stopping.is_cancelled() {
        match pass_on(&app).await {
            Ok(()) => return,
            Err(cause) => tracing::warn!(cause = %cause.chain(), "other nodes are not heard for a moment"),
        }
        tokio::select! {
            () = tokio::time::sleep(AGAIN) => {}
            () = app.stopping.cancelled() => {}
        }
    }
}

async fn pass_on(app: &App) -> Result<()> {
    let Some(mut ear) = app.db.listen().await? else { return Ok(()) };
    let mut own = app.events.subscribe();
    loop {
        tokio::select! {
            told = ear.hear() => hear(app, &told?),
            happened = own.recv() => match happened {
                Ok(happening) if !happening.elsewhere => tell(app, happening).await?,
                // Who lags behind skips: a watcher asks for a document's state by itself.
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Ok(()),
            },
            () = app.stopping.cancelled() => return Ok(()),
        }
    }
}

async fn tell(app: &App, happening: Happening) -> Result<()> {
    let told = Told { node: app.node.clone(), happening };
    app.db.tell(&serde_json::to_string(&told).unwrap_or_default()).await
}

/// A node of another version may say what this one does not know.
fn hear(app: &App, text: &str) {
    match serde_json::from_str::<Told>(text) {
        Ok(told) if told.node != app.node => {
            let _ = app.events.send(Happening { elsewhere: true, ..told.happening });
        }
        _ => {}
    }
}
