//! A clock that ran ahead and was put right again: nothing is lost meanwhile, nothing waits for the time that was not, and what
//! was ended stays ended.

use std::time::Duration;

use lumbung::jobs::{housekeeping, vault};
use serde_json::json;

use super::*;
use crate::share::{anyone, content, holder, letter, link, open, terms};
use crate::support::app::{TestApp, both_stacks};
use crate::support::regency::{Actor, PASSWORD, Stack};

const DAY: Duration = Duration::from_secs(86_400);
const AHEAD: Duration = Duration::from_secs(400 * 86_400);

async fn trashed(clerk: &Client) -> usize {
    let trash = clerk.get("/api/v1/documents?state=trashed").await.is(200).json();
    trash["items"].as_array().expect("a list").len()
}

async fn readings(app: &TestApp, document: &str) -> usize {
    let asked = format!("/api/v1/audit?action=document.read&object={document}");
    let entries = app.actor(Actor::Auditor).get(&asked).await.is(200).json();
    entries["items"].as_array().expect("a list").len()
}

/// Anew, as time demands it.
async fn signed_in(app: &TestApp, actor: Actor) -> Client {
    let client = app.actor(actor);
    let told = client.log_in(&client.account().login, PASSWORD).await.is(201).json();
    client.with_token(told["access_token"].as_str().expect("a token"))
}

async fn put_right_while_it_stood(stack: Stack) {
    let mut app = TestApp::start(stack).await;
    letter(&app.actor(Actor::Clerk), "biasa").await;
    app.clock.advance(AHEAD);
    let clerk = app.actor(Actor::Clerk);
    clerk.upload_and_read("kelak.txt", b"Perihal: bendungan kelak".to_vec(), json!({})).await;
    app.settled().await;
    let clock = app.clock.clone();
    app.restart_after(|_| clock.turn_back(AHEAD)).await;
    let clerk = app.actor(Actor::Clerk);
    clerk.upload_and_read("kini.txt", b"Perihal: bendungan kini".to_vec(), json!({})).await;
    let begun = std::time::Instant::now();
    while clerk.finds("bendungan").await.len() < 2 || clerk.finds("undangan").await.is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(30), "the index does not follow");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_of_a_time_that_was_not_is_built_anew_embedded() {
    put_right_while_it_stood(Stack::Embedded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_of_a_time_that_was_not_is_built_anew_networked() {
    put_right_while_it_stood(Stack::Networked).await;
}

both_stacks!(a_clock_that_ran_ahead_for_a_while_harms_nothing, async |app: &TestApp| {
    let clerk = app.actor(Actor::Clerk);
    let document = letter(&clerk, "biasa").await;
    let ended = link(&clerk, &document, &terms(app, anyone(), "download", json!({}))).await;
    let going = link(&clerk, &document, &terms(app, anyone(), "download", json!({}))).await;
    let opened = open(&app.nobody(), &ended, json!({})).await.is(200);
    clerk.delete(&format!("/api/v1/links/{}", ended.id)).await.is(204);
    let discarded = letter(&clerk, "biasa").await;
    clerk.delete(&format!("/api/v1/documents/{discarded}")).await.is(204);
    app.settled().await;
    vault::keep(&app.app).await;

    app.clock.advance(AHEAD);
    vault::keep(&app.app).await;
    housekeeping::tidy(&app.app).await.expect("housekeeping runs");
    let there = signed_in(app, Actor::Clerk).await;
    let path = format!("/api/v1/documents/{document}/content");
    there.get(&path).await.is(200);
    assert_eq!(readings(app, &document).await, 1);
    assert_eq!(trashed(&there).await, 1, "a clock that was moved does not empty the trash");
    let made = there.upload("kelak.txt", b"Perihal: bertanggal kelak".to_vec(), json!({})).await;
    let login = &clerk.account().login;
    while clerk.log_in(login, "bukan sandinya").await.status != 429 {}

    app.clock.turn_back(AHEAD);
    clerk.log_in(login, PASSWORD).await.is(201);
    app.settled().await;
    assert_eq!(clerk.settled(made["id"].as_str().expect("an id")).await["state"], "ready");
    clerk.get(&path).await.is(200);
    assert_eq!(readings(app, &document).await, 2, "a reading of a time that was not holds no entry back");
    open(&app.nobody(), &going, json!({})).await.is(200);
    open(&app.nobody(), &ended, json!({})).await.refusal(404, "link-unusable");
    holder(app, &opened).get(&content(&ended)).await.refusal(404, "link-unusable");
    records_follow(app).await;
    let now = clerk.upload_and_read("kini.txt", b"Perihal: saluran blencong".to_vec(), json!({})).await;
    let found = async || clerk.finds("blencong").await;
    assert_eq!(found().await, [now["id"].as_str().expect("an id")], "the index follows");
    clerk.delete(&format!("/api/v1/documents/{}", now["id"].as_str().expect("an id"))).await.is(204);
    assert_eq!(found().await, Vec::<String>::new(), "what goes into the trash is not found");
    let in_trash = trashed(&clerk).await;

    // For a day nothing is destroyed; then what is old enough is, and not before.
    let mut days = 0;
    while trashed(&signed_in(app, Actor::Clerk).await).await == in_trash {
        vault::keep(&app.app).await;
        app.clock.advance(DAY);
        days += 1;
        assert!(days < 40, "the trash is never emptied");
    }
    assert!(days > 30, "after {days} days instead of thirty");
});

/// A node that died while it wrote a record in that time has left its claim.
async fn records_follow(app: &TestApp) {
    let far = lumbung::db::Value::from(app.clock.now().plus(AHEAD));
    app.app.db.execute("UPDATE record_head SET claimed_to = $1", vec![far]).await.expect("claimed");
    app.app.records.flush().await.expect("written");
    assert_eq!(app.app.records.lag().await.expect("told").waiting, 0, "records wait for a time that was not");
}
