//! Whether time tells of a link what its answers do not.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::share::{anyone, letter, link, terms};
use crate::support::app::TestApp;
use crate::support::client::Client;
use crate::support::regency::{Actor, Stack};

const PAIRS: usize = 150;

/// Of pairs of wrong guesses, one at a link that exists and one at none, the share in which the first took longer.
async fn slower_of_pairs(stranger: &Client, there: &str, missing: &str, way: &str) -> f64 {
    let mut slower = 0;
    for pair in 0..PAIRS {
        let mut took = [Duration::ZERO; 2];
        for turn in 0..2 {
            let which = (pair + turn) % 2;
            let body = json!({ "secret": "00000000000000000000000000000000" });
            let path = format!("/api/v1/shared/{}/{way}", [there, missing][which]);
            let begun = Instant::now();
            stranger.post(&path, body).await.refusal(404, "link-unusable");
            took[which] = begun.elapsed();
        }
        slower += usize::from(took[0] > took[1]);
    }
    slower as f64 / PAIRS as f64
}

async fn even_times(stack: Stack) {
    let settings = [("throttle.link_free", "1000000"), ("limits.api_requests_per_minute", "1000000")];
    let app = TestApp::with(stack, &settings).await;
    let village = app.actor(Actor::Clerk);
    let document = letter(&village, "biasa").await;
    let made = link(&village, &document, &terms(&app, anyone(), "view", json!({}))).await;
    let missing = "a".repeat(made.public.len());
    let stranger = app.nobody();
    for way in ["peek", "open"] {
        let share = slower_of_pairs(&stranger, &made.public, &missing, way).await;
        // Half, if time tells nothing. What looking at an existing one costs more would make it nearly all.
        assert!((0.33..=0.67).contains(&share), "{way}: an existing one is slower in {share} of the pairs");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn how_long_a_wrong_secret_takes_does_not_tell_whether_the_link_exists_embedded() {
    even_times(Stack::Embedded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn how_long_a_wrong_secret_takes_does_not_tell_whether_the_link_exists_networked() {
    even_times(Stack::Networked).await;
}
