//! What the kernel says of the two servers while they work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

const EVERY: Duration = Duration::from_secs(2);

pub struct Sample {
    pub at: Duration,
    pub nodes: [Node; 2],
}

pub struct Node {
    /// Bytes of memory that are resident.
    pub resident: u64,
    /// Files and connections that are open.
    pub files: u64,
}

pub struct Machine {
    ended: Arc<AtomicBool>,
    watching: JoinHandle<Vec<Sample>>,
}

impl Machine {
    pub fn watch(processes: [u32; 2]) -> Machine {
        let ended = Arc::new(AtomicBool::new(false));
        let (stop, begun) = (ended.clone(), Instant::now());
        let watching = tokio::spawn(async move {
            let mut seen = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                seen.push(Sample { at: begun.elapsed(), nodes: processes.map(look) });
                tokio::time::sleep(EVERY).await;
            }
            seen
        });
        Machine { ended, watching }
    }

    pub async fn stop(self) -> Vec<Sample> {
        self.ended.store(true, Ordering::Relaxed);
        self.watching.await.expect("the watch ends well")
    }
}

fn look(process: u32) -> Node {
    let memory = std::fs::read_to_string(format!("/proc/{process}/statm")).expect("the server lives");
    let pages: u64 = memory.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("a number");
    let files = std::fs::read_dir(format!("/proc/{process}/fd")).expect("the server lives").count() as u64;
    Node { resident: pages * 4096, files }
}
