//! Kills at any moment under load. The seed is printed; `LUMBUNG_TEST_SEED` replays the same choices.

use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::RngExt;
use proptest::test_runner::{RngAlgorithm, TestRng};
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::ledger::Ledger;
use super::leftover;
use super::load::{HABITS, Worker};
use crate::support::program::Program;
use crate::support::regency::{Actor, Stack};
use crate::support::tools::is_full;

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
    let mut workers =
        HABITS.map(|habit| Worker::new(habit, clerk.clone(), ledger.clone())).into_iter().collect::<Vec<_>>();
    for kill in 0..times {
        let (mut load, dead) = (JoinSet::new(), CancellationToken::new());
        for worker in workers.drain(..) {
            load.spawn(worker.work(dead.clone()));
        }
        tokio::time::sleep(Duration::from_millis(chance.random_range(20..1200))).await;
        program.cut();
        dead.cancel();
        while let Some(ended) = load.join_next().await {
            workers.push(ended.expect("a client ends with its server"));
        }
        program.start_again().await;
        // All of it each time would be quadratic: the newest now and then, everything at the end. Between two looks the
        // next death comes before what the last one left has been taken up again.
        if kill % 5 == 4 {
            ledger.lock().await.check_newest(&clerk, 5).await;
        }
    }
    let ledger = ledger.lock().await;
    ledger.check(&clerk, &head).await;
    leftover::none(&program).await;
    let acts: u64 = ledger.acts.values().sum();
    eprintln!(
        "{stack:?}: {times} kills at random, {acts} acts and {} documents acknowledged, 0 lost, nothing left over, in {} s",
        ledger.documents.len(),
        started.elapsed().as_secs()
    );
}

fn chance() -> (u64, TestRng) {
    let told = std::env::var("LUMBUNG_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = told.unwrap_or_else(|| u64::from_be_bytes(lumbung::id::random()));
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_be_bytes());
    (seed, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}
