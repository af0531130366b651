//! What a program and everything that it started take, looked at again and again from outside.

use std::{
    collections::HashMap,
    fs,
    os::unix::fs::MetadataExt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

/// What a whole tree of processes may take.
pub const TREE_LIMIT: u64 = 1536 << 20;

/// The highest value that was seen of something.
pub struct Watch {
    peak: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
}

impl Watch {
    pub fn start(measure: impl Fn() -> u64 + Send + 'static) -> Watch {
        let watch = Watch { peak: Arc::default(), over: Arc::default() };
        let (peak, over) = (watch.peak.clone(), watch.over.clone());
        std::thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                peak.fetch_max(measure(), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        watch
    }

    pub fn peak(&self) -> u64 {
        self.over.store(true, Ordering::Relaxed);
        self.peak.load(Ordering::Relaxed)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

/// One running process.
struct Seen {
    parent: u32,
    /// Pages that are shared count once for each process: the sum is rather too high than too low.
    resident: u64,
}

/// `root` and every process below it, by number.
fn tree(root: u32) -> HashMap<u32, Seen> {
    let number = |entry: &fs::DirEntry| entry.file_name().to_str()?.parse::<u32>().ok();
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut all: HashMap<u32, Seen> = all.filter_map(|entry| Some((number(&entry)?, seen(&entry.path())?))).collect();
    let is_below = |process: &u32| {
        let mut at = *process;
        while at != root {
            match all.get(&at) {
                Some(seen) if seen.parent != 0 => at = seen.parent,
                _ => return false,
            }
        }
        true
    };
    let below: Vec<u32> = all.keys().copied().filter(is_below).collect();
    all.retain(|process, _| below.contains(process));
    all
}

fn seen(folder: &Path) -> Option<Seen> {
    let status = fs::read_to_string(folder.join("status")).ok()?;
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next();
    let resident = field("VmRSS:").and_then(|size| size.parse::<u64>().ok()).unwrap_or(0) << 10;
    Some(Seen { parent: field("PPid:")?.parse().ok()?, resident })
}

/// The memory of the whole tree: what its processes have in use, and the letters that lie in files without a name, which
/// count for nobody until they are looked at.
pub fn memory(root: u32) -> u64 {
    let files = fs::read_dir(format!("/proc/{root}/fd")).into_iter().flatten().flatten();
    let held = files.filter_map(|entry| {
        let is_nameless = fs::read_link(entry.path()).ok()?.to_string_lossy().starts_with("/memfd:");
        is_nameless.then(|| fs::metadata(entry.path()).map(|data| data.blocks() * 512).ok()).flatten()
    });
    tree(root).values().map(|seen| seen.resident).sum::<u64>() + held.sum::<u64>()
}

/// How many processes `root` has started that still are.
pub fn children(root: u32) -> u64 {
    tree(root).len().saturating_sub(1) as u64
}
