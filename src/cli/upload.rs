//! `lumbung upload`: files and folders by resumable uploads, with a progress bar; what was cut goes on where it was, also
//! in another run; a folder can be watched.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, UNIX_EPOCH};

use base64::{Engine, engine::general_purpose::STANDARD};
use indicatif::{ProgressBar, ProgressStyle};
use notify::{RecursiveMode, Watcher};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::{
    client::{Client, Where, folder},
    say,
};
use crate::error::{Error, Kind, Result, say as said};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Berkas atau folder / files or folders.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Terus mengawasi folder dan mengunggah berkas baru / keep watching folders and upload new files.
    #[arg(long)]
    watch: bool,
    /// Sifat keamanan / security class.
    #[arg(long, value_parser = ["biasa", "terbatas", "rahasia", "sangat_rahasia"])]
    class: Option<String>,
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Where,
}

const PIECE: usize = 4 << 20;
const TRIES: u32 = 8;

/// What this user has uploaded, and what was cut: by path, size and time of change.
#[derive(Default, Serialize, Deserialize)]
struct Memory {
    begun: HashMap<String, String>,
    done: HashMap<String, String>,
}

#[derive(Serialize)]
struct Summary {
    uploaded: Vec<Uploaded>,
    failed: Vec<Failed>,
}

#[derive(Serialize)]
struct Uploaded {
    path: PathBuf,
    document: String,
}

#[derive(Serialize)]
struct Failed {
    path: PathBuf,
    why: String,
}

pub async fn run(args: Args) -> Result<ExitCode> {
    let client = args.place.client()?;
    let mut session = Session {
        client,
        class: args.class,
        memory: Memory::load(),
        summary: Summary { uploaded: Vec::new(), failed: Vec::new() },
    };
    for path in &args.paths {
        session.all(path, args.watch).await?;
    }
    if args.watch {
        watch(&args.paths, &mut session).await?;
    }
    session.told(args.json);
    Ok(if session.summary.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

struct Session {
    client: Client,
    class: Option<String>,
    memory: Memory,
    summary: Summary,
}

impl Session {
    /// A file, or every file below a folder. While watching, a file that was uploaded as it is now is passed over.
    async fn all(&mut self, path: &Path, skip_done: bool) -> Result<()> {
        let mut files = Vec::new();
        collect(path, &mut files).map_err(|cause| {
            let path = path.display();
            Error::invalid(
                path.to_string(),
                said(format!("Tidak dapat dibaca: {cause}"), format!("Cannot be read: {cause}")),
            )
        })?;
        for file in files {
            let Ok(name) = identity(&file) else { continue };
            if skip_done && self.memory.done.contains_key(&name) {
                continue;
            }
            match self.one(&file, &name).await {
                Ok(document) => {
                    self.memory.begun.remove(&name);
                    self.memory.done.insert(name, document.clone());
                    self.memory.save();
                    self.summary.uploaded.push(Uploaded { path: file, document });
                }
                // Nothing else will work either: say so once.
                Err(error) if error.kind() == Kind::Unauthorized => return Err(error),
                Err(error) => {
                    say::problem(&format!("{}: {error}", file.display()));
                    self.summary.failed.push(Failed { path: file, why: error.to_string() });
                }
            }
        }
        Ok(())
    }

    async fn one(&mut self, path: &Path, name: &str) -> Result<String> {
        let length = std::fs::metadata(path)?.len();
        let bar = bar(path, length);
        let mut address = self.memory.begun.get(name).cloned();
        let mut wait = Duration::from_millis(500);
        let mut left = TRIES;
        loop {
            match self.attempt(path, name, length, &mut address, &bar).await {
                Ok(document) => {
                    bar.finish_and_clear();
                    return Ok(document);
                }
                Err(error)
                    if left > 0 && matches!(error.kind(), Kind::Unavailable | Kind::Conflict | Kind::TooMany) =>
                {
                    bar.set_message("menyambung lagi / reconnecting");
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(Duration::from_secs(30));
                    left -= 1;
                }
                // The server forgot the upload: begin anew.
                Err(error) if error.kind() == Kind::NotFound && address.is_some() => {
                    address = None;
                    self.memory.begun.remove(name);
                }
                Err(error) => {
                    bar.finish_and_clear();
                    return Err(error);
                }
            }
        }
    }

    async fn attempt(
        &mut self,
        path: &Path,
        name: &str,
        length: u64,
        address: &mut Option<String>,
        bar: &ProgressBar,
    ) -> Result<String> {
        let place = match address {
            Some(place) => place.clone(),
            None => {
                let place = self.begin(path, length).await?;
                self.memory.begun.insert(name.to_owned(), place.clone());
                self.memory.save();
                address.insert(place).clone()
            }
        };
        let head = self.client.send(self.tus(Method::HEAD, &place)).await?;
        if let Some(document) = header(&head, "lumbung-document") {
            return Ok(document);
        }
        let mut offset: u64 = header(&head, "upload-offset").and_then(|text| text.parse().ok()).unwrap_or(0);
        let mut file = tokio::fs::File::open(path).await?;
        file.seek(std::io::SeekFrom::Start(offset)).await?;
        loop {
            bar.set_position(offset);
            let mut piece = Vec::with_capacity(PIECE);
            (&mut file).take(PIECE as u64).read_to_end(&mut piece).await?;
            let taken = piece.len() as u64;
            let request = self
                .tus(Method::PATCH, &place)
                .header("upload-offset", offset)
                .header("content-type", "application/offset+octet-stream")
                .body(piece);
            let answer = self.client.send(request).await?;
            offset += taken;
            if let Some(document) = header(&answer, "lumbung-document") {
                return Ok(document);
            }
            if taken == 0 {
                return Err(Error::conflict(
                    "changed",
                    said("Berkas berubah selama diunggah.", "The file changed while it was uploaded."),
                ));
            }
        }
    }

    async fn begin(&self, path: &Path, length: u64) -> Result<String> {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let metadata = match &self.class {
            Some(class) => serde_json::json!({ "security_class": class }),
            None => serde_json::json!({}),
        };
        let pairs = format!("filename {},metadata {}", STANDARD.encode(name), STANDARD.encode(metadata.to_string()));
        let request =
            self.tus(Method::POST, "/api/v1/uploads").header("upload-length", length).header("upload-metadata", pairs);
        let answer = self.client.send(request).await?;
        let location =
            header(&answer, "location").ok_or_else(|| Error::internal("no Location in the server's answer"))?;
        // Whatever the server calls itself, it is reached under the address that the user gave.
        Ok(location.find("/api/").map_or(location.clone(), |at| location[at..].to_owned()))
    }

    fn tus(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, path).header("tus-resumable", "1.0.0")
    }

    fn told(&self, json: bool) {
        if json {
            say::json(&self.summary);
            return;
        }
        for uploaded in &self.summary.uploaded {
            say::result(&format!("{}  {}", uploaded.document, uploaded.path.display()));
        }
        say::progress(&format!(
            "{} diunggah / uploaded, {} gagal / failed",
            self.summary.uploaded.len(),
            self.summary.failed.len()
        ));
        for failed in &self.summary.failed {
            say::progress(&format!("  {}: {}", failed.path.display(), failed.why));
        }
    }
}

impl Memory {
    fn file() -> PathBuf {
        folder("XDG_STATE_HOME", ".local/state").join("uploads.json")
    }

    fn load() -> Memory {
        std::fs::read(Memory::file()).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }

    /// Losing this file costs a repeated upload, no document: a failure is told and not fatal.
    fn save(&self) {
        let file = Memory::file();
        let saved = file
            .parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| std::fs::write(&file, serde_json::to_vec(self).unwrap_or_default()));
        if let Err(cause) = saved {
            say::problem(&format!("{}: {cause}", file.display()));
        }
    }
}

