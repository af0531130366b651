//! The process dies once at each named point; the story goes on and ends with everything that was acknowledged.

use std::sync::Arc;
use std::time::Instant;

use lumbung::crash::Point;
use tokio::sync::Semaphore;

use super::keeping;
use super::story::Story;
use crate::support::program::Launch;
use crate::support::regency::Stack;

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
        let seats = seats.clone();
        stories.spawn(async move {
            let _seat = seats.acquire().await.expect("never closed");
            let documents = dies_at(stack, *point).await;
            eprintln!("{stack:?}: died at {} and went on", point.name());
            documents
        });
    }
    let (mut points, mut documents) = (0, 0);
    while let Some(ended) = stories.join_next().await {
        documents += ended.expect("a story ends well");
        points += 1;
    }
    eprintln!(
        "{stack:?}: {points} points, {points} kills, {documents} documents acknowledged, 0 lost, in {} s",
        started.elapsed().as_secs()
    );
}

/// How many documents were acknowledged.
async fn dies_at(stack: Stack, point: Point) -> usize {
    eprintln!("{stack:?}: to die at {}", point.name());
    let armed = [("LUMBUNG_DIE_AT", point.name())];
    let mut story = Story::begin(stack, &Launch { environment: &armed, ..Launch::default() }).await;
    story.play().await;
    assert_eq!(story.deaths, 1, "{} was never reached", point.name());
    story.ledger.documents.len()
}

fn is_met(point: Point, stack: Stack) -> bool {
    let is_of_folder = matches!(point, Point::FolderWritten | Point::FolderNamed);
    keeping::chapter_of(point).is_none() && !(stack == Stack::Networked && is_of_folder)
}
