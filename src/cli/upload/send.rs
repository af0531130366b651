//! One file to the server, by tus: begun, gone on with, and patient while the server or the link is away.

use std::io::SeekFrom;
use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::{Method, RequestBuilder, Response};
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::{changed, files::File, memory::Memory, progress::Progress};
use crate::{
    cli::{client::Client, say},
    error::{Error, Kind, Result},
};

const PIECE: u64 = 4 << 20;
/// Tries without a single byte more; together about a minute and a half.
const TRIES: u32 = 8;
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

pub struct Sender {
    pub client: Client,
    pub class: Option<String>,
    pub memory: Memory,
}

/// Where an upload is.
struct Way<'a> {
    file: &'a File,
    upload: Option<String>,
    offset: u64,
    progress: Progress,
}

impl Sender {
    /// The document that the file became.
    pub async fn send(&self, file: &File) -> Result<String> {
        let mut way = Way { file, upload: self.memory.begun(file), offset: 0, progress: Progress::of(file) };
        let sent = self.patiently(&mut way).await;
        way.progress.ends();
        match &sent {
            Ok(document) => self.memory.done(file, document),
            Err(error) if is_passing(error) => {}
            Err(_) => self.memory.forget(file),
        }
        sent
    }

    /// An earlier document of the office with the same bytes, for the summary. Whoever may upload and not read is told of
    /// none, and so is everybody while the server is away: the file is kept all the same.
    pub async fn twin(&self, document: &str) -> Option<String> {
        let request = self.client.request(Method::GET, &format!("/api/v1/documents/{document}"));
        let shown = self.client.json(request.timeout(LONGEST_WAIT)).await.ok()?;
        shown["duplicate_of"].as_str().map(str::to_owned)
    }

    async fn patiently(&self, way: &mut Way<'_>) -> Result<String> {
        let (mut wait, mut left) = (FIRST_WAIT, TRIES);
        loop {
            let before = way.offset;
            let error = match self.attempt(way).await {
                Ok(document) => return Ok(document),
                // The server knows the upload no more, or cannot go on with it: begin anew.
                Err(error) if is_over(&error) && way.upload.take().is_some() => error,
                Err(error) if is_passing(&error) => error,
                Err(error) => return Err(error),
            };
            if way.offset > before {
                (wait, left) = (FIRST_WAIT, TRIES);
            }
            if left == 0 {
                return Err(error);
            }
            left -= 1;
            way.progress.waits(&say::both(error.detail()));
            tokio::time::sleep(wait.max(Duration::from_secs(error.retry_after_seconds().unwrap_or(0).min(60)))).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    async fn attempt(&self, way: &mut Way<'_>) -> Result<String> {
        let place = match &way.upload {
            Some(place) => place.clone(),
            None => {
                let place = self.begin(way.file).await?;
                self.memory.begin(way.file, &place);
                way.upload.insert(place).clone()
            }
        };
        let head = self.client.send(self.tus(Method::HEAD, &place)).await?;
        if let Some(document) = header(&head, "lumbung-document") {
            return Ok(document);
        }
        let kept = header(&head, "upload-offset").and_then(|text| text.parse().ok());
        way.offset = kept.ok_or_else(|| Error::internal("no Upload-Offset in the server's answer"))?;
        let mut file = tokio::fs::File::open(way.file.path()).await?;
        file.seek(SeekFrom::Start(way.offset)).await?;
        loop {
            way.progress.at(way.offset);
            let mut piece = Vec::new();
            (&mut file).take(PIECE.min(way.file.length() - way.offset)).read_to_end(&mut piece).await?;
            // A file that is written to meanwhile would become a mixture of two.
            if piece.is_empty() || !way.file.is_unchanged() {
                let _ = self.client.send(self.tus(Method::DELETE, &place)).await;
                return Err(changed());
            }
            let taken = piece.len() as u64;
            let answer = self.client.send(self.patch(&place, way.offset, piece)).await?;
            way.offset += taken;
            if let Some(document) = header(&answer, "lumbung-document") {
                way.progress.at(way.offset);
                return Ok(document);
            }
        }
    }

    async fn begin(&self, file: &File) -> Result<String> {
        let name = file.path().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let metadata = match &self.class {
            Some(class) => serde_json::json!({ "security_class": class }),
            None => serde_json::json!({}),
        };
        let pairs = format!("filename {},metadata {}", STANDARD.encode(name), STANDARD.encode(metadata.to_string()));
        let request = self.tus(Method::POST, "/api/v1/uploads").header("upload-length", file.length());
        let answer = self.client.send(request.header("upload-metadata", pairs)).await?;
        let location =
            header(&answer, "location").ok_or_else(|| Error::internal("no Location in the server's answer"))?;
        // Whatever the server calls itself, it is reached under the address that the user gave.
        let path = location.find("/api/").map(|at| location[at..].to_owned());
        path.ok_or_else(|| Error::internal("the server's answer names another place than its API"))
    }

    fn patch(&self, place: &str, offset: u64, piece: Vec<u8>) -> RequestBuilder {
        self.tus(Method::PATCH, place)
            .header("upload-offset", offset)
            .header("content-type", "application/offset+octet-stream")
            .body(piece)
    }

    fn tus(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, path).header("tus-resumable", "1.0.0")
    }
}

/// What is told of an upload that is not there, or not whole.
fn is_over(error: &Error) -> bool {
    matches!(error.kind(), Kind::NotFound | Kind::Gone)
}

/// What another try may cure.
fn is_passing(error: &Error) -> bool {
    matches!(error.kind(), Kind::Unavailable | Kind::Conflict | Kind::TooMany)
}

fn header(response: &Response, name: &str) -> Option<String> {
    response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}
