//! A word that stands in a letter is in no file that Lumbung writes.

use std::fs;
use std::path::{Path, PathBuf};

use reqwest::Method;
use serde_json::json;

use super::{holds, id};
use crate::reading::support::letter_pdf;
use crate::support::client::{form, send};
use crate::support::program::Program;
use crate::support::regency::{Actor, Stack};

const CANARY: &str = "kenaribisu";

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => files(&entry.path(), found),
            Ok(_) => found.push(entry.path()),
            Err(_) => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_of_a_letter_is_in_no_file_that_is_written() {
    let spooled = [("upload.spool_memory_bytes", "1024"), ("upload.part_bytes", "65536"), ("log.level", "debug")];
    let mut program = Program::start(Stack::Embedded, &spooled).await;
    let clerk = program.actor(Actor::Clerk);
    let lines = ["Surat undangan", &format!("tentang {CANARY} di desa")];
    let pdf = letter_pdf(&lines);
    assert!(holds(&pdf, CANARY), "in the file itself it is in the clear");
    let document = id(&clerk.upload_and_read("undangan.pdf", pdf, json!({ "title": "Undangan" })).await);
    let text = format!("{CANARY} lagi\n").repeat(5_000);
    let other =
        id(&clerk.upload_and_read("panjang.txt", text.clone().into_bytes(), json!({ "title": "Panjang" })).await);
    let path = format!("/api/v1/documents/{document}");
    assert_eq!(clerk.search(CANARY).await["total"], 2);
    clerk.get(&format!("/api/v1/search/suggest?q={}", &CANARY[..6])).await.is(200);
    clerk.get(&format!("{path}/pages/1/words?q={CANARY}")).await.is(200);
    clerk.get(&format!("{path}/pages/1/image")).await.is(200);
    clerk.get(&format!("/api/v1/documents/{other}/content")).await.is(200);
    // An upload that fails at its end, and one that never ends, leave nothing in the clear either.
    let damaged = clerk.request(Method::POST, "/api/v1/documents").header("Content-Digest", "sha-256=:AAAA:");
    send(damaged.multipart(form("rusak.txt", text.clone().into_bytes(), json!({})))).await.is(400);
    let begun = clerk.request(Method::POST, "/api/v1/uploads").header("Tus-Resumable", "1.0.0");
    let begun = begun.header("Upload-Length", 10_000_000).header("Upload-Metadata", "metadata e30=");
    send(begun.header("Content-Type", "application/offset+octet-stream").body(text)).await.is(201);

    assert!(is_clean(&program) > 10, "data, store and index were looked at");
    let limits = fs::read_to_string(format!("/proc/{}/limits", program.process())).expect("the process");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("a line");
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "no core dump can hold a letter: {core}");
    program.cut_and_restart().await;
    is_clean(&program);
    assert!(program.actor(Actor::Clerk).search(CANARY).await["total"] == 2, "it was there all the time");
}

/// How many files there are; each was read.
fn is_clean(program: &Program) -> usize {
    let mut found = Vec::new();
    files(&program.home.dir, &mut found);
    for path in &found {
        let Ok(bytes) = fs::read(path) else { continue };
        let lower = bytes.to_ascii_lowercase();
        assert!(!holds(&lower, CANARY), "{} holds it", path.display());
    }
    assert!(!program.output().to_lowercase().contains(CANARY), "the log holds it");
    found.len()
}
