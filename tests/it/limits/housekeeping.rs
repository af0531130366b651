//! What has had its time goes away by itself, and only that.

use std::time::Duration;

use futures_util::TryStreamExt;
use lumbung::blob::Prefix;
use lumbung::jobs::housekeeping;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::reading::support::letter_pdf;
use crate::support::app::{TestApp, both_stacks};
use crate::support::client::form;
use crate::support::regency::{Actor, Stack};

async fn rows(app: &TestApp, sql: &'static str) -> i64 {
    let row: Option<(i64,)> = app.app.db.one(sql, vec![]).await.expect("the database answers");
    row.expect("a row").0
}

async fn tidy(app: &TestApp) {
    housekeeping::tidy(&app.app).await.expect("housekeeping runs");
}

both_stacks!(an_upload_that_expired_goes_with_its_parts, async |app: &TestApp| {
    let clerk = app.actor(Actor::Clerk);
    let tus = |method: Method, path: &str| clerk.request(method, path).header("Tus-Resumable", "1.0.0");
    let begin = tus(Method::POST, "/api/v1/uploads").header("Upload-Length", 9000);
    let begin =
        begin.header("Upload-Metadata", "metadata e30=").header("Content-Type", "application/offset+octet-stream");
    let place =
        send(begin.body(letter(4000))).await.is(201).header("location").trim_start_matches(&app.base).to_owned();
    let id = place.rsplit('/').next().expect("an id").parse().expect("an upload's id");
    app.app.ingest.fail_upload(id, "a reason").await.expect("noted");
    assert_eq!(send(tus(Method::HEAD, &place)).await.is(200).header("lumbung-failed"), "a reason");
    let parts = async || app.app.store.list(Prefix::Parts).try_collect::<Vec<_>>().await.expect("listed").len();
    tidy(app).await;
    assert_eq!((parts().await, rows(app, "SELECT count(*) FROM upload").await), (1, 1), "it has time yet");
    app.clock.advance(Duration::from_secs(49 * 3600));
    tidy(app).await;
    assert_eq!((parts().await, rows(app, "SELECT count(*) FROM upload").await), (0, 0));
});

