//! Every write path once, in one story. Where the server dies, it is started again, the ledger is compared, and the step
//! is tried once more, as a client on a weak link does.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::ledger::{Kept, Ledger, Shared};
use super::leftover;
use crate::reading::support::letter_pdf;
use crate::support::client::{Answer, Client, form, try_send};
use crate::support::program::{Launch, Program};
use crate::support::regency::{Actor, Stack};

pub struct Story {
    pub program: Program,
    pub ledger: Ledger,
    pub deaths: usize,
    clerk: Client,
    head: Client,
}

/// An answer, and whether the first try of it was cut off.
pub struct Told {
    pub answer: Answer,
    pub repeated: bool,
}

/// Leases of a dead node end soon, so that its jobs are done while the test waits.
const SETTINGS: &[(&str, &str)] = &[("queue.lease_seconds", "10"), ("upload.part_bytes", "65536")];

impl Story {
    /// The first server is launched this way, and no later one.
    pub async fn begin(stack: Stack, launch: &Launch<'_>) -> Story {
        let mut program = Program::launch(stack, SETTINGS, launch).await;
        let mut deaths = 0;
        if !program.becomes_ready().await {
            deaths += 1;
            program.start_again().await;
        }
        let (clerk, head) = (program.actor(Actor::Clerk), program.actor(Actor::Head));
        Story { program, ledger: Ledger::default(), deaths, clerk, head }
    }

    /// Plays everything; afterwards all of it must be there.
    pub async fn play(&mut self) {
        let letter = self.upload("letter").await;
        self.edit(&letter).await;
        self.version(&letter).await;
        let resumed = self.upload_in_pieces().await;
        self.look_at(&letter).await;
        let link = self.share(&letter).await;
        self.open(&link).await;
        self.open(&link).await;
        self.revoke(&link).await;
        self.trash(&resumed).await;
        self.restore(&resumed).await;
        let gone = self.upload("gone").await;
        self.trash(&gone).await;
        self.reindex().await;
        self.quiet().await;
        // The comparison itself is asked of a server that is not armed.
        if self.deaths == 0 {
            self.program.cut_and_restart().await;
        }
        self.check().await;
        leftover::none(&self.program).await;
    }

    /// Compares with the ledger. A server that dies while it is asked is started again first: reading and indexing go
    /// on in the background.
    pub async fn check(&mut self) {
        self.quiet().await;
        self.ledger.check(&self.clerk, &self.head).await;
    }

