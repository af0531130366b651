//! Large files pass through in constant memory, and a small range of one is fetched by itself.

use std::process::Command;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use lumbung::blob::{BlobStore, Memory, Settings};
use lumbung::error::Result;
use lumbung::seal::{Limits, Opener, seal_bytes, seal_stream};

const CHILD: &str = "LUMBUNG_TEST_MEASURES_MEMORY";
const SIZE: u64 = 512 << 20;
const ALLOWED_KIB: u64 = 64 << 10;

/// Measured in a process of its own, because other tests of this one take memory too.
#[test]
fn half_a_gigabyte_goes_in_and_out_within_64_mib() {
    if std::env::var_os(CHILD).is_some() {
        return measure();
    }
    let mut child = Command::new(std::env::current_exe().expect("this program"));
    child.args(["--exact", "store::frugality::half_a_gigabyte_goes_in_and_out_within_64_mib", "--nocapture"]);
    let done = child.env(CHILD, "1").output().expect("runs");
    let said = String::from_utf8_lossy(&done.stderr);
    // A name that no test bears would be a success too.
    assert!(done.status.success() && said.contains("memory added:"), "{said}");
}

fn measure() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let before = peak_kib();
    runtime.block_on(there_and_back(folder.path()));
    let added = peak_kib() - before;
    eprintln!("memory added: {added} KiB");
    assert!(added <= ALLOWED_KIB, "{added} KiB");
}

async fn there_and_back(folder: &std::path::Path) {
    let store = BlobStore::open(&Settings::folder(folder.join("store"))).await.expect("opens");
    let piece = Bytes::from(vec![7; 64 << 10]);
    let plain = stream::iter(0..SIZE / piece.len() as u64).map(|_| -> Result<Bytes> { Ok(piece.clone()) });
    let (sealed, body) = seal_stream(plain, &Limits::new(folder.join("spool")), None).await.expect("seals");
    store.put(&sealed.name, &body).await.expect("stored");
    drop(body);
    let opener = Opener::new(&sealed.key);
    let plan = opener.plan_whole();
    let got = store.get(&sealed.name, Some(plan.sealed())).await.expect("there");
    let mut opened = std::pin::pin!(opener.open_stream(plan, got.stream));
    let (mut total, expected) = (0, [7; 64 << 10]);
    while let Some(piece) = opened.next().await {
        let piece = piece.expect("authentic");
        assert!(piece == expected[..piece.len()]);
        total += piece.len() as u64;
    }
    assert_eq!(total, SIZE);
}

/// The largest resident set that this process ever had.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux");
    line.trim().trim_end_matches("kB").trim().parse().expect("a number")
}

#[tokio::test]
async fn four_kib_across_a_border_inside_64_mib_take_one_fetch_of_two_chunks() {
    let memory = Memory::default();
    let store = BlobStore::from(memory.clone());
    let plain: Vec<u8> = (0..64u32 << 20).map(|at| (at >> 3) as u8).collect();
    let (sealed, body) = seal_bytes(&plain, None).expect("seals");
    store.put(&sealed.name, &body).await.expect("stored");
    let border = 500 * 65_536u64;
    let range = border - 2048..border + 2048;
    let opener = Opener::new(&sealed.key);
    let plan = opener.plan(range.clone()).expect("within");
    let got = store.get(&sealed.name, Some(plan.sealed())).await.expect("there");
    let opened = opener.open_range(&plan, &got.collect().await.expect("whole")).expect("authentic");
    assert_eq!(&opened[..], &plain[range.start as usize..range.end as usize]);
    assert_eq!(memory.fetched(), (1, 131_104));
}
