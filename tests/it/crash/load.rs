//! Clients that work until their server dies: each does one kind of act after the other and notes what was answered. After a
//! death it goes on where it was, as a person would.

use std::sync::Arc;
use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::ledger::{Kept, Ledger, Shared};
use super::story::{fresh_word, tus};
use crate::reading::support::letter_pdf;
use crate::support::client::{Answer, Client, form, try_send};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    /// One letter after the other, whole.
    Whole,
    /// Letters in two pieces; one that a death cut is gone on with.
    Pieces,
    /// A letter, a link to it, two openings, and the link's end.
    Sharing,
    /// A letter, a new version of it, the trash, and back.
    Changing,
}

pub const HABITS: [Habit; 4] = [Habit::Whole, Habit::Pieces, Habit::Sharing, Habit::Changing];

/// A client, kept over the deaths of its server.
pub struct Worker {
    habit: Habit,
    clerk: Client,
    ledger: Arc<Mutex<Ledger>>,
    /// Cancelled when the server is dead, so that nobody goes on with the next one unseen.
    dead: CancellationToken,
    cut: Option<Cut>,
}

/// An upload in pieces whose end nobody has heard of.
struct Cut {
    place: String,
    bytes: Vec<u8>,
    word: String,
    /// Its last piece was sent and not answered.
    may_be_whole: bool,
}

/// The server has died; what was asked last may be done or not.
struct Died;

impl Worker {
    pub fn new(habit: Habit, clerk: Client, ledger: Arc<Mutex<Ledger>>) -> Worker {
        Worker { habit, clerk, ledger, dead: CancellationToken::new(), cut: None }
    }

    /// Until `dead` is cancelled.
    pub async fn work(mut self, dead: CancellationToken) -> Worker {
        self.dead = dead;
        loop {
            let done = match self.habit {
                Habit::Whole => self.letter().await.map(drop),
                Habit::Pieces => self.letter_in_pieces().await,
                Habit::Sharing => self.share().await,
                Habit::Changing => self.change().await,
            };
            if let Err(Died) = done {
                return self;
            }
        }
    }

    async fn ask(&self, request: RequestBuilder) -> Result<Answer, Died> {
        // An answer that came whole before the death was given, however late it is looked at.
        tokio::select! {
            biased;
            answer = try_send(request) => answer.map_err(|_| Died),
            () = self.dead.cancelled() => Err(Died),
        }
    }

    /// Sends; what was answered is an act that has exactly one entry in the audit, and what was cut may have one.
    async fn act(&self, action: &'static str, object: &str, request: RequestBuilder) -> Result<Answer, Died> {
        let answer = self.ask(request).await;
        let mut ledger = self.ledger.lock().await;
        match answer {
            Ok(_) => ledger.act(action, object),
            Err(Died) => ledger.unanswered(action, object),
        }
        answer
    }

    async fn letter(&self) -> Result<String, Died> {
        let (word, bytes) = letter();
        let request = self.clerk.request(Method::POST, "/api/v1/documents").header("Idempotency-Key", &word);
        let answer = self.ask(request.multipart(form("surat.pdf", bytes.clone(), json!({})))).await;
        let mut ledger = self.ledger.lock().await;
        let Ok(answer) = answer else {
            ledger.unacknowledged += 1;
            return Err(Died);
        };
        let id = answer.is(201).json()["id"].as_str().expect("an id").to_owned();
        ledger.act("document.upload", &id);
        ledger.documents.insert(id.clone(), Kept { bytes, word, trashed: false });
        Ok(id)
    }

    async fn letter_in_pieces(&mut self) -> Result<(), Died> {
        if self.cut.is_none() {
            let (word, bytes) = letter();
            let pairs = format!("filename {},metadata {}", STANDARD.encode("surat.pdf"), STANDARD.encode("{}"));
            let request = tus(&self.clerk, Method::POST, "/api/v1/uploads")
                .header("upload-length", bytes.len())
                .header("upload-metadata", pairs);
            let begun = self.ask(request).await?.is(201);
            let location = begun.header("location");
            let place = location[location.find("/api/").expect("an address of ours")..].to_owned();
            self.cut = Some(Cut { place, bytes, word, may_be_whole: false });
        }
        let mut cut = self.cut.take().expect("begun");
        let done = self.go_on(&mut cut).await;
        let mut ledger = self.ledger.lock().await;
        let Ok(document) = done else {
            self.cut = Some(cut);
            return Err(Died);
        };
        if cut.may_be_whole {
            ledger.unacknowledged -= 1;
        }
        ledger.act("document.upload", &document);
        ledger.documents.insert(document, Kept { bytes: cut.bytes, word: cut.word, trashed: false });
        Ok(())
    }

