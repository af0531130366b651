//! A caller of the API: speaks as somebody, and says what came back when it is not what was expected.

use std::time::{Duration, Instant};

use reqwest::header::HeaderMap;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::regency::Account;

#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    bearer: Option<String>,
    account: Option<Account>,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    asked: String,
}

impl Client {
    pub fn nobody(base: &str) -> Client {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        let http = http.timeout(Duration::from_secs(120)).build().expect("a client");
        Client { http, base: base.to_owned(), bearer: None, account: None }
    }

    pub fn of(base: &str, account: Account) -> Client {
        Client { bearer: Some(account.token.clone()), account: Some(account), ..Client::nobody(base) }
    }

    /// The same, of a server whose certificate was made for the test.
    pub fn unverified(self) -> Client {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        let http = http.timeout(Duration::from_secs(120)).tls_danger_accept_invalid_certs(true).build();
        Client { http: http.expect("a client"), ..self }
    }

    /// The same caller with another token, such as one of fewer scopes or a grant.
    pub fn with_token(&self, token: &str) -> Client {
        Client { bearer: Some(token.to_owned()), ..self.clone() }
    }

    /// The id of the office that this caller acts for.
    pub fn office(&self) -> &str {
        &self.account().office
    }

    pub fn account(&self) -> &Account {
        self.account.as_ref().expect("nobody has no account")
    }

    /// Anything else than the calls below: headers, forms, streams.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) };
        let request = self.http.request(method, url).header("Accept-Language", "en");
        match &self.bearer {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        send(self.request(Method::POST, path).json(&body)).await
    }

    /// With the ETag of what is there now.
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        let etag = self.get(path).await.is(200).header("etag").to_owned();
        send(self.request(Method::PATCH, path).header("If-Match", etag).json(&body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        send(self.request(Method::DELETE, path)).await
    }

    /// Sends one file with its details, whatever the answer.
    pub async fn try_upload(&self, file_name: &str, bytes: Vec<u8>, metadata: Value) -> Answer {
        send(self.request(Method::POST, "/api/v1/documents").multipart(form(file_name, bytes, metadata))).await
    }

    /// The document that a file became.
    pub async fn upload(&self, file_name: &str, bytes: Vec<u8>, metadata: Value) -> Value {
        self.try_upload(file_name, bytes, metadata).await.is(201).json()
    }

    /// The document as soon as nothing more will happen to it by itself: `ready`, `unreadable` or `stored`.
    pub async fn settled(&self, document: &str) -> Value {
        let started = Instant::now();
        loop {
            let now = self.get(&format!("/api/v1/documents/{document}")).await.is(200).json();
            let state = now["state"].as_str().unwrap_or_default();
            if !["received", "reading"].contains(&state) {
                return now;
            }
            assert!(started.elapsed() < Duration::from_secs(120), "{document} does not settle: {now}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Uploads and waits until it can be found.
    pub async fn upload_and_read(&self, file_name: &str, bytes: Vec<u8>, metadata: Value) -> Value {
        let document = self.upload(file_name, bytes, metadata).await;
        let settled = self.settled(document["id"].as_str().expect("an id")).await;
        assert_eq!(settled["state"], "ready", "{settled}");
        settled
    }

    pub async fn search(&self, question: &str) -> Value {
        send(self.request(Method::GET, "/api/v1/search").query(&[("q", question)])).await.is(200).json()
    }

    /// The ids of the documents that a question finds, best first.
    pub async fn finds(&self, question: &str) -> Vec<String> {
        let answer = self.search(question).await;
        let items = answer["items"].as_array().expect("items");
        items.iter().map(|item| item["document"]["id"].as_str().expect("an id").to_owned()).collect()
    }

    /// A session by login and password, instead of the token.
    pub async fn log_in(&self, login: &str, password: &str) -> Answer {
        self.post("/api/v1/sessions", json!({ "login": login, "password": password })).await
    }
}

/// Part `metadata`, then part `file`, as the API wants them.
pub fn form(file_name: &str, bytes: Vec<u8>, metadata: Value) -> Form {
    let metadata = Part::text(metadata.to_string()).mime_str("application/json").expect("a media type");
    Form::new().part("metadata", metadata).part("file", Part::bytes(bytes).file_name(file_name.to_owned()))
}

pub async fn send(request: RequestBuilder) -> Answer {
    try_send(request).await.unwrap_or_else(|cause| panic!("{cause:?}"))
}

/// An error where the connection broke: the server died, or is not there.
pub async fn try_send(request: RequestBuilder) -> reqwest::Result<Answer> {
    let (client, request) = request.build_split();
    let request = request.expect("a sound request");
    let asked = format!("{} {}", request.method(), request.url());
    let answer = client.execute(request).await?;
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let body = answer.bytes().await?.to_vec();
    Ok(Answer { status, headers, body, asked })
}

impl Answer {
    #[track_caller]
    pub fn is(self, status: u16) -> Answer {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.text());
        self
    }

    /// A problem of this kind: its status and the last part of its type.
    #[track_caller]
    pub fn refusal(self, status: u16, slug: &str) -> Value {
        let answer = self.is(status);
        assert_eq!(answer.header("content-type"), "application/problem+json", "{}", answer.asked);
        let problem = answer.json();
        assert_eq!(problem["type"], format!("/errors/{slug}"), "{}: {problem}", answer.asked);
        problem
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|cause| panic!("{}: {cause}: {}", self.asked, self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Empty where it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}
