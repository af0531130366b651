//! `lumbung sweep`: looks through the store now, beside a running server. Objects that the database does not know are set
//! aside after a while and never deleted.

use std::process::ExitCode;

use super::{beside, say};
use crate::{
    app,
    audit::{self, Entry, Origin, Who},
    blob::BlobStore,
    clock::Clock,
    config::Config,
    error::{Error, Result, say as said},
    vault::Swept,
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Sudah diperiksa: objek yang tidak dikenal memang tidak diperlukan / looked at: what is unknown is not needed.
    #[arg(long)]
    confirm: bool,
    /// Laporan sebagai JSON / the report as JSON.
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args, config: Config) -> Result<ExitCode> {
    let clock = Clock::default();
    let beside = beside::open(&config, &clock).await?;
    let store = BlobStore::open(&app::storage(&config)?).await?;
    let vault = app::vault(&config, &beside.db, &clock, &store, &beside.keys).await?;
    if args.confirm {
        let entry = Entry {
            who: Who::Machine,
            office: None,
            action: "sweep.confirm",
            object: None,
            result: "ok",
            origin: &Origin::machine(),
            detail: serde_json::json!({}),
        };
        let mut tx = beside.db.write().await?;
        audit::record(&mut tx, &clock, entry).await?;
        tx.commit().await?;
    }
    let swept = vault.sweep(args.confirm).await?.ok_or_else(busy)?;
    show(&swept, args.json);
    Ok(if swept.stopped.is_some() { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn show(swept: &Swept, json: bool) {
    if json {
        say::json(swept);
        return;
    }
    say::result(&format!(
        "{} objek, {} tidak dikenal, {} disisihkan, {} dihapus, {} masih ditahan peladen / objects, unknown, set aside, deleted, retained by the server",
        swept.objects, swept.orphans, swept.quarantined, swept.deleted, swept.retained
    ));
    if swept.stopped.is_some() {
        say::problem(
            "Berhenti: terlalu banyak objek yang tidak dikenal basis data; tidak ada yang dihapus. Periksa apakah basis data ini salinan lama atau penyimpanannya milik pemasangan lain. Bila memang benar, jalankan lumbung sweep --confirm.\n\
             Stopped: too many objects are unknown to the database; nothing was deleted. Check whether this database is an old copy or the store another installation's. If all is right, run lumbung sweep --confirm.",
        );
    }
}

fn busy() -> Error {
    Error::unavailable(
        "sweep-busy",
        said(
            "Peladen lain sedang membersihkan simpanan. Tunggu, lalu ulangi.",
            "Another node is sweeping. Wait, then try again.",
        ),
    )
}