    /// From where the server says that it is, to the end.
    async fn go_on(&self, cut: &mut Cut) -> Result<String, Died> {
        let Cut { place, bytes, may_be_whole, .. } = cut;
        let at = self.ask(tus(&self.clerk, Method::HEAD, place)).await?.is(200);
        let mut document = at.header("lumbung-document").to_owned();
        let mut offset: usize = at.header("upload-offset").parse().expect("an offset");
        while document.is_empty() {
            let end = if offset < bytes.len() / 2 { bytes.len() / 2 } else { bytes.len() };
            let request = tus(&self.clerk, Method::PATCH, place)
                .header("upload-offset", offset)
                .header("content-type", "application/offset+octet-stream")
                .body(bytes[offset..end].to_vec());
            let answer = self.ask(request).await;
            if answer.is_err() && end == bytes.len() && !*may_be_whole {
                *may_be_whole = true;
                self.ledger.lock().await.unacknowledged += 1;
            }
            let answer = answer?.is(204);
            offset = answer.header("upload-offset").parse().expect("an offset");
            document = answer.header("lumbung-document").to_owned();
        }
        Ok(document)
    }

    async fn share(&self) -> Result<(), Died> {
        let id = self.letter().await?;
        let until = lumbung::clock::Clock::default().now().plus(Duration::from_secs(86_400)).rfc3339();
        let terms = json!({ "audience": { "kind": "anyone" }, "rights": "download", "expires_at": until });
        let request = self.clerk.request(Method::POST, &format!("/api/v1/documents/{id}/links"));
        let made = self.ask(request.header("Idempotency-Key", &id).json(&terms)).await?.is(201).json();
        let link = made["id"].as_str().expect("an id").to_owned();
        let (address, secret) = made["url"].as_str().and_then(|url| url.split_once('#')).expect("an address");
        let public = address.rsplit('/').next().expect("a public id").to_owned();
        let mut ledger = self.ledger.lock().await;
        ledger.act("link.make", &link);
        let shared = Shared {
            public: public.clone(),
            secret: secret.into(),
            opened: 0,
            unanswered: 0,
            grant: None,
            revoked: false,
        };
        ledger.links.insert(link.clone(), shared);
        drop(ledger);
        for _ in 0..2 {
            let request = self.clerk.request(Method::POST, &format!("/api/v1/shared/{public}/open"));
            let answer = self.act("link.open", &link, request.json(&json!({ "secret": secret }))).await;
            let mut ledger = self.ledger.lock().await;
            let shared = ledger.links.get_mut(&link).expect("ours");
            let Ok(answer) = answer else {
                shared.unanswered += 1;
                return Err(Died);
            };
            shared.opened += 1;
            shared.grant = answer.is(200).json()["grant"].as_str().map(str::to_owned);
        }
        let request = self.clerk.request(Method::DELETE, &format!("/api/v1/links/{link}"));
        self.act("link.revoke", &link, request).await?.is(204);
        self.ledger.lock().await.links.get_mut(&link).expect("ours").revoked = true;
        Ok(())
    }

    async fn change(&self) -> Result<(), Died> {
        let id = self.letter().await?;
        let (word, bytes) = letter();
        let path = format!("/api/v1/documents/{id}");
        let request = self.clerk.request(Method::POST, &format!("{path}/versions")).header("Idempotency-Key", &word);
        let request = request.multipart(form("surat.pdf", bytes.clone(), json!({ "note": "salah tanggal" })));
        self.changed("document.version", &id, request, 201, Kept { bytes, word, trashed: false }).await?;
        for (action, trashed) in [("document.trash", true), ("document.restore", false)] {
            let request = match trashed {
                true => self.clerk.request(Method::DELETE, &path),
                false => self.clerk.request(Method::POST, &format!("{path}/restore")),
            };
            let kept = self.ledger.lock().await.documents[&id].clone();
            let status = if trashed { 204 } else { 200 };
            self.changed(action, &id, request, status, Kept { trashed, ..kept }).await?;
        }
        Ok(())
    }

    /// A change that is there when it was answered; one that was cut may be there, so the document counts as unacknowledged
    /// from then on: whole it is in each case.
    async fn changed(
        &self,
        action: &'static str,
        id: &str,
        request: RequestBuilder,
        status: u16,
        after: Kept,
    ) -> Result<(), Died> {
        let answer = self.act(action, id, request).await;
        let mut ledger = self.ledger.lock().await;
        let Ok(answer) = answer else {
            ledger.documents.remove(id);
            ledger.unacknowledged += 1;
            return Err(Died);
        };
        answer.is(status);
        ledger.documents.insert(id.to_owned(), after);
        Ok(())
    }
}

/// A word that only this letter has, and the letter.
fn letter() -> (String, Vec<u8>) {
    let word = fresh_word();
    let bytes = letter_pdf(&[&word, "surat undangan"]);
    (word, bytes)
}
