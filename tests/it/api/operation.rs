//! What an operator asks over the API: jobs that were given up, and which limits hold.

use std::collections::BTreeSet;

use lumbung::queue::Job;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::share::letter;
use crate::support::app::{TestApp, both_stacks, run_on};
use crate::support::client::send;
use crate::support::regency::{Actor, Stack};

/// A job that another version of the program left behind.
#[derive(Debug, Serialize, Deserialize)]
struct Unheard {}

impl Job for Unheard {
    const KIND: &'static str = "unheard_of";
}

async fn given_up(stack: Stack) {
    let app = TestApp::with(stack, &[("queue.max_attempts", "1")]).await;
    let platform = app.actor(Actor::PlatformAdmin);
    assert_eq!(platform.get("/api/v1/jobs?state=dead").await.is(200).json()["items"], json!([]));
    let mut tx = app.app.db.write().await.expect("a transaction");
    let job = app.app.queue.enqueue(&mut tx, &Unheard {}, None).await.expect("enqueued");
    tx.commit().await.expect("committed");
    app.app.nudge();
    for round in 1..=2 {
        app.settled().await;
        let dead = platform.get("/api/v1/jobs?state=dead").await.is(200).json();
        let item = &dead["items"][0];
        assert_eq!((item["id"].as_str(), item["kind"].as_str()), (Some(job.to_string().as_str()), Some("unheard_of")));
        assert_eq!((&item["state"], &item["attempts"]), (&json!("dead"), &json!(1)), "round {round}");
        assert!(item["last_error"].as_str().is_some_and(|said| said.contains("unheard_of")), "{item}");
        let retry = format!("/api/v1/jobs/{job}/retry");
        app.actor(Actor::Head).post(&retry, json!({})).await.is(403);
        if round == 1 {
            send(platform.request(Method::POST, &retry)).await.is(204);
            send(
                platform
                    .request(Method::POST, &format!("/api/v1/jobs/{}/retry", lumbung::id::JobId::fresh(&app.clock))),
            )
            .await
            .refusal(404, "not-found");
        }
    }
    let entries = app.actor(Actor::Auditor).get("/api/v1/audit?action=job.retry").await.is(200).json();
    assert_eq!(entries["items"].as_array().map(Vec::len), Some(1), "{entries}");
    app.app.db.execute("DELETE FROM job", vec![]).await.expect("deleted");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_was_given_up_says_why_and_runs_again_on_request_embedded() {
    given_up(Stack::Embedded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_was_given_up_says_why_and_runs_again_on_request_networked() {
    given_up(Stack::Networked).await;
}

both_stacks!(a_stranger_hears_of_the_status_whether_all_is_well_and_no_more, async |app| {
    for stranger in [app.nobody(), app.nobody().with_token("made-up")] {
        let told = stranger.get("/api/v1/status").await.is(200).json();
        let fields: Vec<_> = told.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!((fields, &told["healthy"]), (vec!["healthy", "version"], &json!(true)), "{told}");
    }
    let told = app.actor(Actor::Clerk).get("/api/v1/status").await.is(200).json();
    assert!(told["reading"]["summary"].is_string() && told["jobs"]["dead"] == 0, "{told}");
});

/// Limits that a caller cannot meet, or of which a guesser had better not hear.
const NOT_TOLD: [&str; 10] = [
    "limits.min_free_bytes",
    "upload.spool_memory_bytes",
    "upload.spool_memory_total_bytes",
    "reading.dpi",
    "reading.picture_budget_bytes",
    "reading.picture_width",
    "session.access_seconds",
    "session.refresh_days",
    "session.web_hours",
    "scan.timeout_seconds",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_limit_that_a_caller_can_meet_is_told_by_its_key() {
    run_on(Stack::Embedded, async |app| {
        let told = app.nobody().get("/api/v1/limits").await.is(200).json();
        let defaults: toml::Table = toml::from_str(include_str!("../../../lumbung.default.toml")).expect("TOML");
        let mut expected = BTreeSet::new();
        for section in ["upload", "reading", "limits", "links", "scan", "session", "trash"] {
            for (key, value) in defaults[section].as_table().expect("a section") {
                let name = format!("{section}.{key}");
                if let Some(number) = value.as_integer()
                    && !NOT_TOLD.contains(&name.as_str())
                {
                    assert_eq!(told[&name], json!(number), "{name}");
                    expected.insert(name);
                }
            }
        }
        assert!(expected.len() > 20, "{expected:?}");
    })
    .await;
}

both_stacks!(only_a_head_lowers_a_class_from_confidential, async |app| {
    let (clerk, head) = (app.actor(Actor::Clerk), app.actor(Actor::Head));
    let document = letter(&clerk, "rahasia").await;
    let path = format!("/api/v1/documents/{document}");
    for class in ["biasa", "terbatas"] {
        let refused = clerk.patch(&path, json!({ "security_class": class })).await.refusal(403, "class-needs-head");
        assert!(refused["detail"].as_str().is_some_and(|said| said.contains("Only the head")), "{refused}");
    }
    let class = async || -> Value { head.get(&path).await.is(200).json()["security_class"].clone() };
    assert_eq!(class().await, "rahasia");
    clerk.patch(&path, json!({ "security_class": "sangat_rahasia" })).await.is(200);
    head.patch(&path, json!({ "security_class": "biasa" })).await.is(200);
    assert_eq!(class().await, "biasa");
});
