//! A real antivirus daemon is asked about what comes in; what it finds is not given out; its silence is no verdict.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use super::id;
use crate::share;
use crate::support::app::TestApp;
use crate::support::clamd::{self, TEST_FILE};
use crate::support::client::{Client, send};
use crate::support::regency::{Actor, Stack};

async fn watched(stack: Stack, more: &[(&str, &str)]) -> TestApp {
    let socket = tokio::task::spawn_blocking(clamd::socket).await.expect("clamd starts");
    let address = format!("unix:{}", socket.display());
    let settings: Vec<_> = [("scan.clamd", address.as_str())].into_iter().chain(more.iter().copied()).collect();
    TestApp::with(stack, &settings).await
}

/// The document, once the daemon has said something of it.
async fn scanned(clerk: &Client, document: &str) -> Value {
    let begun = Instant::now();
    loop {
        let shown = clerk.get(&format!("/api/v1/documents/{document}")).await.is(200).json();
        if shown["scan"] != "unchecked" {
            return shown;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "nothing was said: {shown}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn jobs_ended(app: &TestApp) {
    let begun = Instant::now();
    while app.app.queue.depth().await.expect("answers") != (0, 0) {
        assert!(begun.elapsed() < Duration::from_secs(30), "jobs are left");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn what_is_found_is_not_given_out(stack: Stack) {
    let app = watched(stack, &[("scan.max_bytes", "5000000")]).await;
    let clerk = app.actor(Actor::Clerk);
    let clean = id(&clerk.upload_and_read("bersih.txt", b"Undangan musyawarah desa".to_vec(), json!({})).await);
    let letter = id(&clerk.upload_and_read("surat.txt", TEST_FILE.into(), json!({ "title": "Surat biasa" })).await);
    let stored = id(&clerk.upload("alat.bin", [b"\x7fELF\x02", TEST_FILE.as_bytes()].concat(), json!({})).await);
    assert_eq!(scanned(&clerk, &clean).await["scan"], "clean");
    clerk.get(&format!("/api/v1/documents/{clean}/content")).await.is(200);

    for document in [&letter, &stored] {
        let shown = scanned(&clerk, document).await;
        assert_eq!(
            (shown["scan"].as_str(), shown["scan_found"].as_str()),
            (Some("infected"), Some("Lumbung.Test.UNOFFICIAL"))
        );
        let content = format!("/api/v1/documents/{document}/content");
        let told = clerk.get(&content).await.refusal(403, "infected");
        assert!(told["detail"].as_str().is_some_and(|said| said.contains("Lumbung.Test")), "{told}");
        send(clerk.request(Method::GET, &content).header("Range", "bytes=0-3")).await.refusal(403, "infected");
        assert_eq!(send(clerk.request(Method::HEAD, &content)).await.status, 403);
        let filter = format!("/api/v1/audit?object={document}&action=version.infected");
        let told = app.actor(Actor::Auditor).get(&filter).await.is(200).json();
        assert_eq!(told["items"].as_array().map(Vec::len), Some(1), "{told}");
    }
    // What was read of it in the jail is harmless.
    assert!(clerk.finds("EICAR").await.contains(&letter));

    let numbered = |size: usize| format!("{size}{}", "isi surat ".repeat(size / 10)).into_bytes();
    for size in [2_000_000, 6_000_000] {
        let large = id(&clerk.upload("besar.txt", numbered(size), json!({})).await);
        jobs_ended(&app).await;
        let shown = clerk.get(&format!("/api/v1/documents/{large}")).await.is(200).json();
        assert_eq!(shown["scan"], "unchecked", "too large to be looked at is not clean");
        clerk.get(&format!("/api/v1/documents/{large}/content")).await.is(200);
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_antivirus_finds_is_not_given_out_embedded() {
    what_is_found_is_not_given_out(Stack::Embedded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_antivirus_finds_is_not_given_out_networked() {
    what_is_found_is_not_given_out(Stack::Networked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_gives_no_file_in_which_something_was_found() {
    let app = watched(Stack::Embedded, &[]).await;
    let clerk = app.actor(Actor::Clerk);
    let letter = id(&clerk.upload_and_read("surat.txt", TEST_FILE.into(), json!({})).await);
    scanned(&clerk, &letter).await;
    let terms = share::terms(&app, share::anyone(), "download", json!({}));
    let link = share::link(&clerk, &letter, &terms).await;
    let opened = share::open(&app.nobody(), &link, json!({})).await.is(200).json();
    let visitor = app.nobody().with_token(opened["grant"].as_str().expect("a grant"));
    visitor.get(&format!("/api/v1/shared/{}/content", link.public)).await.refusal(403, "infected");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_antivirus_is_away_files_count_as_not_checked_and_are_checked_later() {
    for stack in [Stack::Embedded, Stack::Networked] {
        let place = tempfile::tempdir().expect("a temporary folder").keep().join("clamd.sock");
        let app = TestApp::with(stack, &[("scan.clamd", &format!("unix:{}", place.display()))]).await;
        let clerk = app.actor(Actor::Clerk);
        let letter = id(&clerk.upload_and_read("surat.txt", TEST_FILE.into(), json!({})).await);
        assert_eq!(clerk.get(&format!("/api/v1/documents/{letter}")).await.is(200).json()["scan"], "unchecked");
        clerk.get(&format!("/api/v1/documents/{letter}/content")).await.is(200);
        assert_eq!(app.app.queue.depth().await.expect("answers"), (1, 0), "it waits");
        let socket = tokio::task::spawn_blocking(clamd::socket).await.expect("clamd starts");
        std::os::unix::fs::symlink(socket, &place).expect("our folder is writable");
        app.clock.advance(Duration::from_secs(120));
        assert_eq!(scanned(&clerk, &letter).await["scan"], "infected");
        app.finish().await;
    }
}
