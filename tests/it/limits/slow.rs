//! Clients that dawdle, and clients that are refused while they are still sending.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::support::app::TestApp;
use crate::support::regency::{Actor, Stack};

async fn impatient(stack: Stack) -> TestApp {
    let settings =
        [("server.header_seconds", "1"), ("server.body_idle_seconds", "1"), ("server.body_least_bytes", "20")];
    TestApp::with(stack, &settings).await
}

async fn connect(app: &TestApp) -> TcpStream {
    TcpStream::connect(app.base.trim_start_matches("http://")).await.expect("it listens")
}

/// A request by the clerk whose body is announced with this length.
fn head(app: &TestApp, request: &str, length: usize, more: &str) -> String {
    let token = app.account(Actor::Clerk).token;
    format!(
        "{request} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nAccept-Language: en\r\n\
         Content-Length: {length}\r\n{more}\r\n"
    )
}

/// What comes until the server closes, or until it has come to the end of the answer's JSON.
async fn answer(link: &mut TcpStream) -> String {
    let mut heard = Vec::new();
    let reading = async {
        let mut piece = [0; 4096];
        while let Ok(length @ 1..) = link.read(&mut piece).await {
            heard.extend_from_slice(&piece[..length]);
            if heard.ends_with(b"}") {
                break;
            }
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(15), reading).await;
    assert!(in_time.is_ok(), "no end came: {}", String::from_utf8_lossy(&heard));
    String::from_utf8_lossy(&heard).into_owned()
}

async fn silent_body(stack: Stack) {
    let app = impatient(stack).await;
    let clerk = app.actor(Actor::Clerk);
    let body = multipart(&[metadata("{}"), file(&letter(50_000))]);
    let kind = format!("Content-Type: {MULTIPART}\r\n");
    let json = "Content-Type: application/json\r\n".to_owned();
    let asked =
        [("POST /api/v1/documents", kind, &body[..20_000]), ("POST /api/v1/sessions", json, b"{\"login\":".as_slice())];
    for (request, kind, sent) in asked {
        let (mut link, begun) = (connect(&app).await, Instant::now());
        link.write_all(head(&app, request, 50_400, &kind).as_bytes()).await.expect("sent");
        link.write_all(sent).await.expect("sent");
        let heard = answer(&mut link).await;
        assert!(heard.starts_with("HTTP/1.1 408 ") && heard.contains("/errors/too-slow"), "{request}: {heard}");
        assert!(heard.contains("server.body_idle_seconds") && heard.contains("Send it again"), "{heard}");
        assert!((1..5).contains(&begun.elapsed().as_secs()), "{request}: {:?}", begun.elapsed());
    }
    assert_eq!(documents(&clerk).await, 0);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_falls_silent_is_told_so_and_given_up_embedded() {
    silent_body(Stack::Embedded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_falls_silent_is_told_so_and_given_up_networked() {
    silent_body(Stack::Networked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_client_that_goes_on_sending_is_waited_for() {
    let app = impatient(Stack::Embedded).await;
    let body = multipart(&[metadata("{}"), file(b"Perihal: jalan setapak")]);
    let mut link = connect(&app).await;
    let kind = format!("Content-Type: {MULTIPART}\r\n");
    link.write_all(head(&app, "POST /api/v1/documents", body.len(), &kind).as_bytes()).await.expect("sent");
    for piece in body.chunks(body.len() / 5 + 1) {
        link.write_all(piece).await.expect("sent");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let heard = answer(&mut link).await;
    assert!(heard.starts_with("HTTP/1.1 201 "), "{heard}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_a_byte_now_and_then_is_given_up() {
    let app = impatient(Stack::Embedded).await;
    let kind = format!("Content-Type: {MULTIPART}\r\n");
    let (link, begun) = (connect(&app).await, Instant::now());
    let (mut from, mut to) = link.into_split();
    to.write_all(head(&app, "POST /api/v1/documents", 50_400, &kind).as_bytes()).await.expect("sent");
    let trickle = tokio::spawn(async move {
        while to.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    });
    let mut heard = [0; 400];
    let length = tokio::time::timeout(Duration::from_secs(10), from.read(&mut heard)).await.expect("an end comes");
    let heard = String::from_utf8_lossy(&heard[..length.expect("an answer")]).into_owned();
    assert!(heard.starts_with("HTTP/1.1 408 "), "{heard}");
    assert!((1..5).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    trickle.abort();
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resumable_upload_keeps_what_came_before_the_silence() {
    let app = impatient(Stack::Embedded).await;
    let clerk = app.actor(Actor::Clerk);
    let begin = clerk.request(Method::POST, "/api/v1/uploads").header("Tus-Resumable", "1.0.0");
    let begun = send(begin.header("Upload-Length", 9000).header("Upload-Metadata", "metadata e30=")).await.is(201);
    let place = begun.header("location").trim_start_matches(&app.base).to_owned();
    let mut link = connect(&app).await;
    let kind = "Content-Type: application/offset+octet-stream\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n";
    link.write_all(head(&app, &format!("PATCH {place}"), 9000, kind).as_bytes()).await.expect("sent");
    link.write_all(&letter(4000)).await.expect("sent");
    let heard = answer(&mut link).await;
    assert!(heard.starts_with("HTTP/1.1 408 "), "{heard}");
    let asked = clerk.request(Method::HEAD, &place).header("Tus-Resumable", "1.0.0");
    assert_eq!(send(asked).await.is(200).header("upload-offset"), "4000");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_send_its_headers_is_cut() {
    let app = impatient(Stack::Embedded).await;
    for sent in ["GET /healthz HT", "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: "] {
        let (mut link, begun) = (connect(&app).await, Instant::now());
        link.write_all(sent.as_bytes()).await.expect("sent");
        let heard = answer(&mut link).await;
        assert!(heard.is_empty() || heard.starts_with("HTTP/1.1 408"), "{heard}");
        assert!((1..6).contains(&begun.elapsed().as_secs()), "{sent:?}: {:?}", begun.elapsed());
    }
    app.nobody().get("/healthz").await.is(200);
    app.finish().await;
}

/// Sends everything before it reads a byte of the answer, as simple clients do.
async fn stubborn(app: &TestApp, head: &str, body: &[u8]) -> String {
    let mut link = connect(app).await;
    link.write_all(head.as_bytes()).await.expect("sent");
    for piece in body.chunks(64 << 10) {
        link.write_all(piece).await.expect("the server goes on listening");
    }
    answer(&mut link).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_refused_while_it_sends_still_hears_why() {
    let app = TestApp::with(Stack::Embedded, &[("upload.max_bytes", "100000")]).await;
    let body = multipart(&[metadata("{}"), file(&letter(8_000_000))]);
    let kind = format!("Content-Type: {MULTIPART}\r\n");
    let announced = head(&app, "POST /api/v1/documents", body.len(), &kind);
    let heard = stubborn(&app, &announced, &body).await;
    assert!(heard.starts_with("HTTP/1.1 413 ") && heard.contains("/errors/too-large"), "{heard}");
    let nobody = announced.replace("Authorization: Bearer ", "X-Nobody: ");
    let heard = stubborn(&app, &nobody, &body).await;
    assert!(heard.starts_with("HTTP/1.1 401 ") && heard.contains("/errors/unauthorized"), "{heard}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_asks_before_it_sends_is_refused_before_it_sends() {
    let app = TestApp::with(Stack::Embedded, &[("upload.max_bytes", "100000")]).await;
    let kind = format!("Content-Type: {MULTIPART}\r\nExpect: 100-continue\r\n");
    let mut link = connect(&app).await;
    link.write_all(head(&app, "POST /api/v1/documents", 4_000_000_000, &kind).as_bytes()).await.expect("sent");
    let heard = answer(&mut link).await;
    assert!(heard.starts_with("HTTP/1.1 413 ") && heard.contains("/errors/too-large"), "{heard}");
    app.finish().await;
}

/// Whether the server closes the connection within these seconds, whatever it says before.
async fn is_closed(link: &mut TcpStream, seconds: u64) -> bool {
    let reading = async {
        let mut piece = [0; 4096];
        while let Ok(1..) = link.read(&mut piece).await {}
    };
    tokio::time::timeout(Duration::from_secs(seconds), reading).await.is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_says_nothing_at_all_is_cut() {
    let app = impatient(Stack::Embedded).await;
    let begun = Instant::now();
    assert!(is_closed(&mut connect(&app).await, 10).await, "it is still there");
    assert!((1..5).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_nothing_of_its_answer_is_cut() {
    let app = impatient(Stack::Embedded).await;
    let clerk = app.actor(Actor::Clerk);
    let large: Vec<u8> = (0..30_000_000u32).map(|at| (at * 31) as u8).collect();
    let made = clerk.upload("besar.bin", large, serde_json::json!({})).await;
    let path = format!("GET /api/v1/documents/{}/content", made["id"].as_str().expect("an id"));
    let mut link = connect(&app).await;
    link.write_all(head(&app, &path, 0, "").as_bytes()).await.expect("sent");
    // Longer than patience; what the kernels hold between us is some megabytes.
    tokio::time::sleep(Duration::from_secs(4)).await;
    let mut taken = 0;
    let mut piece = vec![0; 1 << 16];
    while let Ok(length @ 1..) = link.read(&mut piece).await {
        taken += length;
    }
    assert!(taken > 0 && taken < 30_000_000, "{taken} bytes came after all");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_too_many_is_closed_and_the_others_go_on() {
    let app = TestApp::with(Stack::Embedded, &[("server.max_connections", "3")]).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(connect(&app).await);
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(is_closed(&mut connect(&app).await, 5).await, "a fourth one is taken");
    let link = &mut held[0];
    link.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.expect("sent");
    let mut heard = String::new();
    link.read_to_string(&mut heard).await.expect("an answer");
    assert!(heard.starts_with("HTTP/1.1 200 "), "{heard}");
    drop(held);
    app.finish().await;
}
