//! How much room the disks have to which this node writes.

use std::path::Path;

use crate::config::Config;

/// Free bytes below each folder that is written to, by what lies there.
pub fn free(config: &Config) -> Vec<(&'static str, u64)> {
    let store = (config.storage.kind == "folder").then_some(("store", config.storage.folder.as_path()));
    let places = [("data", config.data.dir.as_path()), ("spool", &config.upload.spool), ("index", &config.search.dir)];
    places.into_iter().chain(store).filter_map(|(name, folder)| Some((name, free_below(folder)?))).collect()
}

/// Whether there is `limits.min_free_bytes` everywhere. A folder that cannot be asked is judged by those who write to it.
pub fn has_room(config: &Config) -> bool {
    free(config).iter().all(|(_, bytes)| *bytes >= config.limits.min_free_bytes)
}

/// What is left for a program without special rights.
fn free_below(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}
