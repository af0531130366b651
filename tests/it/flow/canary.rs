//! A word that stands in a letter is in no file that Lumbung writes, wherever that file lies.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use reqwest::Method;
use serde_json::json;

use super::id;
use crate::reading::support::{LETTER, letter_pdf, letter_scan, png};
use crate::support::client::{Client, form, send};
use crate::support::program::Program;
use crate::support::regency::{Actor, Stack};

const CANARY: &str = "kenaribisu";

#[tokio::test(flavor = "multi_thread")]
async fn a_word_of_a_letter_is_in_no_file_that_is_written_on_one_machine() {
    nothing_is_in_the_clear(Stack::Embedded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_of_a_letter_is_in_no_file_that_is_written_by_database_and_object_store() {
    nothing_is_in_the_clear(Stack::Networked).await;
}

async fn nothing_is_in_the_clear(stack: Stack) {
    let spooled = [
        ("upload.spool_memory_bytes", "1024"),
        ("upload.part_bytes", "65536"),
        ("log.level", "debug"),
        // What was cut is taken up again soon.
        ("queue.lease_seconds", "10"),
    ];
    let traces = Traces::begin().await;
    let mut program = Program::start(stack, &spooled).await;
    let clerk = program.actor(Actor::Clerk);
    assert!(traces.are_in(&letter()) && traces.are_in(&traces.scan), "in the files themselves it is in the clear");
    everything_is_done_with_it(&clerk, &traces).await;
    assert!(traces.are_nowhere(&program) > 10, "data, store and index were looked at");
    no_core_dump_can_hold_it(&mut program);

    // A power cut while a page is being read.
    let scan = id(&clerk.upload("lagi.png", traces.scan.clone(), json!({ "title": "Lagi" })).await);
    is_being_read(&clerk, &scan).await;
    traces.are_nowhere(&program);
    program.cut_and_restart().await;
    traces.are_nowhere(&program);
    let clerk = program.actor(Actor::Clerk);
    assert_eq!(clerk.settled(&scan).await["state"], "ready", "it is read after the cut");
    assert_eq!(clerk.search(CANARY).await["total"], 4, "it was there all the time");
    traces.are_nowhere(&program);
}

fn letter() -> Vec<u8> {
    letter_pdf(&["Surat undangan", &format!("tentang {CANARY} di desa")])
}

/// Letters by every way in, and every way of looking at them.
async fn everything_is_done_with_it(clerk: &Client, traces: &Traces) {
    let typeset = id(&clerk.upload_and_read("undangan.pdf", letter(), json!({ "title": "Undangan" })).await);
    let text = format!("{CANARY} lagi\n").repeat(5_000);
    let long =
        id(&clerk.upload_and_read("panjang.txt", text.clone().into_bytes(), json!({ "title": "Panjang" })).await);
    let scan = id(&clerk.upload_and_read("pindaian.png", traces.scan.clone(), json!({ "title": "Pindaian" })).await);
    assert_eq!(clerk.search(CANARY).await["total"], 3);
    clerk.get(&format!("/api/v1/search/suggest?q={}", &CANARY[..6])).await.is(200);
    for document in [&typeset, &scan] {
        let path = format!("/api/v1/documents/{document}");
        clerk.get(&format!("{path}/pages/1/words?q={CANARY}")).await.is(200);
        for width in [240, 1200, 1800] {
            clerk.get(&format!("{path}/pages/1/image?width={width}")).await.is(200);
        }
    }
    clerk.get(&format!("/api/v1/documents/{long}/content")).await.is(200);
    let photo = include_bytes!("../../data/surat.heic").to_vec();
    clerk.upload("foto.heic", photo, json!({ "title": "Foto" })).await;
    // An upload that fails at its end, and one that never ends, leave nothing in the clear either.
    let damaged = clerk.request(Method::POST, "/api/v1/documents").header("Content-Digest", "sha-256=:AAAA:");
    send(damaged.multipart(form("rusak.txt", text.clone().into_bytes(), json!({})))).await.is(400);
    let begun = clerk.request(Method::POST, "/api/v1/uploads").header("Tus-Resumable", "1.0.0");
    let begun = begun.header("Upload-Length", 10_000_000).header("Upload-Metadata", "metadata e30=");
    send(begun.header("Content-Type", "application/offset+octet-stream").body(text)).await.is(201);
}

async fn is_being_read(clerk: &Client, document: &str) {
    let started = Instant::now();
    while clerk.get(&format!("/api/v1/documents/{document}")).await.is(200).json()["state"] != "reading" {
        assert!(started.elapsed() < Duration::from_secs(60), "nobody begins to read {document}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// One byte is no core file, and it makes the kernel give up also where it would pipe one to a program.
fn no_core_dump_can_hold_it(program: &mut Program) {
    let process = PathBuf::from(format!("/proc/{}", program.process()));
    let limits = fs::read_to_string(process.join("limits")).expect("the process");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("a line");
    let [soft, hard] = [4, 5].map(|field| core.split_whitespace().nth(field).and_then(|size| size.parse::<u64>().ok()));
    assert!(soft.is_some_and(|size| size <= 1) && hard.is_some_and(|size| size <= 1), "{core}");
    // A process whose memory is its own belongs to the superuser in the eyes of everybody else.
    let owner = fs::metadata(process.join("environ")).expect("the process").uid();
    assert_eq!(owner, 0, "other processes of the same user can look into its memory");
}

/// What would give a letter away: its word, and a piece of the scan that it stands on.
struct Traces {
    scan: Vec<u8>,
    piece: String,
    since: SystemTime,
}

impl Traces {
    async fn begin() -> Traces {
        let scan = png(&letter_scan(&[LETTER[0], "tentang", &CANARY.to_uppercase(), "kepada camat"]).await);
        // A file of our own marks the moment by the same clock that stamps all others.
        let mark = tempfile::NamedTempFile::new().expect("the temporary folder is writable");
        let since = mark.as_file().metadata().and_then(|data| data.modified()).expect("a time");
        // As text it is looked for by the standard library's fast search; its ends depend on what stands beside it.
        let piece: Vec<char> = String::from_utf8_lossy(&scan[1_000..1_128]).chars().collect();
        let piece = piece[4..piece.len() - 4].iter().collect();
        Traces { scan, piece, since }
    }

    fn are_in(&self, bytes: &[u8]) -> bool {
        let text = String::from_utf8_lossy(bytes);
        text.contains(&self.piece) || text.to_ascii_lowercase().contains(CANARY)
    }

    /// How many files of its own Lumbung has; each was read. The folders for temporary files, in which PostgreSQL and the
    /// object store of the tests have their data too, are gone through for what was written since.
    fn are_nowhere(&self, program: &Program) -> usize {
        let mut found = Vec::new();
        files(&program.home.dir, &mut found);
        let own = found.len();
        let mut elsewhere = Vec::new();
        for folder in [std::env::temp_dir(), "/tmp".into(), "/var/tmp".into(), "/dev/shm".into()] {
            files(&folder, &mut elsewhere);
        }
        let is_new =
            |path: &PathBuf| fs::metadata(path).and_then(|data| data.modified()).is_ok_and(|at| at >= self.since);
        found.extend(elsewhere.into_iter().filter(is_new));
        found.sort();
        found.dedup();
        for path in &found {
            let Ok(bytes) = fs::read(path) else { continue };
            assert!(!self.are_in(&bytes), "{} holds it", path.display());
        }
        assert!(!self.are_in(program.output().as_bytes()), "the log holds it");
        own
    }
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => files(&entry.path(), found),
            Ok(kind) if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
}
