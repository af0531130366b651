//! How often somebody may ask.

use std::time::Duration;

use crate::support::app::TestApp;
use crate::support::client::Client;
use crate::support::regency::{Actor, Stack};

/// How many of so many requests were answered.
async fn answered(client: &Client, path: &str, requests: usize) -> usize {
    let mut answered = 0;
    for _ in 0..requests {
        let answer = client.get(path).await;
        if answer.status != 429 {
            answered += 1;
            continue;
        }
        answer.clone().refusal(429, "too-many");
        assert!((1..=60).contains(&answer.header("retry-after").parse::<u64>().expect("seconds")));
    }
    answered
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_asks_too_often_waits_and_nobody_else_does() {
    let app = TestApp::with(Stack::Embedded, &[("limits.api_requests_per_minute", "20")]).await;
    let (clerk, head) = (app.actor(Actor::Clerk), app.actor(Actor::Head));
    let (me, status) = ("/api/v1/me", "/api/v1/status");
    // The first request of each is counted for the network: only then is it known whose it was.
    assert_eq!(answered(&clerk, me, 30).await, 21);
    assert_eq!(answered(&head, me, 3).await, 3, "another token is another caller");
    assert_eq!(answered(&app.nobody(), status, 30).await, 18, "strangers are counted by network");
    let invented = app.nobody().with_token("lmb_tidakada");
    assert_eq!(answered(&invented, me, 3).await, 0, "an invented token is a stranger's");
    assert_eq!(answered(&head, me, 3).await, 3, "a crowded network stops nobody who is known");
    assert_eq!(answered(&app.nobody(), "/healthz", 30).await, 30);
    assert_eq!(answered(&app.nobody(), "/assets/none.css", 30).await, 30, "assets are free");
    app.clock.advance(Duration::from_secs(60));
    assert_eq!(answered(&clerk, me, 3).await, 3);
    assert_eq!(answered(&app.nobody(), status, 3).await, 3);
    app.finish().await;
}
