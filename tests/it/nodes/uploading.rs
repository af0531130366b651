//! Uploads that come in by one server and go on at another.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::future::join_all;
use lumbung::app::App;
use reqwest::Method;
use serde_json::json;

use crate::finding::until;
use crate::flow::id;
use crate::support::app::TestApp;
use crate::support::client::{Client, send};
use crate::support::regency::{Actor, Stack};

fn tus(caller: &Client, method: Method, path: &str) -> reqwest::RequestBuilder {
    caller.request(method, path).header("Tus-Resumable", "1.0.0")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_begun_on_one_node_and_finished_on_another() {
    let app = TestApp::start(Stack::Networked).await;
    let node = app.another_node().await;
    let nodes = [app.actor(Actor::Clerk), node.actor(Actor::Clerk)];
    let bytes = "Perihal perbaikan tanggul blencong\n".repeat(200).into_bytes();
    let name = format!("filename {},metadata {}", STANDARD.encode("surat.txt"), STANDARD.encode("{}"));
    let begun = tus(&nodes[0], Method::POST, "/api/v1/uploads").header("Upload-Length", bytes.len());
    let begun = send(begun.header("Upload-Metadata", name)).await.is(201);
    let location = begun.header("location");
    let place = &location[location.find("/api/v1/uploads/").expect("a place of ours")..];
    let (mut at, mut document) = (0, String::new());
    for (turn, piece) in bytes.chunks(1000).enumerate() {
        let (here, there) = (&nodes[(turn + 1) % 2], &nodes[turn % 2]);
        let known = send(tus(here, Method::HEAD, place)).await.is(200);
        assert_eq!(known.header("upload-offset"), at.to_string(), "what the other node took counts here");
        let sent = tus(here, Method::PATCH, place).header("Upload-Offset", at);
        let sent = sent.header("Content-Type", "application/offset+octet-stream").body(piece.to_vec());
        let sent = send(sent).await.is(204);
        at += piece.len();
        document = sent.header("lumbung-document").to_owned();
        let repeated = tus(there, Method::PATCH, place).header("Upload-Offset", at - piece.len());
        let repeated = repeated.header("Content-Type", "application/offset+octet-stream").body(piece.to_vec());
        assert_ne!(send(repeated).await.status, 204, "the same piece is not taken twice");
    }
    for caller in &nodes {
        caller.settled(&document).await;
        assert_eq!(caller.get(&format!("/api/v1/documents/{document}/content")).await.is(200).body, bytes);
    }
    node.stop().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_repeated_on_another_node_makes_no_second_document() {
    let app = TestApp::start(Stack::Networked).await;
    let node = app.another_node().await;
    let mut made = Vec::new();
    for caller in [app.actor(Actor::Clerk), node.actor(Actor::Clerk)] {
        let form = crate::support::client::form("surat.txt", b"tanggul blencong\n".to_vec(), json!({}));
        let request = caller.request(Method::POST, "/api/v1/documents").header("Idempotency-Key", "sekali-saja");
        made.push(id(&send(request.multipart(form)).await.is(201).json()));
    }
    assert_eq!(made[0], made[1]);
    node.stop().await;
    app.finish().await;
}

/// How many attempts at reading a letter a node has made.
async fn read_by(app: &App) -> u32 {
    let figures = lumbung::desk::metrics::text(app).await.expect("told");
    let line = figures.lines().find_map(|line| line.strip_prefix("lumbung_job_seconds_count{of=\"read_pages\"} "));
    line.map_or(0, |count| count.parse().expect("a count"))
}

/// Both nodes have workers, and what they read is counted by each of them.
#[tokio::test(flavor = "multi_thread")]
async fn every_letter_is_read_once_whichever_node_takes_it() {
    let app = TestApp::start(Stack::Networked).await;
    let node = app.another_node().await;
    let (here, there) = (app.actor(Actor::Clerk), node.actor(Actor::Clerk));
    let letter = |n: usize| format!("Perihal tanggul blencong nomor {n}\n").into_bytes();
    let uploads = (0..40).map(|n| {
        let caller = if n % 2 == 0 { &here } else { &there };
        caller.try_upload("surat.txt", letter(n), json!({}))
    });
    for answer in join_all(uploads).await {
        answer.is(201);
    }
    for caller in [&here, &there] {
        let found = async || caller.search("blencong").await["total"] == 40;
        until(Duration::from_secs(60), "all are found", found).await;
    }
    assert_eq!(read_by(&app.app).await + read_by(node.app()).await, 40);
    node.stop().await;
    app.finish().await;
}

/// Reads a stream of events until it tells of this state.
async fn hears(mut events: reqwest::Response, state: &str) -> bool {
    let mut told = String::new();
    while let Ok(Some(piece)) = events.chunk().await {
        told.push_str(&String::from_utf8_lossy(&piece));
        if told.contains(&format!("\"state\":\"{state}\"")) {
            return true;
        }
    }
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_watches_hears_of_a_letter_whichever_node_reads_it() {
    let app = TestApp::start(Stack::Networked).await;
    let node = app.another_node().await;
    let clerks = [app.actor(Actor::Clerk), node.actor(Actor::Clerk)];
    for sender in &clerks {
        let mut watching = Vec::new();
        for caller in &clerks {
            let events = caller.request(Method::GET, "/api/v1/events").send().await.expect("it answers");
            watching.push(tokio::time::timeout(Duration::from_secs(20), hears(events, "ready")));
        }
        sender.upload_and_read("surat.txt", b"Perihal tanggul blencong\n".to_vec(), json!({})).await;
        let heard: Vec<_> = join_all(watching).await.into_iter().map(|heard| heard.expect("in time")).collect();
        assert_eq!(heard, [true, true]);
    }
    node.stop().await;
    app.finish().await;
}
