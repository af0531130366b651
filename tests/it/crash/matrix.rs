//! The process dies at each named point; the story goes on and ends with everything that was acknowledged.

use std::sync::Arc;
use std::time::Instant;

use lumbung::crash::Point;
use tokio::sync::Semaphore;

use super::keeping;
use super::story::Story;
use crate::support::program::Launch;
use crate::support::regency::Stack;
use crate::support::tools::is_full;

/// Stories at once: two cores, and each story has a server of its own.
const AT_ONCE: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn a_death_at_any_point_loses_nothing_embedded() {
    every_point(Stack::Embedded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_death_at_any_point_loses_nothing_networked() {
    every_point(Stack::Networked).await;
}

async fn every_point(stack: Stack) {
    const { assert!(cfg!(debug_assertions), "an optimised program has no points to die at: run this without --release") };
    let started = Instant::now();
    let seats = Arc::new(Semaphore::new(AT_ONCE));
    let mut stories = tokio::task::JoinSet::new();
    for point in Point::ALL.iter().filter(|point| is_met(**point, stack)) {
        stories.spawn(dies_at_each_meeting(stack, *point, seats.clone()));
    }
    let (mut points, mut kills, mut documents) = (0, 0, 0);
    while let Some(ended) = stories.join_next().await {
        let (killed, acknowledged) = ended.expect("a story ends well");
        (points, kills, documents) = (points + 1, kills + killed, documents + acknowledged);
    }
    eprintln!(
        "{stack:?}: {points} points, {kills} kills, {documents} documents acknowledged, 0 lost, in {} s",
        started.elapsed().as_secs()
    );
}

/// The first time that the story meets the point; with `--full` also every later time, which may be on another path. How many
/// deaths and how many documents that were acknowledged.
async fn dies_at_each_meeting(stack: Stack, point: Point, seats: Arc<Semaphore>) -> (usize, usize) {
    let (mut kills, mut documents) = (0, 0);
    loop {
        let _seat = seats.acquire().await.expect("never closed");
        let Some(acknowledged) = dies_at(stack, point, kills + 1).await else { break };
        (kills, documents) = (kills + 1, documents + acknowledged);
        if !is_full() {
            break;
        }
    }
    assert!(kills > 0, "{} was never reached", point.name());
    eprintln!("{stack:?}: died at {} {kills} times and went on", point.name());
    (kills, documents)
}

/// How many documents were acknowledged; none where the story ended without meeting the point so often.
async fn dies_at(stack: Stack, point: Point, time: usize) -> Option<usize> {
    eprintln!("{stack:?}: to die at {}:{time}", point.name());
    let place = format!("{}:{time}", point.name());
    let armed = [("LUMBUNG_DIE_AT", place.as_str())];
    let mut story = Story::begin(stack, &Launch { environment: &armed, ..Launch::default() }).await;
    story.play().await;
    (story.deaths == 1).then_some(story.ledger.documents.len())
}

fn is_met(point: Point, stack: Stack) -> bool {
    let is_of_folder = matches!(point, Point::FolderWritten | Point::FolderNamed);
    keeping::chapter_of(point).is_none() && !(stack == Stack::Networked && is_of_folder)
}
