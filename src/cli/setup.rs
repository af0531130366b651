//! Setting up an empty installation: key, recipient, schema, offices. Used by `init`, `demo` and the tests.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::{
    app,
    clock::Clock,
    config::Config,
    db::{self, Db},
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

pub fn mark_demo(dir: &Path) -> Result<()> {
    std::fs::write(dir.join(DEMO_MARK), "lumbung demo\n")?;
    Ok(())
}

/// Makes the master key, applies the schema, remembers whose installation this is, and fills the tree of offices.
pub async fn install(config: &Config, recovery: &RecoveryRecipient, clock: &Clock) -> Result<Setup> {
    let db = fresh(config, clock).await?;
    let master = own_master(&config.keys.master_file)?;
    let keys = OfficeKeys::new(db.clone(), &master);
    let mut tx = db.write().await?;
    db::set_installation(&mut tx, "master_fingerprint", &master.fingerprint()).await?;
    db::set_installation(&mut tx, "recovery_recipient", &recovery.to_string()).await?;
    let offices = office::seed(&mut tx, clock, &keys, &offices_file(config)?).await?;
    tx.commit().await?;
    Ok(Setup { db, keys, offices })
}

/// A database with the schema and without an installation; refused where there is one.
pub async fn fresh(config: &Config, clock: &Clock) -> Result<Db> {
    std::fs::create_dir_all(&config.data.dir)?;
    let db = Db::connect(&app::database(config)?).await?;
    db::migrate(&db, db::MIGRATIONS, clock).await?;
    if db::installation(&db, "master_fingerprint").await?.is_some() {
        return Err(already());
    }
    Ok(db)
}

/// A key that is there already (made elsewhere, or left by an `init` that was cut) is taken; none is ever overwritten.
pub fn own_master(path: &Path) -> Result<MasterKey> {
    if path.exists() {
        return MasterKey::load(path);
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let master = MasterKey::generate();
    master.write_new(path)?;
    Ok(master)
}

fn offices_file(config: &Config) -> Result<String> {
    let path = &config.region.offices_file;
    if path.as_os_str().is_empty() {
        return Ok(office::KABUPATEN_BEKASI.to_owned());
    }
    std::fs::read_to_string(path).map_err(Error::from)
}

/// Writes a secret into a new file of mode 0600; never overwrites one.
pub fn write_secret(path: &PathBuf, text: &str) -> Result<()> {
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(|cause| {
            let path = path.display();
            Error::new(
                Kind::Conflict,
                "cannot-write",
                say(format!("{path} tidak dapat dibuat: {cause}"), format!("{path} cannot be made: {cause}")),
            )
        })?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(())
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
