//! Where the programs lie that the tests start. `./test` brings them; here one that is missing fails by name.

use std::path::{Path, PathBuf};

/// Whether everything is run, long loads too: `./test --full`.
pub fn is_full() -> bool {
    std::env::var_os("LUMBUNG_TEST_FULL").is_some()
}

/// The folder that `./test` fills, outside the checkout.
fn cache() -> PathBuf {
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || PathBuf::from(std::env::var_os("HOME").expect("HOME is set")).join(".cache");
    base.unwrap_or_else(home).join("lumbung")
}

pub fn minio() -> PathBuf {
    present(cache().join("bin/minio"))
}

pub fn python() -> PathBuf {
    present(cache().join("venv/bin/python"))
}

/// A program that came with the Python packages, such as `schemathesis`.
pub fn python_program(name: &str) -> PathBuf {
    present(cache().join("venv/bin").join(name))
}

/// A file of an installed Python package, such as the accessibility checker's script.
pub fn python_file(relative: &str) -> PathBuf {
    let lib = cache().join("venv/lib");
    let versions = std::fs::read_dir(&lib).unwrap_or_else(|_| missing(&lib));
    let found = versions.flatten().map(|entry| entry.path().join("site-packages").join(relative)).find(|p| p.exists());
    found.unwrap_or_else(|| missing(Path::new(relative)))
}

/// A program of the system.
pub fn program(name: &str) -> PathBuf {
    on_path(name).unwrap_or_else(|| missing(Path::new(name)))
}

/// A server program of PostgreSQL, which Debian keeps off the path.
pub fn postgres(name: &str) -> PathBuf {
    on_path(name).or_else(|| newest_postgres(name)).unwrap_or_else(|| missing(Path::new(name)))
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    // Debian keeps servers where only root's path leads.
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.map(|folder| folder.join(name)).find(|file| file.is_file())
}

fn newest_postgres(name: &str) -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    versions.flatten().map(|entry| entry.path().join("bin").join(name)).filter(|file| file.is_file()).max_by_key(
        |file| {
            let version = file.iter().rev().nth(2).and_then(|part| part.to_str()?.parse::<u32>().ok());
            version.unwrap_or(0)
        },
    )
}

fn present(path: PathBuf) -> PathBuf {
    if path.exists() { path } else { missing(&path) }
}

fn missing<T>(what: &Path) -> T {
    panic!("MISSING: {}. `./test` installs what the tests need.", what.display())
}
