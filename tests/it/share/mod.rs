//! Sharing from outside: offices that make links, strangers who come with them, and what each of them is told.

mod classes;
mod drop_uploads;
pub mod drops;
mod mails;
mod opening;
pub mod personal;
mod story;

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::reading::support::letter_pdf;
use crate::support::app::{TestApp, both_stacks};
use crate::support::client::{Answer, Client, send};
use crate::support::regency::{Actor, Stack};

pub const DAY: Duration = Duration::from_secs(86_400);

/// A link as its maker hands it out.
#[derive(Clone, Debug)]
pub struct Handed {
    pub id: String,
    pub public: String,
    pub secret: String,
}

/// A time from the server's now on, as the API writes it.
pub fn at(app: &TestApp, from_now: Duration) -> String {
    app.clock.now().plus(from_now).rfc3339()
}

/// A PDF of one page that was read, of a class.
pub async fn letter(owner: &Client, class: &str) -> String {
    let pdf = letter_pdf(&["Undangan rapat pemutakhiran data", "Nomor 005/17/DPMD/2026"]);
    let metadata = json!({ "title": "Undangan rapat", "security_class": class });
    let document = owner.upload_and_read("undangan.pdf", pdf, metadata).await;
    document["id"].as_str().expect("an id").to_owned()
}

/// Terms for one day, with `extra` laid over them.
pub fn terms(app: &TestApp, audience: Value, rights: &str, extra: Value) -> Value {
    let mut terms = json!({ "audience": audience, "rights": rights, "expires_at": at(app, DAY) });
    for (name, value) in extra.as_object().into_iter().flatten() {
        terms[name] = value.clone();
    }
    terms
}

pub fn anyone() -> Value {
    json!({ "kind": "anyone" })
}

pub fn offices(clients: &[&Client]) -> Value {
    json!({ "kind": "offices", "offices": clients.iter().map(|client| client.office()).collect::<Vec<_>>() })
}

pub async fn try_link(owner: &Client, document: &str, terms: &Value) -> Answer {
    owner.post(&format!("/api/v1/documents/{document}/links"), terms.clone()).await
}

pub async fn link(owner: &Client, document: &str, terms: &Value) -> Handed {
    handed(&try_link(owner, document, terms).await.is(201).json())
}

pub fn handed(made: &Value) -> Handed {
    let url = made["url"].as_str().expect("an address");
    let (address, secret) = url.split_once('#').expect("a fragment");
    let (_, public) = address.split_once("/s/").expect("a link's address");
    Handed { id: made["id"].as_str().expect("an id").into(), public: public.into(), secret: secret.into() }
}

pub async fn open(caller: &Client, link: &Handed, extra: Value) -> Answer {
    let mut body = json!({ "secret": link.secret });
    for (name, value) in extra.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    caller.post(&format!("/api/v1/shared/{}/open", link.public), body).await
}

/// The holder of the grant that an opening gave.
pub fn holder(app: &TestApp, opened: &Answer) -> Client {
    app.nobody().with_token(opened.json()["grant"].as_str().expect("a grant"))
}

pub fn content(link: &Handed) -> String {
    format!("/api/v1/shared/{}/content", link.public)
}

pub fn page(link: &Handed) -> String {
    format!("/api/v1/shared/{}/pages/1/image", link.public)
}

pub async fn shown(owner: &Client, link: &Handed) -> Value {
    owner.get(&format!("/api/v1/links/{}", link.id)).await.is(200).json()
}

/// Results of the link's log with their reasons, newest first.
pub async fn log(owner: &Client, link: &Handed) -> Vec<String> {
    let log = owner.get(&format!("/api/v1/links/{}/opens", link.id)).await.is(200).json();
    let line = |line: &Value| match line["reason"].as_str() {
        Some(reason) => format!("{}: {reason}", line["result"].as_str().unwrap_or_default()),
        None => line["result"].as_str().unwrap_or_default().to_owned(),
    };
    log["items"].as_array().expect("items").iter().map(line).collect()
}

/// What an answer tells, without the id of the request.
pub fn told(answer: Answer) -> (u16, Value) {
    let mut problem = answer.json();
    problem["request_id"] = Value::Null;
    (answer.status, problem)
}
