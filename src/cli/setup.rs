//! Setting up an empty installation: key, recipient, schema, offices. Used by `init`, `demo` and the tests.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::{
    app,
    clock::Clock,
    config::Config,
    db::{self, Db, Tx},
    error::{Error, Kind, Result, say},
    office::{self, OfficeKeys},
    seal::{MasterKey, RecoveryRecipient},
};

/// What was set up.
pub struct Setup {
    pub db: Db,
    pub keys: OfficeKeys,
    pub offices: usize,
}

const DEMO_MARK: &str = "demo";

pub fn is_demo(dir: &Path) -> bool {
    dir.join(DEMO_MARK).exists()
}

pub fn mark_demo(dir: &Path) -> std::io::Result<()> {
    std::fs::write(dir.join(DEMO_MARK), "lumbung demo\n")
}

/// Makes the master key, applies the schema, remembers whose installation this is, and fills the tree of offices.
pub async fn install(config: &Config, recovery: &RecoveryRecipient, clock: &Clock) -> Result<Setup> {
    install_with(config, recovery, clock, async |_| Ok(())).await
}

/// The same, and what `also` does in its transaction: all of it is there afterwards, or nothing.
pub async fn install_with(
    config: &Config,
    recovery: &RecoveryRecipient,
    clock: &Clock,
    also: impl AsyncFnOnce(&mut Tx) -> Result<()>,
) -> Result<Setup> {
    let db = fresh(config, clock).await?;
    let master = own_master(&config.keys.master_file)?;
    let keys = OfficeKeys::new(db.clone(), &master);
    let mut tx = db.write().await?;
    db::set_installation(&mut tx, "master_fingerprint", &master.fingerprint()).await?;
    db::set_installation(&mut tx, "recovery_recipient", &recovery.to_string()).await?;
    let offices = office::load_file(&mut tx, clock, &keys, &config.region.offices_file).await?;
    also(&mut tx).await?;
    tx.commit().await?;
    Ok(Setup { db, keys, offices })
}

/// A database with the schema and without an installation; refused where there is one.
pub async fn fresh(config: &Config, clock: &Clock) -> Result<Db> {
    let db = prepared(config, clock).await?;
    if db::installation(&db, "master_fingerprint").await?.is_some() {
        return Err(already());
    }
    Ok(db)
}

/// Whether everything of an installation was committed here.
pub async fn is_installed(config: &Config, clock: &Clock) -> Result<bool> {
    let db = prepared(config, clock).await?;
    let known = db::installation(&db, "master_fingerprint").await?;
    db.close().await;
    Ok(known.is_some())
}

async fn prepared(config: &Config, clock: &Clock) -> Result<Db> {
    std::fs::create_dir_all(&config.data.dir).map_err(|cause| cannot_make(&config.data.dir, &cause))?;
    let db = Db::connect(&app::database(config)?, clock).await?;
    db::migrate(&db, db::MIGRATIONS, clock).await?;
    Ok(db)
}

/// A key that is there already (made elsewhere, or left by an `init` that was cut) is taken; none is ever overwritten.
pub fn own_master(path: &Path) -> Result<MasterKey> {
    if path.exists() {
        return MasterKey::load(path);
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|cause| cannot_make(folder, &cause))?;
    }
    let master = MasterKey::generate();
    master.write_new(path)?;
    Ok(master)
}

/// The address that people are told before any server runs.
pub fn address(config: &Config) -> String {
    match config.server.public_url.as_str() {
        "" => format!("http://{}", config.server.listen),
        configured => configured.to_owned(),
    }
}

/// A file of mode 0600 for a secret that does not exist yet: it is made first, so that the secret surely has a place.
pub struct NewSecret {
    path: PathBuf,
    file: File,
}

impl NewSecret {
    /// Never overwrites a file.
    pub fn create(path: &Path) -> Result<NewSecret> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let file = file.map_err(|cause| cannot_make(path, &cause))?;
        Ok(NewSecret { path: path.to_owned(), file })
    }

    pub fn write(mut self, text: &str) -> Result<()> {
        self.file.write_all(text.as_bytes())?;
        self.file.sync_all()?;
        sync_folder_of(&self.path)
    }

    /// There is no secret after all.
    pub fn discard(self) {
        if let Err(cause) = std::fs::remove_file(&self.path) {
            tracing::warn!(%cause, "an empty file stays behind");
        }
    }
}

/// Writes a file of ours, whole or not at all, over what a cut run left of it.
pub fn replace_secret(path: &Path, text: &str) -> Result<()> {
    let unfinished = path.with_extension("unfinished");
    match std::fs::remove_file(&unfinished) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => return Err(cannot_make(&unfinished, &cause)),
        _ => {}
    }
    NewSecret::create(&unfinished)?.write(text)?;
    std::fs::rename(&unfinished, path)?;
    sync_folder_of(path)
}

fn sync_folder_of(path: &Path) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok(File::open(folder)?.sync_all()?)
}

fn cannot_make(path: &Path, cause: &std::io::Error) -> Error {
    let path = path.display();
    Error::new(
        Kind::Conflict,
        "cannot-write",
        say(
            format!("{path} tidak dapat dibuat: {cause}. Pilih tempat lain, atau pindahkan yang ada."),
            format!("{path} cannot be made: {cause}. Choose another place, or move away what is there."),
        ),
    )
}

fn already() -> Error {
    Error::new(
        Kind::Conflict,
        "already-initialised",
        say(
            "Sudah disiapkan sebelumnya; tidak ada yang diubah. Jalankan `lumbung serve`.",
            "This is set up already; nothing was changed. Run `lumbung serve`.",
        ),
    )
}
