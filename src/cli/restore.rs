//! `lumbung restore`: an empty machine becomes the archive again, from the bucket and the recovery key alone or from a backup.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::ArgGroup;

use super::{reindex::queue, say, setup};
use crate::{
    app,
    blob::BlobStore,
    clock::Clock,
    config::{self, Config},
    db::{self, Db},
    error::{Error, Kind, Result, say as said},
    record::{self, Empty, Restored, Restoring, Source},
    seal::{MasterKey, RecoveryIdentity},
};

#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("from").required(true))]
pub struct Args {
    /// Dari simpanan saja / from the bucket alone.
    #[arg(long, group = "from")]
    from_bucket: bool,
    /// Dari cadangan `lumbung backup` / from a backup.
    #[arg(long, group = "from", value_name = "FILE")]
    from_backup: Option<PathBuf>,
    /// Identitas pemulihan; tanpa ini kunci induk dipakai / the recovery identity; without it the master key is used.
    #[arg(long, value_name = "FILE")]
    recovery_key: Option<PathBuf>,
    /// Tetap memakai cadangan walau simpanan lebih baru / use the backup although the bucket knows more.
    #[arg(long, requires = "from_backup")]
    discard_newer: bool,
    /// Laporan sebagai JSON / the report as JSON.
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args, config: Config) -> Result<ExitCode> {
    let clock = Clock::default();
    std::fs::create_dir_all(&config.data.dir)?;
    let store = BlobStore::open(&app::storage(&config)?).await?;
    // Everything that can be refused is refused before a key is made or a row is written.
    let source = source(&args, &config, &store).await?;
    let db = Db::connect(&app::database(&config)?, &clock).await?;
    db::migrate(&db, db::MIGRATIONS, &clock).await?;
    let empty = Empty::check(db.clone()).await?;
    let master = Arc::new(setup::own_master(&config.keys.master_file)?);
    forget_index(&config.search.dir)?;
    let queue = queue(&config, &db, &clock);
    let with = Restoring { clock: &clock, store: &store, queue: &queue, master, discard_newer: args.discard_newer };
    let restored = record::restore(empty, source, with).await?;
    db.close().await;
    if args.json {
        say::json(&restored)
    } else {
        show(&restored)
    }
    if restored.unopened == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    tell_unopened(&restored);
    // What these records held may be missing: a script must not take that for success.
    Ok(ExitCode::FAILURE)
}

async fn source(args: &Args, config: &Config, store: &BlobStore) -> Result<Source> {
    let mut refusal = no_key();
    for identity in identities(args, config)? {
        let found = match &args.from_backup {
            Some(path) => Source::backup(path, &identity).await,
            None => Source::bucket(store, &identity).await,
        };
        match found {
            Ok(source) => return Ok(source),
            Err(cause) => refusal = cause,
        }
    }
    Err(refusal)
}

fn identities(args: &Args, config: &Config) -> Result<Vec<RecoveryIdentity>> {
    if let Some(path) = &args.recovery_key {
        return Ok(vec![RecoveryIdentity::parse(&config::secret_file(path)?)?]);
    }
    if !config.keys.master_file.exists() {
        return Ok(Vec::new());
    }
    let master = MasterKey::load(&config.keys.master_file)?;
    std::iter::once(master.clone()).chain(master.other()).map(|key| key.reader()).collect()
}

/// An index of a former life holds documents that this database may not know.
fn forget_index(dir: &Path) -> Result<()> {
    if dir.exists() {
        std::fs::remove_dir_all(dir)?;
    }
    Ok(())
}

fn show(restored: &Restored) {
    say::result(&format!(
        "{} dokumen kembali, keadaan {} / documents are back, as of then; {} catatan / records",
        restored.documents,
        restored.as_of.rfc3339(),
        restored.records
    ));
    for missing in &restored.not_restored {
        say::result(&format!("- {}: {}\n  {}", missing.what, missing.id, missing.en));
        if !missing.logins.is_empty() {
            say::result(&format!("  {}", missing.logins.join(", ")));
        }
    }
    if restored.unopened == 0 {
        say::progress("Jalankan / now run: lumbung serve; lumbung verify --deep");
    }
}

fn tell_unopened(restored: &Restored) {
    say::problem(&format!(
        "{} catatan terbaru tidak terbuka: yang hanya ada di situ hilang. Pulihkan objek r/ dari cermin atau versi lama, lalu ulangi di mesin kosong, sebelum lumbung serve: yang dijalankan akan membuang catatan lama. / {} of the newest records do not open: what only they hold is lost. Bring the objects under r/ back from the mirror or older versions and restore again on an empty machine, before lumbung serve: a server that runs drops former records.",
        restored.unopened, restored.unopened
    ));
}

fn no_key() -> Error {
    Error::new(
        Kind::Invalid,
        "no-key",
        said(
            "Diperlukan --recovery-key FILE, atau berkas kunci induk (keys.master_file).",
            "Needs --recovery-key FILE, or the file of the master key (keys.master_file).",
        ),
    )
}
