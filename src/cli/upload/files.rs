//! Which files are meant, and when one is still the same.

use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::error::{Error, Result, say};

/// A file as it was when it was found: another size or time of change makes it another one.
#[derive(Clone, Debug)]
pub struct File {
    path: PathBuf,
    length: u64,
    name: String,
}

impl File {
    pub fn at(path: &Path) -> io::Result<File> {
        let facts = std::fs::metadata(path)?;
        let changed = facts.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let name = format!("{} {} {changed}", std::fs::canonicalize(path)?.display(), facts.len());
        Ok(File { path: path.to_owned(), length: facts.len(), name })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn length(&self) -> u64 {
        self.length
    }

    /// Path, size and time of change.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn is_unchanged(&self) -> bool {
        File::at(&self.path).is_ok_and(|now| now.name == self.name)
    }
}

#[derive(Default)]
pub struct Found {
    pub files: Vec<File>,
    pub unreadable: Vec<(PathBuf, io::Error)>,
}

/// Whoever mistypes a path finds out before anything is sent.
pub fn must_exist(paths: &[PathBuf]) -> Result<()> {
    let absent: Vec<&PathBuf> = paths.iter().filter(|path| std::fs::metadata(path).is_err()).collect();
    let Some(first) = absent.first() else { return Ok(()) };
    let words = || say("Tidak ada, atau tidak dapat dibaca.", "Is not there, or cannot be read.");
    let error = Error::invalid(first.display().to_string(), words());
    Err(absent.iter().skip(1).fold(error, |error, path| error.field(path.display().to_string(), words())))
}

/// The file itself, or every file below a folder, in the order of their names. Hidden ones and symbolic links inside a folder
/// are passed over: they are seldom meant, and a link may lead in circles.
pub fn below(path: &Path) -> Found {
    let mut found = Found::default();
    if let Err(cause) = collect(path, &mut found) {
        found.unreadable.push((path.to_owned(), cause));
    }
    found
}

fn collect(path: &Path, found: &mut Found) -> io::Result<()> {
    if !std::fs::metadata(path)?.is_dir() {
        found.files.push(File::at(path)?);
        return Ok(());
    }
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    entries.sort();
    for entry in entries {
        let is_hidden = entry.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let is_ours = |kind: std::fs::FileType| kind.is_dir() || kind.is_file();
        let is_meant = !is_hidden && std::fs::symlink_metadata(&entry).is_ok_and(|facts| is_ours(facts.file_type()));
        if is_meant && let Err(cause) = collect(&entry, found) {
            found.unreadable.push((entry, cause));
        }
    }
    Ok(())
}
