//! Requests that two readers might read differently, and texts that want to be lines of the log.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::share::{anyone, letter, link, terms};
use crate::support::app::{TestApp, run_on};
use crate::support::client::send;
use crate::support::program::Program;
use crate::support::regency::{Actor, Stack};

/// Everything that comes back until the server closes or says nothing more.
async fn said(base: &str, sent: &[u8]) -> String {
    let mut link = TcpStream::connect(base.trim_start_matches("http://")).await.expect("it listens");
    link.write_all(sent).await.expect("sent");
    let mut heard = Vec::new();
    let _ = tokio::time::timeout(Duration::from_millis(700), link.read_to_end(&mut heard)).await;
    String::from_utf8_lossy(&heard).into_owned()
}

/// Headers of a request whose body of so many bytes could end in two places.
pub fn ambiguous(length: usize) -> Vec<String> {
    vec![
        format!("Content-Length: 0\r\nContent-Length: {length}\r\n"),
        format!("Content-Length: 0, {length}\r\n"),
        format!("Content-Length: +{length}\r\n"),
        format!("Content-Length: -{length}\r\n"),
        format!("Content-Length: 0x{length:x}\r\n"),
        "Transfer-Encoding: xchunked\r\n".to_owned(),
        "Transfer-Encoding: chunked, identity\r\n".to_owned(),
        "Transfer-Encoding : chunked\r\n".to_owned(),
        "X-Nothing: a\0b\r\n".to_owned(),
    ]
}

/// A proxy that took the other reading would take what is hidden in the body for a request of the next client.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_whose_end_could_be_read_in_two_ways_is_refused_and_nothing_behind_it_is_answered() {
    run_on(Stack::Embedded, async |app| {
        let hidden = "GET /api/v1/limits HTTP/1.1\r\nHost: x\r\n\r\n";
        let length = hidden.len();
        let folded = "X-Folded: a\r\n b\r\nContent-Length: 0\r\nContent-Length: 7\r\n";
        let more = [folded, "\u{b}Content-Length: 3\r\n"].map(str::to_owned);
        for head in ambiguous(length).into_iter().chain(more) {
            let request = format!("POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\n{head}\r\n{hidden}");
            let heard = said(&app.base, request.as_bytes()).await;
            let answers = heard.matches("HTTP/1.1 ").count();
            assert!(answers == 1 && heard.starts_with("HTTP/1.1 400"), "{head:?}: {heard}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_text_of_a_request_becomes_a_line_of_the_log() {
    let forged = "2026-01-01T00:00:00Z ERROR forged by a guest";
    let mut program = Program::start(Stack::Embedded, &[("log.level", "debug"), ("log.format", "text")]).await;
    let clerk = program.actor(Actor::Clerk);
    let encoded = forged.replace(' ', "%20");
    for path in [format!("/%0A{encoded}"), format!("/api/v1/documents/%0D%0A{encoded}"), format!("/s/%0a{encoded}")] {
        clerk.get(&path).await;
    }
    let lines = format!("x\n{forged}\r\n{forged}");
    clerk.post("/api/v1/sessions", json!({ "login": lines, "password": lines })).await;
    clerk.try_upload(&format!("a\n{forged}.txt"), lines.clone().into_bytes(), json!({ "title": lines })).await;
    send(clerk.request(Method::GET, "/api/v1/search").query(&[("q", &lines)])).await;
    program.stop().await;
    let log = program.output();
    assert!(log.lines().count() > 5, "{log}");
    let wrong: Vec<&str> = log.lines().filter(|line| line.trim_start().starts_with("2026-01-01")).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// A proxy appends the address from which it was called; what stood in the list before came from the caller.
#[tokio::test(flavor = "multi_thread")]
async fn behind_a_trusted_proxy_the_last_foreign_address_of_the_list_counts() {
    let app = TestApp::with(Stack::Embedded, &[("server.trusted_proxies", "[\"127.0.0.1/32\"]")]).await;
    let village = app.actor(Actor::Clerk);
    let document = letter(&village, "biasa").await;
    let made = link(&village, &document, &terms(&app, anyone(), "view", json!({}))).await;
    let guess = async |addresses: String| {
        let request = app.nobody().request(Method::POST, &format!("/api/v1/shared/{}/open", made.public));
        let body = json!({ "secret": "00000000000000000000000000000000" });
        send(request.header("X-Forwarded-For", addresses).json(&body)).await.status
    };
    let mut waits = 0;
    for n in 0..20 {
        waits += usize::from(guess(format!("198.51.{n}.7, 203.0.113.9")).await == 429);
    }
    assert_eq!(waits, 10, "addresses that the caller made up bought fresh guesses");
    assert_eq!(guess("203.0.113.9, 198.51.100.7".to_owned()).await, 404, "another caller waits for nobody");
    app.finish().await;
}
