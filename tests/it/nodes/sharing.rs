//! Links that two servers are asked for at the same instant.

use futures_util::{StreamExt, stream};
use serde_json::json;

use crate::share::{anyone, letter, link, log, open, page, shown, terms};
use crate::support::app::TestApp;
use crate::support::regency::{Actor, Stack};

const RACES: usize = 1000;

#[tokio::test(flavor = "multi_thread")]
async fn of_two_openings_at_the_same_instant_on_two_nodes_exactly_one_gets_the_last() {
    let app = TestApp::with(Stack::Networked, &[("limits.api_requests_per_minute", "1000000")]).await;
    let node = app.another_node().await;
    let village = app.actor(Actor::Clerk);
    let document = letter(&village, "biasa").await;
    let terms = terms(&app, anyone(), "view", json!({ "max_opens": 1 }));
    let (here, there) = (app.nobody(), node.nobody());
    let race = async |_| {
        let made = link(&village, &document, &terms).await;
        let (one, two) = tokio::join!(open(&here, &made, json!({})), open(&there, &made, json!({})));
        let mut answers = [one.status, two.status];
        answers.sort_unstable();
        assert_eq!(answers, [200, 404], "one wins, the other is told that the link is spent");
        made
    };
    let raced: Vec<_> = stream::iter(0..RACES).map(race).buffer_unordered(4).collect().await;
    assert_eq!(raced.len(), RACES);
    for made in raced.iter().step_by(50) {
        assert_eq!(shown(&village, made).await["opens"], 1);
        assert_eq!(log(&village, made).await.iter().filter(|line| *line == "opened").count(), 1);
    }
    node.stop().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_revoked_on_one_node_is_closed_on_the_other_at_once() {
    let app = TestApp::start(Stack::Networked).await;
    let node = app.another_node().await;
    let village = app.actor(Actor::Clerk);
    let document = letter(&village, "biasa").await;
    for _ in 0..20 {
        let made = link(&village, &document, &terms(&app, anyone(), "view", json!({}))).await;
        let opened = open(&node.nobody(), &made, json!({})).await.is(200);
        let there = node.nobody().with_token(opened.json()["grant"].as_str().expect("a grant"));
        there.get(&page(&made)).await.is(200);
        village.delete(&format!("/api/v1/links/{}", made.id)).await.is(204);
        there.get(&page(&made)).await.refusal(404, "link-unusable");
        open(&node.nobody(), &made, json!({})).await.refusal(404, "link-unusable");
    }
    node.stop().await;
    app.finish().await;
}
