//! Waiting for what appears in folders.

use std::path::PathBuf;
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::{
    cli::say,
    error::{Error, Result},
};

/// A scanner writes its file in pieces: it is taken once all has been quiet for so long.
const QUIET: Duration = Duration::from_secs(2);
/// How soon files are tried again that the server could not take.
const AGAIN: Duration = Duration::from_secs(60);

pub struct Watch {
    heard: UnboundedReceiver<()>,
    _watcher: RecommendedWatcher,
}

impl Watch {
    pub fn on(paths: &[PathBuf]) -> Result<Watch> {
        let (tell, heard) = unbounded_channel();
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Our own reading is an event too, and nothing new.
            if !event.is_ok_and(|event| event.kind.is_access()) {
                let _ = tell.send(());
            }
        })
        .map_err(Error::internal)?;
        for path in paths {
            watcher.watch(path, RecursiveMode::Recursive).map_err(Error::internal)?;
        }
        say::progress("Mengawasi; tekan Ctrl-C untuk berhenti. / Watching; press Ctrl-C to stop.");
        Ok(Watch { heard, _watcher: watcher })
    }

    /// Returns when something changed and has become quiet, or when it is time to try again.
    pub async fn something_new(&mut self, is_impatient: bool) {
        if is_impatient {
            let _ = tokio::time::timeout(AGAIN, self.heard.recv()).await;
        } else {
            self.heard.recv().await;
        }
        while tokio::time::timeout(QUIET, self.heard.recv()).await.is_ok_and(|event| event.is_some()) {}
    }
}
