//! An archive lives by single documents for years: thousands of commits of one document each must leave neither a heap of
//! segments, nor of files, nor of memory.

use std::fs;
use std::process::Command;

use lumbung::search::Change;
use uuid::Uuid;

use super::{Archive, document};
use crate::support::tools::is_full;

/// Ten thousand with `--full`, which takes some minutes without optimisation; segments are merged eight by eight, so that
/// a heap would show in a fifth of them.
fn commits() -> u128 {
    if is_full() { 10_000 } else { 2_000 }
}

/// What a process of its own may grow by between the thousandth commit and the last.
const MOST_GROWN_KIB: u64 = 48 << 10;
const ALONE: &str = "LUMBUNG_TEST_ALONE";

/// In a process of its own, because other tests' memory cannot be told from this one's.
#[test]
fn thousands_of_single_commits_leave_no_heap() {
    if std::env::var_os(ALONE).is_none() {
        let mut again = Command::new(std::env::current_exe().expect("this program"));
        again.args(["--exact", "search_index::heap::thousands_of_single_commits_leave_no_heap"]).env(ALONE, "1");
        let done = again.output().expect("it runs");
        return assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
    }
    let (archive, commits) = (Archive::new(), commits());
    let (mut most_segments, mut most_files, mut early) = (0, 0, 0);
    for id in 1..=commits {
        archive.put(vec![document(id, "Surat", &["undangan rapat desa", &format!("nomor {id}")])]);
        if id % 10 == 0 {
            // Some are changed again, some destroyed.
            archive.put(vec![document(id - 5, "Surat", &["undangan rapat kecamatan"])]);
            archive
                .index
                .apply(vec![Change::Remove(Uuid::from_u128(id - 3))], archive.index.cursor() + 1)
                .expect("applies");
        }
        if id % 100 == 0 {
            most_segments = most_segments.max(archive.index.size().1);
            most_files = most_files.max(fs::read_dir(archive.dir.path()).expect("the folder").count());
        }
        if id == 1_000 {
            early = resident_kib();
        }
    }
    let grown = resident_kib().saturating_sub(early);
    assert!(most_segments <= 24, "{most_segments} segments");
    assert!(most_files <= 400, "{most_files} files");
    assert!(grown <= MOST_GROWN_KIB, "{grown} KiB more than after a thousand");
    let all = archive.ask("undangan");
    assert_eq!(all.total as u128, commits - commits / 10);
    assert_eq!(archive.ask("kecamatan").total as u128, commits / 10);
}

fn resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux");
    line.trim().trim_end_matches("kB").trim().parse().expect("a number")
}
