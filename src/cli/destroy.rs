//! `lumbung destroy`: destroys a document of the trash before its days are over, beside a running server, and tells what still
//! exists where and until when.

use std::process::ExitCode;

use serde::Serialize;

use super::{beside, say};
use crate::{
    app,
    audit::{self, Origin, Who},
    blob::BlobStore,
    clock::{Clock, Time},
    config::Config,
    db::Db,
    error::Result,
    id::DocumentId,
    vault::{Destroyed, Order, Place},
};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(value_name = "DOC")]
    document: DocumentId,
    /// Alasan, disimpan bersama nisan dokumen; tanpa nama orang / why; kept with the tombstone, no names.
    #[arg(long)]
    reason: String,
    /// Laporan sebagai JSON / the report as JSON.
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args, config: Config) -> Result<ExitCode> {
    let clock = Clock::default();
    let beside = beside::open(&config, &clock).await?;
    let store = BlobStore::open(&app::storage(&config)?).await?;
    let vault = app::vault(&config, &beside.db, &clock, &store, &beside.keys).await?;
    let origin = Origin::machine();
    let order = Order { document: args.document, who: Who::Machine, reason: &args.reason, origin: &origin };
    let destroyed = vault.destroy(order).await?;
    let newest_backup = newest_backup(&beside.db).await?;
    if args.json {
        say::json(&Report { destroyed: &destroyed, newest_backup })
    } else {
        show(&destroyed, newest_backup)
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    destroyed: &'a Destroyed,
    /// Backups up to then are not touched, and hold keys and details of what was destroyed.
    newest_backup: Option<Time>,
}

async fn newest_backup(db: &Db) -> Result<Option<Time>> {
    let filter = audit::Filter { action: Some("installation.backup".to_owned()), ..audit::Filter::default() };
    let lines = audit::list(&mut db.read().await?, audit::Scope::All, &filter, None, 1).await?;
    Ok(lines.first().map(|line| line.at))
}

fn show(destroyed: &Destroyed, newest_backup: Option<Time>) {
    let Destroyed { document, fingerprint, versions, shared, .. } = destroyed;
    say::result(&format!("{document}: dimusnahkan / destroyed ({versions} versi / versions, {fingerprint})"));
    if *shared > 0 {
        say::result(&format!(
            "{shared} berkas tetap ada karena dokumen lain kantor itu berisi sama / files stay: another document of the office has the same bytes"
        ));
    }
    for remain in &destroyed.remains {
        let place = if remain.place == Place::Mirror { "salinan kedua / mirror" } else { "penyimpanan / store" };
        let until = remain.until.map_or("pembersihan berikutnya / the next sweep".to_owned(), |until| until.rfc3339());
        say::result(&format!("{}: masih ada di {place} sampai {until} / still there until then", remain.object));
    }
    if destroyed.recoverable && !destroyed.remains.is_empty() {
        say::result(
            "Pemegang identitas pemulihan masih dapat membukanya selama itu / until then the holder of the recovery identity could open it",
        );
    }
    if let Some(until) = destroyed.records_until {
        let until = until.rfc3339();
        say::result(&format!(
            "Catatan di simpanan (r/) memuat rincian dan kuncinya, terbungkus, paling lama sampai {until} / the records in the bucket (r/) hold its details and keys, wrapped, until then at the latest"
        ));
    }
    say::result(&newest_backup.map_or(
        "Cadangan yang dibuat di luar Lumbung tidak tersentuh / backups made outside of Lumbung are not touched".to_owned(),
        |at| {
            let at = at.rfc3339();
            format!(
                "Cadangan basis data sampai {at} tidak tersentuh: masih memuat kunci dan rinciannya. Hapus menurut aturan Anda / backups of the database up to then are not touched: they still hold its keys and details. Delete them by your own rules"
            )
        },
    ));
}
