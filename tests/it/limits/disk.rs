//! Full disks: the real program on a small one of its own, which nobody else sees and which ends with it.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::*;
use crate::support::app::Home;
use crate::support::program::Program;
use crate::support::regency::{Actor, Stack};

/// Mounts a small disk over a folder with what lies in it, in a name space of its own, and becomes the program.
const STARTER: &str = r#"
set -e
mkdir -p "$0"
mkdir "$0.kept"
cp -a "$0/." "$0.kept/"
mount -t tmpfs -o "size=$1,mode=0700" tmpfs "$0"
cp -a "$0.kept/." "$0/"
rm -rf "$0.kept"
shift
exec "$@"
"#;

pub(super) fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

/// Other folders than that of the whole data are named, such as `store`.
pub(super) fn on_small_disk(size: &'static str, folder: Option<&'static str>) -> impl FnOnce(&Home) -> Vec<String> {
    move |home| {
        let place = folder.map_or(home.dir.clone(), |folder| home.dir.join(folder));
        let mut words = vec!["unshare".to_owned(), "--mount".to_owned()];
        // Only root may mount; anybody is root in a name space of their own users.
        if !is_root() {
            words.extend(["--user".to_owned(), "--map-root-user".to_owned()]);
        }
        words.extend(["/bin/sh", "-c", STARTER].map(str::to_owned));
        words.extend([place.display().to_string(), size.to_owned()]);
        words
    }
}

/// A file of the program's data as the program sees it.
fn inside(program: &mut Program, name: &str) -> PathBuf {
    let dir = program.home.dir.clone();
    let inside = dir.strip_prefix("/").expect("an absolute path");
    Path::new("/proc").join(program.process().to_string()).join("root").join(inside).join(name)
}

fn fill(ballast: &Path) {
    let mut file = fs::File::create(ballast).expect("the small disk is there");
    for size in [64 << 10, 4 << 10] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
}

/// Bytes that nobody tries to read.
fn bytes(size: usize, seed: u8) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..size).map(|at| (at * 31 + at / 977) as u8 ^ seed).collect();
    bytes[..4].copy_from_slice(&[0x7f, seed, 0, 1]);
    bytes
}

async fn try_upload(caller: &Client, size: usize, seed: u8) -> crate::support::client::Answer {
    caller.try_upload("data.bin", bytes(size, seed), json!({})).await
}

async fn is_full(caller: &Client, size: usize) {
    for (cookie, words) in [("lang=en", "tell the operator"), ("lang=id", "hubungi operator")] {
        let form = crate::support::client::form("data.bin", bytes(size, 250), json!({}));
        let request = caller.request(Method::POST, "/api/v1/documents").multipart(form);
        let answer = send(request.header("Cookie", cookie)).await;
        assert_eq!(answer.header("retry-after"), "5", "{}", answer.text());
        let problem = answer.refusal(503, "disk-full");
        assert!(problem["detail"].as_str().is_some_and(|said| said.contains(words)), "{problem}");
    }
}

async fn is_readable(caller: &Client, document: &Value, seed: u8, size: usize) {
    let path = format!("/api/v1/documents/{}/content", document["id"].as_str().expect("an id"));
    assert!(caller.get(&path).await.is(200).body == bytes(size, seed), "the original came back changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_store_refuses_keeps_what_it_has_and_goes_on_when_there_is_room() {
    let mut program = Program::started_by(Stack::Embedded, &[], on_small_disk("2m", Some("store"))).await;
    let clerk = program.actor(Actor::Clerk);
    let first = try_upload(&clerk, 300_000, 1).await.is(201).json();
    let ballast = inside(&mut program, "store/ballast");
    fill(&ballast);
    is_full(&clerk, 300_000).await;
    assert_eq!(documents(&clerk).await, 1);
    is_readable(&clerk, &first, 1, 300_000).await;
    let unfinished = inside(&mut program, "store/.unfinished");
    let left = fs::read_dir(unfinished).expect("there").flatten().filter(|file| file.file_name() != "clock").count();
    assert_eq!(left, 0, "what could not be finished is cleared away");
    fs::remove_file(ballast).expect("ours");
    let second = try_upload(&clerk, 300_000, 2).await.is(201).json();
    is_readable(&clerk, &second, 2, 300_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_spool_refuses_large_files_only_and_is_left_empty() {
    let settings = [("upload.spool_memory_bytes", "65536")];
    let mut program = Program::started_by(Stack::Embedded, &settings, on_small_disk("1m", Some("spool"))).await;
    let clerk = program.actor(Actor::Clerk);
    is_full(&clerk, 3_000_000).await;
    let spool = inside(&mut program, "spool");
    assert_eq!(fs::read_dir(&spool).expect("there").count(), 0);
    assert_eq!(documents(&clerk).await, 0);
    for (size, seed) in [(20_000, 3), (700_000, 4)] {
        let made = try_upload(&clerk, size, seed).await.is(201).json();
        is_readable(&clerk, &made, seed, size).await;
    }
    assert_eq!(fs::read_dir(&spool).expect("there").count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_altogether_takes_nothing_and_loses_nothing() {
    let mut program = Program::started_by(Stack::Embedded, &[], on_small_disk("48m", None)).await;
    let clerk = program.actor(Actor::Clerk);
    let first = try_upload(&clerk, 50_000, 1).await.is(201).json();
    // A first reading is noted before a byte leaves, which needs room; who was noted a moment ago may read on.
    is_readable(&clerk, &first, 1, 50_000).await;
    let ballast = inside(&mut program, "ballast");
    fill(&ballast);
    is_full(&clerk, 50_000).await;
    // A change without a file needs the database alone.
    let path = format!("/api/v1/documents/{}", first["id"].as_str().expect("an id"));
    for number in 0..200 {
        let etag = clerk.get(&path).await.is(200).header("etag").to_owned();
        let change = json!({ "summary": format!("{number} {}", "tanggul ".repeat(1000)) });
        let answer = send(clerk.request(Method::PATCH, &path).header("If-Match", etag).json(&change)).await;
        if answer.status != 200 {
            answer.refusal(503, "disk-full");
            break;
        }
        assert!(number < 199, "the database found room on a full disk");
    }
    is_readable(&clerk, &first, 1, 50_000).await;
    assert_eq!(documents(&clerk).await, 1);
    fs::remove_file(ballast).expect("ours");
    let second = try_upload(&clerk, 50_000, 2).await.is(201).json();
    is_readable(&clerk, &second, 2, 50_000).await;
    clerk.patch(&path, json!({ "title": "Masih bisa diubah" })).await.is(200);
}
