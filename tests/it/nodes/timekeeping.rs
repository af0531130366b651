//! Nodes whose machines are set wrong, one ten minutes ahead and one ten behind.

use std::time::Duration;

use lumbung::clock::Clock;
use serde_json::json;

use crate::finding::{counted, letter, path, until, untitled};
use crate::share::{anyone, link, open};
use crate::support::program::{Launch, Program};
use crate::support::regency::{Actor, Stack};

const CAUGHT_UP: Duration = Duration::from_secs(5);

fn set_to(seconds: &'static [(&'static str, &'static str)]) -> Launch<'static> {
    Launch { environment: seconds, ..Launch::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_whose_machines_are_set_wrong_still_find_what_the_others_take_in_and_end_links_in_time() {
    let ahead = set_to(&[("LUMBUNG_MACHINE_AHEAD", "600")]);
    let mut ahead = Program::launch(Stack::Networked, &[], &ahead).await;
    assert!(ahead.becomes_ready().await, "{}", ahead.output());
    let behind = ahead.beside_as(&set_to(&[("LUMBUNG_MACHINE_AHEAD", "-600")])).await;
    let nodes = [ahead.actor(Actor::Clerk), behind.actor(Actor::Clerk)];
    for (at, word) in ["tanggulsatu", "tanggulduaan"].into_iter().enumerate() {
        let document = letter(&nodes[at], &format!("perbaikan {word}"), untitled()).await;
        for clerk in &nodes {
            until(CAUGHT_UP, "every node finds it", async || counted(clerk, word).await == 1).await;
        }
        nodes[1 - at].delete(&path(&document)).await.is(204);
        assert_eq!(counted(&nodes[at], word).await, 0, "what went into the trash elsewhere is not found");
    }
    let document = letter(&nodes[0], "perbaikan jembatan", untitled()).await;
    let soon = Clock::default().now().plus(Duration::from_secs(4)).rfc3339();
    let terms = json!({ "audience": anyone(), "rights": "download", "expires_at": soon });
    let made = link(&nodes[1], &document, &terms).await;
    open(&nodes[1], &made, json!({})).await.is(200);
    tokio::time::sleep(Duration::from_secs(5)).await;
    for node in &nodes {
        open(node, &made, json!({})).await.refusal(404, "link-unusable");
    }
}
