//! Records follow the acknowledgement by themselves.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::client::Client;
use crate::support::program::Program;
use crate::support::regency::{Actor, Stack};

const EVERY: u64 = 2;
/// One round under way, and the next one, on a machine that is busy.
const BEHIND: u64 = 3 * EVERY + 4;

#[tokio::test(flavor = "multi_thread")]
async fn records_are_never_further_behind_than_a_few_of_their_rounds_embedded() {
    follow(Stack::Embedded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_never_further_behind_than_a_few_of_their_rounds_networked() {
    follow(Stack::Networked).await;
}

async fn follow(stack: Stack) {
    let every = EVERY.to_string();
    let program = Program::start(stack, &[("records.every_seconds", every.as_str())]).await;
    let clerk = program.actor(Actor::Clerk);
    // What the tests' installation was made of is older than this server.
    all_recorded(&clerk, Duration::from_secs(30)).await;
    let (started, mut most, mut seen) = (Instant::now(), 0, false);
    while started.elapsed() < Duration::from_secs(10) {
        clerk.upload("surat.txt", format!("Perihal: {:?}", started.elapsed()).into_bytes(), json!({})).await;
        let records = clerk.get("/api/v1/status").await.is(200).json()["records"].clone();
        most = most.max(records["behind_seconds"].as_u64().expect("a lag"));
        seen |= records["waiting"].as_u64().is_some_and(|waiting| waiting > 0);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(seen, "what is not recorded yet is said");
    assert!(most <= BEHIND, "{most} s behind");
    all_recorded(&clerk, Duration::from_secs(BEHIND)).await;
}

async fn all_recorded(clerk: &Client, patience: Duration) {
    let started = Instant::now();
    loop {
        let records = clerk.get("/api/v1/status").await.is(200).json()["records"].clone();
        if records["waiting"] == 0 {
            assert_eq!(records["behind_seconds"], 0, "{records}");
            return;
        }
        assert!(started.elapsed() < patience, "nobody flushes: {records}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