async fn pictures_within_budget(stack: Stack) {
    let app = TestApp::with(stack, &[("reading.picture_budget_bytes", "1")]).await;
    let clerk = app.actor(Actor::Clerk);
    let document = clerk.upload_and_read("surat.pdf", letter_pdf(&["Undangan"]), json!({})).await;
    let picture = format!("/api/v1/documents/{}/pages/1/image", document["id"].as_str().expect("an id"));
    let first = clerk.get(&picture).await.is(200).body;
    let kept = "SELECT count(*) FROM derivation WHERE kind LIKE 'picture-%'";
    for _ in 0..100 {
        if rows(&app, kept).await == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(rows(&app, kept).await, 1, "kept for the next look");
    tidy(&app).await;
    assert_eq!(rows(&app, kept).await, 0, "and gone when the budget is spent");
    assert_eq!(clerk.get(&picture).await.is(200).body, first, "it is made again");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kept_pictures_stay_within_their_budget_embedded() {
    pictures_within_budget(Stack::Embedded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kept_pictures_stay_within_their_budget_networked() {
    pictures_within_budget(Stack::Networked).await;
}

both_stacks!(a_repeated_request_answers_the_first_answer_for_a_day, async |app: &TestApp| {
    let clerk = app.actor(Actor::Clerk);
    let post = |text: &str, key: &str| {
        let form = form("surat.txt", text.as_bytes().to_vec(), json!({}));
        let request = clerk.request(Method::POST, "/api/v1/documents").multipart(form);
        send(request.header("Idempotency-Key", key))
    };
    let (one, two) = tokio::join!(post("Perihal: satu", "kunci"), post("Perihal: satu", "kunci"));
    for answer in [&one, &two] {
        assert!([201, 409].contains(&answer.status), "{}", answer.text());
        assert!(answer.status == 201 || answer.header("retry-after") == "2", "{}", answer.text());
    }
    let made = post("Perihal: satu", "kunci").await.is(201).json();
    assert_eq!(documents(&clerk).await, 1);
    post("Perihal: dua", "kunci").await.refusal(422, "idempotency-key-reused");
    post("Perihal: satu", "kunci dengan spasi").await.refusal(400, "idempotency-key");
    let other = app.actor(Actor::OtherClerk);
    let foreign = other.request(Method::POST, "/api/v1/documents").header("Idempotency-Key", "kunci");
    let foreign = send(foreign.multipart(form("surat.txt", b"Perihal: satu".to_vec(), json!({})))).await.is(201).json();
    assert_ne!(foreign["id"], made["id"], "another office's key is another key");
    tidy(app).await;
    assert_eq!(post("Perihal: satu", "kunci").await.is(201).json()["id"], made["id"]);
    // A reading that loses its lease by the jump would leave its texts to the sweep.
    app.settled().await;
    app.clock.advance(Duration::from_secs(25 * 3600));
    tidy(app).await;
    assert_eq!(rows(app, "SELECT count(*) FROM idempotency").await, 0);
    let again = post("Perihal: satu", "kunci").await.is(201).json();
    assert_eq!(again["duplicate_of"], made["id"]);
});

both_stacks!(while_the_first_request_is_running_its_repeat_is_told_to_wait, async |app: &TestApp| {
    let clerk = app.actor(Actor::Clerk);
    let body = multipart(&[metadata("{}"), file(&letter(40_000))]);
    let (first_half, second_half) = body.split_at(body.len() / 2);
    let head = format!(
        "POST /api/v1/documents HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nIdempotency-Key: kunci\r\n\
         Content-Type: {MULTIPART}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        clerk.account().token,
        body.len()
    );
    let mut link = TcpStream::connect(app.base.trim_start_matches("http://")).await.expect("it listens");
    link.write_all(head.as_bytes()).await.expect("sent");
    link.write_all(first_half).await.expect("sent");
    let claims = "SELECT count(*) FROM idempotency";
    for _ in 0..200 {
        if rows(app, claims).await == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(rows(app, claims).await, 1, "the first request has come");
    let repeat = || {
        let request = clerk.request(Method::POST, "/api/v1/documents").header("Content-Type", MULTIPART);
        request.header("Idempotency-Key", "kunci").body(body.clone())
    };
    assert_eq!(send(repeat()).await.is(409).header("retry-after"), "2");
    refused(repeat, 409, "still-running").await;
    assert_eq!(documents(&clerk).await, 0);
    link.write_all(second_half).await.expect("sent");
    let mut heard = String::new();
    link.read_to_string(&mut heard).await.expect("an answer");
    assert!(heard.starts_with("HTTP/1.1 201 "), "{heard}");
    let made = send(repeat()).await.is(201).json();
    assert!(heard.contains(made["id"].as_str().expect("an id")), "{made} is another document than that of {heard}");
    assert_eq!(documents(&clerk).await, 1);
    app.settled().await;
});

both_stacks!(of_a_documents_old_changes_the_newest_stays, async |app: &TestApp| {
    let clerk = app.actor(Actor::Clerk);
    let document = clerk.upload_and_read("surat.txt", b"Perihal: pupuk".to_vec(), json!({})).await;
    let path = format!("/api/v1/documents/{}", document["id"].as_str().expect("an id"));
    for title in ["Kedua", "Ketiga"] {
        clerk.patch(&path, json!({ "title": title })).await.is(200);
    }
    app.settled().await;
    let changes = "SELECT count(*) FROM index_change";
    let before = rows(app, changes).await;
    tidy(app).await;
    assert_eq!(rows(app, changes).await, before, "a node may still need them");
    app.clock.advance(Duration::from_secs(25 * 3600));
    tidy(app).await;
    assert_eq!(rows(app, changes).await, 1);
});
