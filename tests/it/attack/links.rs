//! Whether time tells of a link what its answers do not.

use serde_json::json;

use super::timing::slower_of_pairs;
use crate::share::{anyone, letter, link, terms};
use crate::support::app::TestApp;
use crate::support::regency::{Actor, Stack};

const PAIRS: usize = 150;

async fn even_times(stack: Stack) {
    let settings = [("throttle.link_free", "1000000"), ("limits.api_requests_per_minute", "1000000")];
    let app = TestApp::with(stack, &settings).await;
    let village = app.actor(Actor::Clerk);
    let document = letter(&village, "biasa").await;
    let made = link(&village, &document, &terms(&app, anyone(), "view", json!({}))).await;
    let missing = "a".repeat(made.public.len());
    let stranger = app.nobody();
    for way in ["peek", "open"] {
        // Of wrong guesses, the first at a link that exists and the other at none.
        let share = slower_of_pairs(PAIRS, async |which| {
            let path = format!("/api/v1/shared/{}/{way}", [&made.public, &missing][which]);
            let body = json!({ "secret": "00000000000000000000000000000000" });
            stranger.post(&path, body).await.refusal(404, "link-unusable");
        })
        .await;
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
