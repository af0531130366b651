//! Two servers on one database and one bucket, each with an index of its own that looks for changes once a second.

use std::time::Duration;

use serde_json::json;

use crate::finding::{counted, letter, path, until, untitled};
use crate::support::app::TestApp;
use crate::support::regency::{Actor, Stack};

const CAUGHT_UP: Duration = Duration::from_secs(5);

async fn regency() -> TestApp {
    TestApp::with(Stack::Networked, &[("search.poll_milliseconds", "1000")]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_is_found_on_every_node_within_five_seconds_and_on_one_that_joins_later() {
    let app = regency().await;
    let node = app.another_node().await;
    let (here, there) = (app.actor(Actor::Clerk), node.actor(Actor::Clerk));
    for (caller, asker, word) in [(&here, &there, "tanggulsatu"), (&there, &here, "tanggulduaan")] {
        letter(caller, &format!("perbaikan {word}"), untitled()).await;
        until(CAUGHT_UP, "the other node finds it", async || counted(asker, word).await == 1).await;
    }
    let late = app.another_node().await;
    let latest = late.actor(Actor::Clerk);
    until(CAUGHT_UP, "a new node has built its index", async || counted(&latest, "perbaikan").await == 2).await;
    late.stop().await;
    node.stop().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_on_one_node_is_left_out_on_the_other_at_once() {
    let app = regency().await;
    let node = app.another_node().await;
    let (here, there) = (app.actor(Actor::Clerk), node.actor(Actor::Clerk));
    let (other_here, other_there) = (app.actor(Actor::OtherClerk), node.actor(Actor::OtherClerk));
    let document = letter(&here, "tanggul blencong", json!({ "reach": "kabupaten" })).await;
    for asker in [&there, &other_there] {
        until(CAUGHT_UP, "the other node finds it", async || counted(asker, "blencong").await == 1).await;
    }
    here.delete(&path(&document)).await.is(204);
    assert_eq!((counted(&there, "blencong").await, counted(&other_there, "blencong").await), (0, 0));
    there.post(&format!("{}/restore", path(&document)), json!({})).await.is(200);
    until(CAUGHT_UP, "it is found again", async || counted(&here, "blencong").await == 1).await;
    there.patch(&path(&document), json!({ "reach": "kantor" })).await.is(200);
    assert_eq!((counted(&other_here, "blencong").await, counted(&here, "blencong").await), (0, 1));
    there.patch(&path(&document), json!({ "security_class": "sangat_rahasia" })).await.is(200);
    assert_eq!(counted(&here, "blencong").await, 0);
    assert_eq!(counted(&app.actor(Actor::Head), "blencong").await, 1);
    node.stop().await;
    app.finish().await;
}

/// A change is numbered when it is made and seen when it is committed: meanwhile others with higher numbers are applied.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_is_committed_after_later_ones_is_not_overlooked() {
    let app = TestApp::start(Stack::Networked).await;
    let clerk = app.actor(Actor::Clerk);
    for pause in [0, 60] {
        let document = letter(&clerk, "tanggul blencong", untitled()).await;
        let id: lumbung::id::DocumentId = document.parse().expect("an id");
        let mut slow = app.app.db.write().await.expect("a transaction");
        let trashed = "UPDATE document SET trashed_at = $1 WHERE id = $2";
        let now = app.clock.now();
        slow.execute(trashed, vec![now.into(), id.into()]).await.expect("done");
        lumbung::document::touch_index(&mut slow, &app.clock, id).await.expect("told");
        app.clock.advance(Duration::from_secs(pause));
        letter(&clerk, "jembatan kalijodo", untitled()).await;
        assert_eq!(counted(&clerk, "blencong").await, 1, "nothing is committed yet");
        slow.commit().await.expect("committed");
        if pause == 0 {
            assert_eq!(counted(&clerk, "blencong").await, 0);
        }
        // Of a change that is older than ten seconds only its items are left out at once; what is counted follows the index.
        until(CAUGHT_UP, "the late change is applied", async || clerk.search("blencong").await["total"] == 0).await;
        assert_eq!(counted(&clerk, "blencong").await, 0);
    }
    app.finish().await;
}
