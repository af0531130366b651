//! A server that is killed while others serve.

use std::time::{Duration, Instant};

use super::load::Load;
use crate::support::program::Program;
use crate::support::regency::{Actor, Stack};

/// What the dead node held is free after ten seconds; then one node reads all that is left.
const FOLLOWS: Duration = Duration::from_secs(120);

/// Jobs with their attempts and what they failed with.
async fn waiting(program: &Program) -> Vec<(String, i64, Option<String>)> {
    let db = program.home.open_database().await;
    let found = db.all("SELECT kind, attempts, last_error FROM job ORDER BY id LIMIT 20", vec![]).await;
    db.close().await;
    found.expect("the database answers")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_node_that_is_killed_under_load_loses_nothing() {
    let short = [("queue.lease_seconds", "10")];
    let mut first = Program::start(Stack::Networked, &short).await;
    let second = first.beside().await;
    let load = Load::begin([first.actor(Actor::Clerk), second.actor(Actor::Clerk)]);
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(2)).await;
        first.cut_and_restart().await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    first.cut();
    let kept = load.end().await;
    assert!(kept.len() > 40, "{} letters are no load", kept.len());
    let clerk = second.actor(Actor::Clerk);
    for (document, bytes) in &kept {
        assert_eq!(clerk.get(&format!("/api/v1/documents/{document}/content")).await.is(200).body, *bytes);
    }
    // What the dead node had begun to read is taken over when its leases end; a letter may be there that nobody was told of.
    let found = async || clerk.search("blencong").await["total"].as_u64().expect("a total");
    let started = Instant::now();
    while found().await < kept.len() as u64 {
        let (found, of) = (found().await, kept.len());
        assert!(started.elapsed() < FOLLOWS, "{found} of {of} are found; jobs: {:?}", waiting(&second).await);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    // One of which nobody was told may have been counted in the place of one that is still being read.
    for (document, _) in &kept {
        let shown = async || clerk.get(&format!("/api/v1/documents/{document}")).await.is(200).json();
        while shown().await["state"] != "ready" {
            assert!(started.elapsed() < FOLLOWS, "{}; jobs: {:?}", shown().await, waiting(&second).await);
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
    eprintln!("{} letters were acknowledged, 4 kills, 0 lost", kept.len());
}
