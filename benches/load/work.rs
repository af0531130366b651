//! What callers do: upload, search, download, open a link. Each act goes to the other node than the one before it.

use std::sync::Mutex;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use reqwest::Method;
use serde_json::json;

use crate::letters::{encoded, letter_pdf, letter_scan};
use crate::support::client::{Client, form, try_send};
use crate::support::program::Program;
use crate::support::regency::Actor;

/// What an ordinary letter weighs.
const SIZE: usize = 30_000;
/// Acts choose among so many of the newest letters.
const RECENT: usize = 500;
/// Uploads at a time while the archive is filled.
const FILLERS: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Letter,
    Scan,
    Search,
    Download,
    OpenLink,
}

impl Act {
    pub fn of_turn(turn: u64) -> Act {
        match turn % 10 {
            0 if turn.is_multiple_of(100) => Act::Scan,
            0 | 5 => Act::Letter,
            1 | 6 => Act::Download,
            3 => Act::OpenLink,
            _ => Act::Search,
        }
    }
}

/// Things that letters are about; each letter has three of them.
const WORDS: [&str; 16] = [
    "tanggul",
    "pupuk",
    "posyandu",
    "irigasi",
    "jembatan",
    "musyawarah",
    "anggaran",
    "bantuan",
    "sekolah",
    "puskesmas",
    "pasar",
    "sampah",
    "listrik",
    "jalan",
    "sengketa",
    "karangtaruna",
];

pub struct Office {
    /// The same clerk at either node.
    clerks: [Client; 2],
    strangers: [Client; 2],
    scan: Vec<u8>,
    /// The public id and the secret of a link to each of some letters.
    links: Vec<(String, String)>,
    letters: Mutex<Letters>,
}

#[derive(Default)]
struct Letters {
    recent: Vec<String>,
    acknowledged: u64,
}

impl Office {
    /// With a few letters that can be found, and links to them.
    pub async fn settle(nodes: [&Program; 2]) -> Office {
        let scan = letter_scan(&["Surat pindaian tentang tanggul", "Perihal pupuk bersubsidi", "Hormat kami"]).await;
        let mut office = Office {
            clerks: nodes.map(|node| node.actor(Actor::Clerk)),
            strangers: nodes.map(|node| Client::nobody(&node.base)),
            scan: encoded(&scan, image::ImageFormat::Jpeg),
            links: Vec::new(),
            letters: Mutex::default(),
        };
        let expires = lumbung::clock::Clock::default().now().plus(Duration::from_secs(7 * 86_400)).rfc3339();
        for turn in 0..20 {
            let document = office.upload(turn, letter(turn), "surat.pdf").await.expect("kept").expect("an id");
            office.read(turn, &document).await;
            let terms = json!({ "audience": { "kind": "anyone" }, "rights": "download", "expires_at": expires });
            let link =
                office.clerks[0].post(&format!("/api/v1/documents/{document}/links"), terms).await.is(201).json();
            let url = link["url"].as_str().expect("an address");
            let (public, secret) = url.rsplit('/').next().and_then(|end| end.split_once('#')).expect("a secret");
            office.links.push((public.to_owned(), secret.to_owned()));
        }
        office
    }

    /// Keeps so many letters, as fast as it goes, and waits until all are read.
    pub async fn fill(&self, letters: u64) {
        stream::iter(0..letters)
            .for_each_concurrent(FILLERS, |turn| async move {
                self.upload(turn, letter(turn), "surat.pdf")
                    .await
                    .expect("no upload fails while the archive is filled");
            })
            .await;
        self.settled().await;
    }

    /// The document, where the act makes one; else what went wrong.
    pub async fn perform(&self, act: Act, turn: u64) -> Result<Option<String>, String> {
        match act {
            Act::Letter => self.upload(turn, letter(turn), "surat.pdf").await,
            Act::Scan => self.upload(turn, scan(&self.scan), "pindaian.jpg").await,
            Act::Search => self.search(turn).await.map(|()| None),
            Act::Download => self.download(turn).await.map(|()| None),
            Act::OpenLink => self.open_link(turn).await.map(|()| None),
        }
    }

    /// Waits until a letter has been read.
    pub async fn read(&self, turn: u64, document: &str) {
        self.clerk(turn).settled(document).await;
    }

    pub fn acknowledged(&self) -> u64 {
        self.letters.lock().expect("ours").acknowledged
    }

