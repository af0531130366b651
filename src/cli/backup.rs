//! `lumbung backup`: one sealed file with everything that is in the database, made beside a running server.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use super::{beside, say};
use crate::{
    audit::{self, Entry, Origin, Who},
    clock::Clock,
    config::Config,
    error::Result,
    record,
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Berkas baru untuk cadangan / a new file for the backup.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Selama ini tidak ada objek yang dihapus, agar simpanan dapat disalin / so long no object is deleted, so that the
    /// bucket can be copied.
    #[arg(long, default_value_t = 24, value_name = "HOURS")]
    hold_hours: u64,
    /// Laporan sebagai JSON / the report as JSON.
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args, config: Config) -> Result<ExitCode> {
    let clock = Clock::default();
    let beside = beside::open(&config, &clock).await?;
    let hold = Duration::from_secs(args.hold_hours.saturating_mul(3600));
    let made =
        record::back_up(&beside.db, &clock, beside.master.clone(), beside.recovery.as_ref(), &args.out, hold).await?;
    let entry = Entry {
        who: Who::Machine,
        office: None,
        action: "installation.backup",
        object: None,
        result: "ok",
        origin: &Origin::machine(),
        detail: serde_json::json!({ "rows": made.rows, "bytes": made.bytes }),
    };
    let mut tx = beside.db.write().await?;
    audit::record(&mut tx, &clock, entry).await?;
    tx.commit().await?;
    if args.json {
        say::json(&made);
    } else {
        say::result(&format!("{}: {} baris / rows, {} bita / bytes", made.file.display(), made.rows, made.bytes));
        say::progress(&format!(
            "Salin simpanan sebelum / copy the bucket before: {}",
            made.deletions_held_to.rfc3339()
        ));
    }
    Ok(ExitCode::SUCCESS)
}
