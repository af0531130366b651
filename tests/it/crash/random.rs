//! Kills at any moment under load. The seed is printed; `LUMBUNG_TEST_SEED` replays the same choices.

use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::RngExt;
use proptest::test_runner::{RngAlgorithm, TestRng};
use reqwest::Method;
use serde_json::json;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use super::ledger::{Kept, Ledger};
use super::story::fresh_word;
use crate::reading::support::letter_pdf;
use crate::support::client::{Client, form, try_send};
use crate::support::program::Program;
use crate::support::regency::{Actor, Stack};
use crate::support::tools::is_full;

const CLIENTS: usize = 4;

#[tokio::test(flavor = "multi_thread")]
async fn kills_at_random_lose_nothing_embedded() {
    kills(Stack::Embedded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_at_random_lose_nothing_networked() {
    kills(Stack::Networked).await;
}

async fn kills(stack: Stack) {
    let (seed, mut chance) = chance();
    let times = if is_full() { 250 } else { 15 };
    eprintln!("{stack:?}: LUMBUNG_TEST_SEED={seed}");
    let started = Instant::now();
    let settings = [("queue.lease_seconds", "10"), ("upload.max_open", "10000")];
    let mut program = Program::start(stack, &settings).await;
    let (clerk, head) = (program.actor(Actor::Clerk), program.actor(Actor::Head));
    let ledger = Arc::new(Mutex::new(Ledger::default()));
    for kill in 0..times {
        let mut load = JoinSet::new();
        for worker in 0..CLIENTS {
            load.spawn(busy(clerk.clone(), ledger.clone(), format!("{seed}-{kill}-{worker}")));
        }
        tokio::time::sleep(Duration::from_millis(chance.random_range(20..1200))).await;
        program.cut_and_restart().await;
        // Every client has one upload under way at most.
        while let Some(ended) = load.join_next().await {
            ended.expect("a client ends with its server");
        }
        let mut ledger = ledger.lock().await;
        ledger.unacknowledged += CLIENTS;
        // All of it each time would be quadratic: the newest now and then, everything at the end. Between two looks the
        // next death comes before what the last one left has been taken up again.
        if kill % 5 == 4 {
            ledger.check_newest(&clerk, 5).await;
        }
    }
    let ledger = ledger.lock().await;
    ledger.check(&clerk, &head).await;
    eprintln!(
        "{stack:?}: {times} kills at random, {} documents acknowledged, 0 lost, in {} s",
        ledger.documents.len(),
        started.elapsed().as_secs()
    );
}

/// Uploads one letter after the other until the connection breaks.
async fn busy(clerk: Client, ledger: Arc<Mutex<Ledger>>, name: String) {
    for n in 0.. {
        let word = fresh_word();
        let bytes = letter_pdf(&[&word, "surat undangan"]);
        let form = form("surat.pdf", bytes.clone(), json!({}));
        let request = clerk.request(Method::POST, "/api/v1/documents").header("Idempotency-Key", format!("{name}-{n}"));
        let Ok(answer) = try_send(request.multipart(form)).await else { return };
        let id = answer.is(201).json()["id"].as_str().expect("an id").to_owned();
        let mut ledger = ledger.lock().await;
        ledger.act("document.upload", &id);
        ledger.documents.insert(id, Kept { bytes, word, trashed: false });
    }
}

fn chance() -> (u64, TestRng) {
    let told = std::env::var("LUMBUNG_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = told.unwrap_or_else(|| u64::from_be_bytes(lumbung::id::random()));
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_be_bytes());
    (seed, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}