    /// How many letters are there when all are read, and how many waited for it at first.
    pub async fn settled(&self) -> (u64, u64) {
        let (mut waited, mut after) = (None, String::new());
        let (mut kept, mut waiting) = (0, 0);
        loop {
            let page = self.clerks[0].get(&format!("/api/v1/documents?limit=200{after}")).await.is(200).json();
            let items = page["items"].as_array().expect("items");
            kept += items.len() as u64;
            let unread = |state: &str| ["received", "reading"].contains(&state);
            waiting += items.iter().filter(|item| item["state"].as_str().is_some_and(unread)).count() as u64;
            if let Some(next) = page["next_cursor"].as_str() {
                after = format!("&cursor={next}");
                continue;
            }
            let first = *waited.get_or_insert(waiting);
            if waiting == 0 {
                return (kept, first);
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
            (kept, waiting, after) = (0, 0, String::new());
        }
    }

    fn clerk(&self, turn: u64) -> &Client {
        &self.clerks[(turn / 10 + turn) as usize % 2]
    }

    async fn upload(&self, turn: u64, bytes: Vec<u8>, name: &str) -> Result<Option<String>, String> {
        let request = self.clerk(turn).request(Method::POST, "/api/v1/documents");
        let made = expect(201, request.multipart(form(name, bytes, json!({})))).await?;
        let made: serde_json::Value = serde_json::from_slice(&made).map_err(|cause| cause.to_string())?;
        let id = made["id"].as_str().ok_or("no id")?.to_owned();
        let mut letters = self.letters.lock().expect("ours");
        letters.acknowledged += 1;
        if letters.recent.len() < RECENT {
            letters.recent.push(id.clone());
        } else {
            letters.recent[turn as usize % RECENT] = id.clone();
        }
        Ok(Some(id))
    }

    async fn search(&self, turn: u64) -> Result<(), String> {
        let question = format!("{} {}", word(turn), word(turn / 16 + 3));
        let request = self.clerk(turn).request(Method::GET, "/api/v1/search").query(&[("q", question)]);
        expect(200, request).await.map(drop)
    }

    async fn download(&self, turn: u64) -> Result<(), String> {
        let document = {
            let letters = self.letters.lock().expect("ours");
            letters.recent[(turn as usize).wrapping_mul(31) % letters.recent.len()].clone()
        };
        let path = format!("/api/v1/documents/{document}/content");
        expect(200, self.clerk(turn).request(Method::GET, &path)).await.map(drop)
    }

    async fn open_link(&self, turn: u64) -> Result<(), String> {
        let (public, secret) = &self.links[turn as usize / 10 % self.links.len()];
        let stranger = &self.strangers[turn as usize / 10 % 2];
        let path = format!("/api/v1/shared/{public}/open");
        let opened = expect(200, stranger.request(Method::POST, &path).json(&json!({ "secret": secret }))).await?;
        let opened: serde_json::Value = serde_json::from_slice(&opened).map_err(|cause| cause.to_string())?;
        let grant = opened["grant"].as_str().ok_or("no grant")?;
        let path = format!("/api/v1/shared/{public}/content");
        expect(200, stranger.with_token(grant).request(Method::GET, &path)).await.map(drop)
    }
}

async fn expect(status: u16, request: reqwest::RequestBuilder) -> Result<Vec<u8>, String> {
    let answer = try_send(request).await.map_err(|cause| format!("{cause:?}"))?;
    if answer.status == status { Ok(answer.body) } else { Err(format!("{}: {}", answer.status, answer.text())) }
}

fn word(n: u64) -> &'static str {
    WORDS[n as usize % WORDS.len()]
}

/// A typeset letter, different from every other, with as much behind its end as a letterhead's picture would weigh.
fn letter(turn: u64) -> Vec<u8> {
    let number = format!("Nomor {}/{turn}", turn % 500);
    let about = format!("Perihal {} {} dan {}", word(turn), word(turn / 16), word(turn / 256 + 5));
    let mut bytes = letter_pdf(&[&number, &about, "Dengan hormat kami sampaikan hal tersebut di atas."]);
    bytes.extend_from_slice(b"\n%");
    let noise: [u8; 500] = lumbung::id::random();
    let noise: Vec<u8> = noise.iter().map(|byte| b'A' + byte % 26).collect();
    while bytes.len() < SIZE {
        bytes.extend_from_slice(&noise);
    }
    bytes
}

/// The scan with another end, so that it is no copy; whatever stands behind the end of a JPEG is not looked at.
fn scan(jpeg: &[u8]) -> Vec<u8> {
    let mark: [u8; 16] = lumbung::id::random();
    [jpeg, &mark].concat()
}
