//! What this user has uploaded to an office of a server, and what was cut: one small file each, so that two runs at once lose
//! nothing of each other's.

use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::files::File;
use crate::cli::{client, say};

pub struct Memory {
    folder: PathBuf,
    whereto: String,
}

impl Memory {
    /// `whereto` tells servers and offices apart.
    pub fn of(whereto: &str) -> Memory {
        Memory { folder: client::folder("XDG_STATE_HOME", ".local/state").join("uploads"), whereto: whereto.to_owned() }
    }

    /// The path of an upload that was begun.
    pub fn begun(&self, file: &File) -> Option<String> {
        std::fs::read_to_string(self.place("begun", file)).ok()
    }

    pub fn begin(&self, file: &File, upload: &str) {
        self.keep("begun", file, upload);
    }

    pub fn forget(&self, file: &File) {
        // Where it stays, the server says that it knows no such upload.
        let _ = std::fs::remove_file(self.place("begun", file));
    }

    pub fn is_done(&self, file: &File) -> bool {
        self.place("done", file).exists()
    }

    pub fn done(&self, file: &File, document: &str) {
        self.keep("done", file, document);
        self.forget(file);
    }

    /// Losing it costs a repeated upload, no document: a failure is told and not fatal.
    fn keep(&self, kind: &str, file: &File, value: &str) {
        let place = self.place(kind, file);
        let folder = place.parent().map_or(Ok(()), std::fs::create_dir_all);
        // Renamed into place: a run that is cut leaves no half address.
        let unfinished = place.with_extension(std::process::id().to_string());
        let kept = folder
            .and_then(|()| std::fs::write(&unfinished, value))
            .and_then(|()| std::fs::rename(&unfinished, &place));
        if let Err(cause) = kept {
            say::problem(&format!("{}: {cause}", place.display()));
        }
    }

    fn place(&self, kind: &str, file: &File) -> PathBuf {
        let name = Sha256::digest(format!("{} {}", self.whereto, file.name()));
        self.folder.join(kind).join(data_encoding::HEXLOWER.encode(&name))
    }
}