/// Uploads what appears, once it has been quiet for two seconds: a scanner writes its file in pieces.
async fn watch(paths: &[PathBuf], session: &mut Session) -> Result<()> {
    let (heard, mut hear) = tokio::sync::mpsc::unbounded_channel();
    let mut watcher = notify::recommended_watcher(move |event| {
        let _ = heard.send(event);
    })
    .map_err(Error::internal)?;
    for path in paths {
        watcher.watch(path, RecursiveMode::Recursive).map_err(Error::internal)?;
    }
    say::progress("Mengawasi; tekan Ctrl-C untuk berhenti. / Watching; press Ctrl-C to stop.");
    loop {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => return Ok(()),
            event = hear.recv() => if event.is_none() { return Ok(()) },
        }
        while tokio::time::timeout(Duration::from_secs(2), hear.recv()).await.is_ok_and(|event| event.is_some()) {}
        for path in paths {
            session.all(path, true).await?;
        }
    }
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !std::fs::metadata(path)?.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    entries.sort();
    for entry in entries {
        let is_hidden = entry.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if !is_hidden && !std::fs::symlink_metadata(&entry)?.is_symlink() {
            collect(&entry, files)?;
        }
    }
    Ok(())
}

fn identity(path: &Path) -> std::io::Result<String> {
    let facts = std::fs::metadata(path)?;
    let changed = facts.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    Ok(format!("{} {} {changed}", std::fs::canonicalize(path)?.display(), facts.len()))
}

fn header(response: &reqwest::Response, name: &str) -> Option<String> {
    response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

fn bar(path: &Path, length: u64) -> ProgressBar {
    let bar = ProgressBar::new(length);
    let style = ProgressStyle::with_template("{prefix} [{bar:30}] {bytes}/{total_bytes} {eta} {msg}");
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar.set_prefix(path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default());
    bar
}