    /// Waits until nothing goes on behind the answers.
    async fn quiet(&mut self) {
        for _ in 0..1200 {
            let asked = try_send(self.clerk.request(Method::GET, "/api/v1/documents?limit=200")).await;
            match asked {
                Err(_) => self.recover().await,
                Ok(answer) => {
                    let listed = answer.is(200).json();
                    let busy = |item: &Value| item["state"] == "received" || item["state"] == "reading";
                    if !listed["items"].as_array().is_some_and(|items| items.iter().any(busy)) {
                        return;
                    }
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("documents do not settle:\n{}", self.program.output());
    }

    /// After a broken connection: the server has died, is started again, and has lost nothing.
    async fn recover(&mut self) {
        assert!(self.program.dies_within(Duration::from_secs(10)).await, "no answer:\n{}", self.program.output());
        self.deaths += 1;
        self.program.start_again().await;
    }

    /// Sends, and once more after a death.
    async fn told(&mut self, request: impl Fn(&Client) -> RequestBuilder) -> Told {
        if let Ok(answer) = try_send(request(&self.clerk)).await {
            return Told { answer, repeated: false };
        }
        self.recover().await;
        self.ledger.unacknowledged += 1;
        Box::pin(self.check()).await;
        self.ledger.unacknowledged -= 1;
        for _ in 0..20 {
            let answer = try_send(request(&self.clerk)).await.expect("a server that is not armed lives");
            // Another node could still be at it: a claim is free when its lease has ended.
            if answer.status != 409 || answer.header("retry-after").is_empty() {
                return Told { answer, repeated: true };
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        panic!("the first request is said to be running still")
    }

    pub async fn upload(&mut self, name: &str) -> String {
        let word = fresh_word();
        let bytes = letter_pdf(&[&word, "surat undangan rapat desa"]);
        let key = format!("{name}-{word}");
        let body = bytes.clone();
        let told = self
            .told(move |clerk| {
                let form = form("surat.pdf", body.clone(), json!({ "title": "Undangan rapat" }));
                clerk.request(Method::POST, "/api/v1/documents").header("Idempotency-Key", &key).multipart(form)
            })
            .await;
        let id = told.answer.is(201).json()["id"].as_str().expect("an id").to_owned();
        self.ledger.act("document.upload", &id);
        self.ledger.documents.insert(id.clone(), Kept { bytes, word, trashed: false });
        id
    }

    async fn edit(&mut self, id: &str) {
        let path = format!("/api/v1/documents/{id}");
        let told = self
            .told(|clerk| {
                let request = clerk.request(Method::PATCH, &path).header("If-Match", "*");
                request.json(&json!({ "summary": "Undangan untuk semua RT" }))
            })
            .await;
        self.note("document.edit", id, &told);
        assert_eq!(told.answer.is(200).json()["summary"], "Undangan untuk semua RT");
    }

    async fn version(&mut self, id: &str) {
        let word = fresh_word();
        let bytes = letter_pdf(&[&word, "surat undangan rapat desa, diperbaiki"]);
        let (path, key, body) = (format!("/api/v1/documents/{id}/versions"), format!("v-{word}"), bytes.clone());
        // The former version is what is there until the new one is acknowledged, and either may be after a cut.
        let before = self.ledger.documents.remove(id).expect("a document of ours");
        self.ledger.unacknowledged += 1;
        let told = self
            .told(move |clerk| {
                let form = form("surat.pdf", body.clone(), json!({ "note": "salah tanggal" }));
                clerk.request(Method::POST, &path).header("Idempotency-Key", &key).multipart(form)
            })
            .await;
        self.ledger.unacknowledged -= 1;
        assert_eq!(told.answer.is(201).json()["versions"], 2);
        self.ledger.act("document.version", id);
        self.ledger.documents.insert(id.to_owned(), Kept { bytes, word, ..before });
    }

    /// By tus in two requests; what HEAD tells after a death is where it goes on.
    async fn upload_in_pieces(&mut self) -> String {
        let word = fresh_word();
        let mut bytes = letter_pdf(&[&word, "surat permohonan"]);
        // Behind the end of a PDF anything may stand; the pieces are several parts long.
        bytes.extend(std::iter::repeat_n(b'\n', 150_000));
        let pairs = format!("filename {},metadata {}", STANDARD.encode("surat.pdf"), STANDARD.encode("{}"));
        let length = bytes.len();
        let begun = self
            .told(move |clerk| {
                let request = tus(clerk, Method::POST, "/api/v1/uploads").header("upload-length", length);
                request.header("upload-metadata", &pairs)
            })
            .await;
        let location = begun.answer.is(201).header("location").to_owned();
        let place = location[location.find("/api/").expect("an address of ours")..].to_owned();
        let half = length / 2;
        let mut document = String::new();
        while document.is_empty() {
            let at = self.told(|clerk| tus(clerk, Method::HEAD, &place)).await.answer.is(200);
            document = at.header("lumbung-document").to_owned();
            let offset: usize = at.header("upload-offset").parse().expect("an offset");
            if !document.is_empty() {
                break;
            }
            let end = if offset < half { half } else { length };
            let piece = bytes[offset..end].to_vec();
            let request = tus(&self.clerk, Method::PATCH, &place)
                .header("upload-offset", offset)
                .header("content-type", "application/offset+octet-stream")
                .body(piece);
            match try_send(request).await {
                Ok(answer) => document = answer.is(204).header("lumbung-document").to_owned(),
                Err(_) => {
                    self.recover().await;
                    self.ledger.unacknowledged += 1;
                    self.check().await;
                    self.ledger.unacknowledged -= 1;
                }
            }
        }
        self.ledger.act("document.upload", &document);
        self.ledger.documents.insert(document.clone(), Kept { bytes, word, trashed: false });
        document
    }

    async fn look_at(&mut self, id: &str) {
        self.quiet().await;
        let path = format!("/api/v1/documents/{id}/pages/1/image");
        self.told(|clerk| clerk.request(Method::GET, &path)).await.answer.is(200);
    }

    async fn share(&mut self, id: &str) -> String {
        let until = lumbung::clock::Clock::default().now().plus(Duration::from_secs(86_400)).rfc3339();
        let terms = json!({ "audience": { "kind": "anyone" }, "rights": "download", "expires_at": until });
        let (path, key) = (format!("/api/v1/documents/{id}/links"), format!("link-{id}"));
        let told = self
            .told(move |clerk| clerk.request(Method::POST, &path).header("Idempotency-Key", &key).json(&terms))
            .await;
        let made = told.answer.is(201).json();
        let link = made["id"].as_str().expect("an id").to_owned();
        let (address, secret) = made["url"].as_str().and_then(|url| url.split_once('#')).expect("an address");
        let public = address.rsplit('/').next().expect("a public id").to_owned();
        self.ledger.act("link.make", &link);
        let shared = Shared { public, secret: secret.into(), opened: 0, unanswered: 0, grant: None, revoked: false };
        self.ledger.links.insert(link.clone(), shared);
        link
    }

    async fn open(&mut self, link: &str) {
        let shared = self.ledger.links[link].clone();
        let path = format!("/api/v1/shared/{}/open", shared.public);
        let body = json!({ "secret": shared.secret });
        // Whether a cut opening was counted shows only in the count: it is allowed to be, once.
        self.ledger.links.get_mut(link).expect("ours").unanswered += 1;
        self.ledger.unanswered("link.open", link);
        let told = self.told(|clerk| clerk.request(Method::POST, &path).json(&body)).await;
        let shared = self.ledger.links.get_mut(link).expect("ours");
        if !told.repeated {
            shared.unanswered -= 1;
        }
        shared.opened += 1;
        shared.grant = told.answer.is(200).json()["grant"].as_str().map(str::to_owned);
        self.ledger.act("link.open", link);
    }

    async fn revoke(&mut self, link: &str) {
        let path = format!("/api/v1/links/{link}");
        let told = self.told(|clerk| clerk.request(Method::DELETE, &path)).await;
        told.answer.is(204);
        self.ledger.act("link.revoke", link);
        self.ledger.links.get_mut(link).expect("ours").revoked = true;
    }

    async fn trash(&mut self, id: &str) {
        let path = format!("/api/v1/documents/{id}");
        let before = self.ledger.documents.remove(id).expect("a document of ours");
        self.ledger.unacknowledged += 1;
        let told = self.told(|clerk| clerk.request(Method::DELETE, &path)).await;
        self.ledger.unacknowledged -= 1;
        // Done and not answered, it is not there to be trashed again.
        assert!(told.answer.status == 204 || told.repeated && told.answer.status == 404, "{}", told.answer.text());
        self.ledger.act("document.trash", id);
        self.ledger.documents.insert(id.to_owned(), Kept { trashed: true, ..before });
    }

    async fn restore(&mut self, id: &str) {
        let path = format!("/api/v1/documents/{id}/restore");
        let before = self.ledger.documents.remove(id).expect("a document of ours");
        self.ledger.unacknowledged += 1;
        let told = self.told(|clerk| clerk.request(Method::POST, &path)).await;
        self.ledger.unacknowledged -= 1;
        assert!(told.answer.status == 200 || told.repeated && told.answer.status == 404, "{}", told.answer.text());
        self.ledger.act("document.restore", id);
        self.ledger.documents.insert(id.to_owned(), Kept { trashed: false, ..before });
    }

    async fn reindex(&mut self) {
        let done = self.program.command(&["reindex"]);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        // Its batches are done behind the answers; a death in one of them is seen when the server is asked.
        tokio::time::sleep(Duration::from_millis(1500)).await;
    }

    /// An act that may be repeated: of a cut one an entry more may be there.
    fn note(&mut self, action: &'static str, object: &str, told: &Told) {
        self.ledger.act(action, object);
        if told.repeated {
            self.ledger.unanswered(action, object);
        }
    }
}

/// A word that stands in no other document, and that looks like one: what a reader takes for rubbish goes to OCR, which is slow
/// and may read another word.
pub fn fresh_word() -> String {
    let bytes: [u8; 11] = lumbung::id::random();
    let syllable = |byte: u8| {
        let (consonants, vowels) = (b"bcdfghjkmnprstwz", b"aeou");
        [consonants[usize::from(byte % 16)], vowels[usize::from(byte / 16 % 4)]].map(char::from)
    };
    bytes.into_iter().flat_map(syllable).collect()
}

pub fn tus(clerk: &Client, method: Method, path: &str) -> RequestBuilder {
    clerk.request(method, path).header("tus-resumable", "1.0.0")
}
