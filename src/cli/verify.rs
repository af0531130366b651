//! `lumbung verify`: is everything that the database names in the store, whole and right? Nothing is ever deleted; with
//! `--repair` what is damaged or missing is brought back from the mirror.

use std::process::ExitCode;

use super::{beside, say};
use crate::{
    app,
    audit::{self, Entry, Origin, Who},
    blob::BlobStore,
    clock::Clock,
    config::Config,
    db::Db,
    error::{Error, Result, say as said},
    vault::{Depth, Fault, Place, Report},
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Juga isi tersegel setiap objek; tanpa kunci / the sealed bytes of each object too; needs no key.
    #[arg(long)]
    scrub: bool,
    /// Juga membuka setiap objek dan membandingkan sidik jari berkas asli / open each object too, and compare the fingerprints of originals.
    #[arg(long, conflicts_with = "scrub")]
    deep: bool,
    /// Memulihkan dari salinan kedua (storage.mirror) / mend from the mirror (storage.mirror).
    #[arg(long)]
    repair: bool,
    /// Laporan sebagai JSON / the report as JSON.
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args, config: Config) -> Result<ExitCode> {
    let depth = match (args.scrub, args.deep) {
        (_, true) => Depth::Deep,
        (true, _) => Depth::Scrub,
        _ => Depth::Names,
    };
    let clock = Clock::default();
    let beside = beside::open(&config, &clock).await?;
    let store = BlobStore::open(&app::storage(&config)?).await?;
    let vault = app::vault(&config, &beside.db, &clock, &store, &beside.keys).await?;
    if args.repair && !vault.has_mirror() {
        return Err(Error::conflict(
            "no-mirror",
            said(
                "Tidak ada salinan kedua untuk memulihkan. Isi [storage.mirror] dahulu.",
                "There is no mirror to mend from. Set [storage.mirror] first.",
            ),
        ));
    }
    let mut report = vault.verify(depth).await?;
    if args.repair && !report.problems.is_empty() {
        vault.repair(&mut report).await?;
        note(&beside.db, &clock, &report).await?;
    }
    show(&report, args.json);
    Ok(if report.is_sound() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn show(report: &Report, json: bool) {
    if json {
        say::json(report);
        return;
    }
    for problem in &report.problems {
        let document = problem.document.map(|id| format!(" ({id})")).unwrap_or_default();
        let place = if problem.place == Place::Mirror { " [salinan kedua / mirror]" } else { "" };
        let mended = match problem.mended {
            Some(true) => " – dipulihkan / mended",
            Some(false) => " – tidak dapat dipulihkan / cannot be mended",
            None => "",
        };
        say::result(&format!("{}: {}{document}{place}{mended}", problem.object, problem.kind.as_str()));
    }
    if report.problems.iter().any(|problem| problem.derived && problem.kind == Fault::Content) {
        say::progress(
            "Teks atau gambar yang tidak terbuka dapat dibuat lagi dari aslinya: unggah berkas itu sekali lagi sebagai versi baru, atau pulihkan basis data / a text or a picture that does not open can be made again from its original: bring the same file in as a new version, or restore the database",
        );
    }
    if let Some(waiting) = report.mirror_waiting.filter(|waiting| *waiting > 0) {
        say::progress(&format!("{waiting} objek belum disalin ke salinan kedua / objects not in the mirror yet"));
    }
    say::result(&format!(
        "{} objek, {} bita, {} masalah / objects, bytes, problems",
        report.checked,
        report.bytes,
        report.problems.len()
    ));
}

/// What was changed on the machine is in the audit.
async fn note(db: &Db, clock: &Clock, report: &Report) -> Result<()> {
    let mended = report.problems.iter().filter(|problem| problem.mended == Some(true)).count();
    let entry = Entry {
        who: Who::Machine,
        office: None,
        action: "vault.repair",
        object: None,
        result: "ok",
        origin: &Origin::machine(),
        detail: serde_json::json!({ "problems": report.problems.len(), "mended": mended }),
    };
    let mut tx = db.write().await?;
    audit::record(&mut tx, clock, entry).await?;
    tx.commit().await
}
