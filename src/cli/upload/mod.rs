//! `lumbung upload`: files and folders by resumable uploads; what was cut goes on where it was, also in another run; a folder
//! can be watched.

mod files;
mod memory;
mod progress;
mod send;
mod watch;

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;

use super::{client::Where, say, serve};
use crate::error::{Error, Kind, Result, say as said};
use files::File;
use memory::Memory;
use send::Sender;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Berkas atau folder / files or folders.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Terus mengawasi folder dan mengunggah berkas baru / keep watching folders and upload new files.
    #[arg(long)]
    watch: bool,
    /// Sifat keamanan / security class.
    #[arg(long, value_name = "CLASS", value_parser = ["biasa", "terbatas", "rahasia", "sangat_rahasia"])]
    class: Option<String>,
    /// Ringkasan sebagai JSON di akhir / the summary as JSON at the end.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Where,
}

#[derive(Serialize)]
struct Uploaded {
    path: PathBuf,
    document: String,
    /// An earlier document with the same bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    duplicate_of: Option<String>,
}

#[derive(Serialize)]
struct Failed<'a> {
    path: &'a Path,
    why: &'a str,
}

pub async fn run(args: Args) -> Result<ExitCode> {
    files::must_exist(&args.paths)?;
    let client = args.place.client()?;
    let office = client.office().await?;
    let memory = Memory::of(&format!("{} {office}", client.server()));
    let mut session = Session {
        sender: Sender { client, class: args.class.clone(), memory },
        is_watching: args.watch,
        is_quiet: args.json,
        uploaded: Vec::new(),
        failed: BTreeMap::new(),
        refused: HashSet::new(),
        is_cut_off: false,
    };
    let ended = tokio::select! {
        ended = session.work(&args.paths) => ended,
        () = serve::told_to_stop() => Ok(args.watch),
    };
    session.tell(args.json);
    let is_whole = ended?;
    if !is_whole {
        say::problem(
            "dihentikan; perintah yang sama melanjutkan dari situ / stopped; the same command goes on from there",
        );
    }
    Ok(if is_whole && session.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

struct Session {
    sender: Sender,
    is_watching: bool,
    is_quiet: bool,
    uploaded: Vec<Uploaded>,
    failed: BTreeMap<PathBuf, String>,
    /// Files as they were when they were refused for good: while watching they are not sent again until they change.
    refused: HashSet<String>,
    /// Whether the server was away for longer than anybody waits for one file.
    is_cut_off: bool,
}

impl Session {
    /// True when everything was tried.
    async fn work(&mut self, paths: &[PathBuf]) -> Result<bool> {
        if !self.is_watching {
            self.round(paths).await?;
            return Ok(true);
        }
        // Listening begins before the first look: what appears in between is not missed.
        let mut watch = watch::Watch::on(paths)?;
        loop {
            self.is_cut_off = false;
            self.round(paths).await?;
            watch.something_new(self.is_cut_off).await;
        }
    }

    /// Every file that is there now. While watching, one that was uploaded as it is now is passed over.
    async fn round(&mut self, paths: &[PathBuf]) -> Result<()> {
        for path in paths {
            let found = files::below(path);
            for (path, cause) in found.unreadable {
                let why = said(format!("Tidak dapat dibaca: {cause}"), format!("Cannot be read: {cause}"));
                self.fail(path, say::both(&why));
            }
            for file in found.files {
                let is_known = self.sender.memory.is_done(&file) || self.refused.contains(file.name());
                if !(self.is_watching && is_known) {
                    self.one(file).await?;
                }
            }
        }
        Ok(())
    }

    /// An error ends the whole: nothing else will work either.
    async fn one(&mut self, file: File) -> Result<()> {
        match self.sender.send(&file).await {
            Ok(document) => {
                self.failed.remove(file.path());
                if !self.is_quiet {
                    say::result(&format!("{document}  {}", file.path().display()));
                }
                self.note(file.path().to_owned(), document).await;
                Ok(())
            }
            Err(error) => {
                self.fail(file.path().to_owned(), say::words(&error));
                match error.kind() {
                    Kind::Unauthorized | Kind::Forbidden => Err(error),
                    Kind::Unavailable if !self.is_watching => Err(error),
                    Kind::Unavailable | Kind::TooMany => {
                        self.is_cut_off = true;
                        Ok(())
                    }
                    _ => {
                        self.refused.insert(file.name().to_owned());
                        Ok(())
                    }
                }
            }
        }
    }

    /// It stands in the summary before anything else is asked: whoever stops the program meanwhile is told of it.
    async fn note(&mut self, path: PathBuf, document: String) {
        self.uploaded.push(Uploaded { path, document: document.clone(), duplicate_of: None });
        let twin = self.sender.twin(&document).await;
        if let Some(last) = self.uploaded.last_mut() {
            last.duplicate_of = twin;
        }
    }

    fn fail(&mut self, path: PathBuf, why: String) {
        if self.failed.get(&path) != Some(&why) {
            say::problem(&format!("{}: {why}", path.display()));
            self.failed.insert(path, why);
        }
    }

    fn tell(&self, json: bool) {
        let failed: Vec<Failed> = self.failed.iter().map(|(path, why)| Failed { path, why }).collect();
        if json {
            return say::json(&serde_json::json!({ "uploaded": self.uploaded, "failed": failed }));
        }
        say::progress(&format!("{} diunggah / uploaded, {} gagal / failed", self.uploaded.len(), failed.len()));
        for Failed { path, why } in failed {
            say::progress(&format!("  {}: {why}", path.display()));
        }
        self.tell_twins();
    }

    fn tell_twins(&self) {
        let known: Vec<&Uploaded> = self.uploaded.iter().filter(|one| one.duplicate_of.is_some()).collect();
        if known.is_empty() {
            return;
        }
        say::progress(&format!("{} sudah ada di arsip / were in the archive before:", known.len()));
        for Uploaded { path, duplicate_of, .. } in known {
            let before = duplicate_of.as_deref().unwrap_or_default();
            say::progress(&format!("  {}: sama dengan / the same as {before}", path.display()));
        }
    }
}

/// A file that is not what it was when its upload began.
fn changed() -> Error {
    Error::new(
        Kind::Invalid,
        "changed",
        said(
            "Berkas berubah selama diunggah; unggah lagi setelah selesai ditulis.",
            "The file changed while it was uploaded; upload it again when it is finished.",
        ),
    )
}
