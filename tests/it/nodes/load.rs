//! Clerks who go on uploading, now to this node, now to that one, whatever happens to either.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;

use crate::flow::id;
use crate::support::client::{Client, form, try_send};

const CLERKS: usize = 8;

/// What was acknowledged: the document and its bytes.
pub type Acknowledged = Vec<(String, Vec<u8>)>;

pub struct Load {
    stop: Arc<AtomicBool>,
    kept: Arc<Mutex<Acknowledged>>,
    senders: tokio::task::JoinSet<()>,
}

impl Load {
    pub fn begin(nodes: [Client; 2]) -> Load {
        let mut load = Load { stop: Arc::default(), kept: Arc::default(), senders: tokio::task::JoinSet::new() };
        for n in 0..CLERKS {
            load.senders.spawn(upload_on(nodes.clone(), n, load.stop.clone(), load.kept.clone()));
        }
        load
    }

    pub async fn end(mut self) -> Acknowledged {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(done) = self.senders.join_next().await {
            done.expect("a sender ends well");
        }
        std::mem::take(&mut *self.kept.lock().expect("ours"))
    }
}

async fn upload_on(nodes: [Client; 2], first: usize, stop: Arc<AtomicBool>, kept: Arc<Mutex<Acknowledged>>) {
    let mut turn = first;
    while !stop.load(Ordering::Relaxed) {
        turn += CLERKS;
        let bytes = format!("Perihal tanggul blencong nomor {turn}\n").into_bytes();
        let form = form("surat.txt", bytes.clone(), json!({}));
        let node = &nodes[turn / CLERKS % 2];
        let request = node.request(reqwest::Method::POST, "/api/v1/documents").multipart(form);
        if let Ok(answer) = try_send(request).await
            && answer.status == 201
        {
            kept.lock().expect("ours").push((id(&answer.json()), bytes));
        }
        // No faster than two workers read. After a failure a proxy would have gone to the other node by now.
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}
