//! How fast a lost index is built anew from database and store, beside the index alone on the same letters.
//! `cargo bench --bench rebuild`
//!
//! The server starts without its index and is asked until it is whole: rows are read, texts fetched from the store and opened,
//! and indexed. The limit in the same run is the index that gets the same letters from memory. `LUMBUNG_BENCH_DOCUMENTS` sets
//! another number of letters.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

// The tests' servers, of which a bench needs a part.
#[allow(dead_code, unused_imports, unused_macros)]
#[path = "../tests/it/support/mod.rs"]
mod support;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use lumbung::search::{Change, Details, Index, IndexedDocument, Settings};
use serde_json::json;
use support::app::TestApp;
use support::regency::{Actor, Stack};

/// Share of the index's own rate.
const LEAST: f64 = 0.8;
const BATCH: usize = 200;
const WORDS: usize = 350;

#[tokio::main]
async fn main() -> ExitCode {
    let count = std::env::var("LUMBUNG_BENCH_DOCUMENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(2_000);
    let mut code = ExitCode::SUCCESS;
    let alone = tokio::task::spawn_blocking(move || alone(count)).await.expect("it ends");
    println!("the index alone: {count} letters of {} bytes, {alone:.0} a second", text(0).len());
    for stack in [Stack::Embedded, Stack::Networked] {
        let rebuilt = rebuilt(stack, count).await;
        let share = rebuilt / alone;
        let verdict = if share >= LEAST { "" } else { "  MISSED" };
        println!("{stack:?}: rebuilt at {rebuilt:.0} a second, {share:.2} of that (aim: at least {LEAST}){verdict}");
        if share < LEAST {
            code = ExitCode::FAILURE;
        }
    }
    code
}

/// A letter whose words are partly its own.
fn text(number: usize) -> String {
    let word = |at: usize| {
        let mixed = ((number * WORDS + at) as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
        // Most words of a letter are those of every other one.
        if at.is_multiple_of(5) { format!("kata{mixed:x}") } else { format!("warga{}", mixed % 4_000) }
    };
    (0..WORDS).map(word).collect::<Vec<_>>().join(" ")
}

fn alone(count: usize) -> f64 {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let index = Index::open(folder.path(), [7; 32], Settings::default()).expect("a new index");
    let letters: Vec<IndexedDocument> = (0..count).map(letter).collect();
    let started = Instant::now();
    for (at, letters) in letters.chunks(BATCH).enumerate() {
        let changes = letters.iter().cloned().map(Change::Replace).collect();
        index.apply(changes, at as i64 + 1).expect("applied");
    }
    count as f64 / started.elapsed().as_secs_f64()
}

fn letter(number: usize) -> IndexedDocument {
    let id = uuid::Uuid::from_u128(number as u128 + 1);
    IndexedDocument {
        document: id,
        version: id,
        office: 1,
        class: 0,
        reach_all: false,
        granted: Vec::new(),
        linked: Vec::new(),
        kind: None,
        classification: None,
        date: 20_000,
        year: 2026,
        received_ms: 0,
        details: Details {
            title: format!("Surat {number}"),
            number: None,
            sender: None,
            recipient: None,
            summary: None,
            labels: Vec::new(),
            file_name: Some("surat.txt".to_owned()),
        },
        pages: vec![(1, text(number))],
    }
}

async fn rebuilt(stack: Stack, count: usize) -> f64 {
    let mut app = TestApp::with(stack, &[("limits.api_requests_per_minute", "10000000")]).await;
    let clerk = app.actor(Actor::Clerk);
    let uploads = stream::iter(0..count).map(async |number| {
        clerk.upload("surat.txt", text(number).into_bytes(), json!({ "title": format!("Surat {number}") })).await
    });
    uploads.buffer_unordered(8).for_each(|_| async {}).await;
    while app.app.queue.depth().await.expect("the queue answers").0 > 0 {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    app.settled().await;
    // Long after the last change, so that none has to be looked at again.
    app.clock.advance(Duration::from_secs(600));
    // In one step: a merge that is under way must not keep it there.
    app.restart_after(|data| std::fs::rename(data.join("index"), data.join("lost")).expect("it was there")).await;
    let started = Instant::now();
    while app.app.index.is_fresh() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let rate = count as f64 / started.elapsed().as_secs_f64();
    assert_eq!(app.actor(Actor::Clerk).search("Surat").await["total"], count);
    app.stop().await;
    rate
}
