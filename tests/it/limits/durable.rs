//! What a stop, orderly or not, does to work in progress; and what the log says meanwhile.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::reading::support::{LETTER, letter_pdf, letter_scan, png};
use crate::support::program::Program;
use crate::support::regency::{Actor, PASSWORD, Stack};

async fn half_sent(stack: Stack) {
    let mut program = Program::start(stack, &[]).await;
    let clerk = program.actor(Actor::Clerk);
    let bytes = letter(300_000);
    let body = multipart(&[metadata("{}"), file(&bytes)]);
    let address = program.base.trim_start_matches("http://").to_owned();
    let mut link = TcpStream::connect(&address).await.expect("it listens");
    let head = format!(
        "POST /api/v1/documents HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nContent-Type: {MULTIPART}\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        clerk.account().token,
        body.len()
    );
    link.write_all(head.as_bytes()).await.expect("sent");
    link.write_all(&body[..100_000]).await.expect("sent");
    tokio::time::sleep(Duration::from_millis(300)).await;
    program.ask_to_stop();
    let begun = Instant::now();
    while TcpStream::connect(&address).await.is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(10), "it still takes new connections");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for piece in body[100_000..].chunks(50_000) {
        tokio::time::sleep(Duration::from_millis(100)).await;
        link.write_all(piece).await.expect("the upload is not cut");
    }
    let mut heard = String::new();
    link.read_to_string(&mut heard).await.expect("the whole answer");
    assert!(heard.starts_with("HTTP/1.1 201 "), "{heard}");
    let made: Value = serde_json::from_str(&heard[heard.find('{').expect("JSON")..=heard.rfind('}').expect("JSON")])
        .unwrap_or_else(|cause| panic!("{cause}: {heard}"));
    program.restart_after_stop().await;
    let clerk = program.actor(Actor::Clerk);
    let id = made["id"].as_str().expect("an id");
    assert_eq!(clerk.get(&format!("/api/v1/documents/{id}/content")).await.is(200).body, bytes);
    assert_eq!(clerk.settled(id).await["state"], "ready", "its reading waited for the next start");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_half_sent_when_the_stop_comes_is_acknowledged_embedded() {
    half_sent(Stack::Embedded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_half_sent_when_the_stop_comes_is_acknowledged_networked() {
    half_sent(Stack::Networked).await;
}

/// A scan that is being read: it takes some seconds.
async fn being_read(program: &Program) -> String {
    let clerk = program.actor(Actor::Clerk);
    let scan = png(&letter_scan(LETTER).await);
    let made = clerk.upload("pindaian.png", scan, json!({ "title": "Pindaian" })).await;
    let id = made["id"].as_str().expect("an id").to_owned();
    let begun = Instant::now();
    while clerk.get(&format!("/api/v1/documents/{id}")).await.is(200).json()["state"] != "reading" {
        assert!(begun.elapsed() < Duration::from_secs(20), "nobody reads it");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    id
}

async fn handed_back(stack: Stack) {
    // A lease that would outlast the test by far.
    let mut program = Program::start(stack, &[("queue.lease_seconds", "600")]).await;
    let id = being_read(&program).await;
    program.ask_to_stop();
    let said = program.restart_after_stop().await;
    assert!(!said.contains("not handed back") && !said.contains("did not end in time"), "{said}");
    let clerk = program.actor(Actor::Clerk);
    assert_eq!(clerk.settled(&id).await["state"], "ready");
    assert_eq!(clerk.finds("musyawarah").await, [id]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_that_a_stop_interrupts_is_handed_back_and_done_after_the_restart_embedded() {
    handed_back(Stack::Embedded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_that_a_stop_interrupts_is_handed_back_and_done_after_the_restart_networked() {
    handed_back(Stack::Networked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_that_a_power_cut_interrupts_is_done_after_the_restart() {
    let mut program = Program::start(Stack::Networked, &[("queue.lease_seconds", "10")]).await;
    let id = being_read(&program).await;
    program.cut_and_restart().await;
    let clerk = program.actor(Actor::Clerk);
    assert_eq!(clerk.settled(&id).await["state"], "ready");
    assert_eq!(clerk.finds("musyawarah").await, [id]);
}

/// Every word of the story that must not be in a log: secrets, and what people wrote.
struct Story {
    hidden: Vec<String>,
    requests: Vec<String>,
}

impl Story {
    fn saw(&mut self, answer: &crate::support::client::Answer) {
        self.requests.push(answer.header("x-request-id").to_owned());
    }

    async fn sees(&mut self, request: RequestBuilder) -> Value {
        let answer = send(request).await;
        self.saw(&answer);
        serde_json::from_slice(&answer.body).unwrap_or_default()
    }

    fn hides(&mut self, what: &Value) -> String {
        let text = what.as_str().unwrap_or_else(|| panic!("no text: {what}")).to_owned();
        self.hidden.push(text.clone());
        text
    }
}

/// In, read, found, shared, opened and refused; with everything in it that somebody might not want to be known.
async fn told(program: &Program) -> Story {
    let clerk = program.actor(Actor::Clerk);
    let nobody = Client::nobody(&program.base);
    let words =
        ["kenarititel", "kenariberkas", "kenariisi", "kenarisandi", "kenarisurel", "kenaritanya", "kenaricatatan"];
    let mut story = Story { hidden: words.map(str::to_owned).to_vec(), requests: Vec::new() };
    story.hidden.extend([PASSWORD.to_owned(), clerk.account().token.clone()]);
    let login = json!({ "login": "clerk", "password": PASSWORD });
    let session = story.sees(nobody.request(Method::POST, "/api/v1/sessions").json(&login)).await;
    let (access, refresh) = (story.hides(&session["access_token"]), story.hides(&session["refresh_token"]));
    let wrong = json!({ "login": "clerk", "password": "kenarisandi salah" });
    story.sees(nobody.request(Method::POST, "/api/v1/sessions").json(&wrong)).await;
    let refreshed = json!({ "refresh_token": refresh });
    let renewed = story.sees(nobody.request(Method::POST, "/api/v1/sessions/refresh").json(&refreshed)).await;
    story.hides(&renewed["access_token"]);
    story.sees(nobody.with_token(&access).request(Method::GET, "/api/v1/me")).await;
    story.sees(nobody.with_token("lmb_kenarisandi").request(Method::GET, "/api/v1/me")).await;
    let details = r#"{"title":"Surat kenarititel","summary":"kenaricatatan"}"#;
    let pdf = letter_pdf(&["Perihal kenariisi"]);
    let parts = [metadata(details), Raw { name: "file", file_name: Some(b"kenariberkas.pdf"), bytes: &pdf }];
    let made = story.sees(upload(&clerk, &parts)).await;
    let id = made["id"].as_str().expect("an id").to_owned();
    story.sees(upload(&clerk, &[metadata(r#"{"kenarititel":1}"#), file(b"kenariisi")])).await;
    clerk.settled(&id).await;
    story.sees(clerk.request(Method::GET, "/api/v1/search").query(&[("q", "kenariisi kenaritanya")])).await;
    story.sees(clerk.request(Method::GET, &format!("/api/v1/documents/{id}/pages/1/image"))).await;
    shared(program, &mut story, &id).await;
    story
}

async fn shared(program: &Program, story: &mut Story, document: &str) {
    let clerk = program.actor(Actor::Clerk);
    let nobody = Client::nobody(&program.base);
    // Of this program alone: the mail server is everybody's.
    let address = format!("kenarisurel.{}@example.id", program.base.rsplit(':').next().expect("a port"));
    let terms = json!({
        "audience": { "kind": "email", "emails": [address] }, "rights": "view",
        "password": "kenarisandi tautan", "label": "kenaricatatan", "expires_at": in_three_days(),
    });
    let link = clerk.request(Method::POST, &format!("/api/v1/documents/{document}/links")).json(&terms);
    let made = story.sees(link).await;
    let url = made["url"].as_str().unwrap_or_else(|| panic!("{made}"));
    let (place, secret) = url.rsplit_once('#').expect("a secret");
    let public = place.rsplit('/').next().expect("a public id");
    story.hidden.extend([secret.to_owned(), public.to_owned()]);
    let open = |body: Value| nobody.request(Method::POST, &format!("/api/v1/shared/{public}/open")).json(&body);
    story.sees(open(json!({ "secret": secret, "password": "kenarisandi salah" }))).await;
    story.sees(open(json!({ "secret": secret, "password": "kenarisandi tautan" }))).await;
    let code = json!({ "secret": secret, "email": address });
    story.sees(nobody.request(Method::POST, &format!("/api/v1/shared/{public}/code")).json(&code)).await;
    let mail = crate::support::mail::wait_for(&address, 1).await;
    let code: String = mail.text.lines().next().unwrap_or_default().chars().filter(char::is_ascii_digit).collect();
    story.hidden.push(code.clone());
    let body = json!({ "secret": secret, "password": "kenarisandi tautan", "code": code });
    let opened = story.sees(open(body)).await;
    let grant = story.hides(&opened["grant"]);
    let picture = format!("/api/v1/shared/{public}/pages/1/image");
    story.sees(nobody.with_token(&grant).request(Method::GET, &picture)).await;
}

fn in_three_days() -> String {
    lumbung::clock::Clock::default().now().plus(Duration::from_secs(3 * 86_400)).rfc3339()
}

async fn logged(stack: Stack, format: &str, level: &str) -> (Story, String) {
    let program = Program::start(stack, &[("log.format", format), ("log.level", level)]).await;
    let story = told(&program).await;
    // The last answer's line may be on its way.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let log = program.output();
    for hidden in &story.hidden {
        let line = log.lines().find(|line| line.to_lowercase().contains(&hidden.to_lowercase()));
        assert!(line.is_none(), "the log tells {hidden}: {}", line.unwrap_or_default());
    }
    (story, log)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_as_text_has_one_line_a_request_and_tells_no_secret() {
    let (story, log) = logged(Stack::Embedded, "text", "trace").await;
    for request in &story.requests {
        let lines: Vec<&str> = log.lines().filter(|line| line.contains(request) && line.contains("answered")).collect();
        assert_eq!(lines.len(), 1, "{request}: {lines:?}");
        assert!(lines[0].contains("method=") && lines[0].contains("status="), "{}", lines[0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_as_json_has_one_object_a_request_and_tells_no_secret() {
    let (story, log) = logged(Stack::Networked, "json", "debug").await;
    let lines: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    for request in &story.requests {
        let of_it =
            |line: &&Value| line["fields"]["request"] == request.as_str() && line["fields"]["message"] == "answered";
        let answered: Vec<&Value> = lines.iter().filter(of_it).collect();
        assert_eq!(answered.len(), 1, "{request}: {answered:?}");
        assert!(answered[0]["fields"]["status"].is_number() && answered[0]["timestamp"].is_string(), "{}", answered[0]);
    }
}
