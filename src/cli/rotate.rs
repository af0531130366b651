//! `lumbung key rotate`: asks the servers, through the database, to renew the offices' keys; with `--master` the master key,
//! in three runs of the same command between which the operator carries the file to every server.

use std::process::ExitCode;

use super::{
    beside::{self, Beside},
    reindex::queue,
    say,
};
use crate::{
    audit::{self, Entry, Origin, Who},
    clock::Clock,
    config::Config,
    db::Tx,
    error::Result,
    id::JobId,
    jobs::{self, ChangeMaster, RotateKeys},
    seal::MasterKey,
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Kunci induk; jalankan lagi perintah ini sampai selesai / the master key; run this again until it is done.
    #[arg(long)]
    master: bool,
    /// Laporan sebagai JSON / the report as JSON.
    #[arg(long)]
    json: bool,
}

/// What was done, and what comes next.
#[derive(serde::Serialize)]
struct Report<'a> {
    /// `offices`, or for the master key `1/3`, `2/3`, `3/3`.
    step: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    job: Option<JobId>,
}

fn report(json: bool, step: &str, job: Option<JobId>, line: &str) {
    if json { say::json(&Report { step, job }) } else { say::result(line) }
}

pub async fn run(args: Args, config: Config) -> Result<ExitCode> {
    let clock = Clock::default();
    let beside = beside::open(&config, &clock).await?;
    if args.master {
        return master(&config, &clock, beside, args.json).await;
    }
    let mut tx = beside.db.write().await?;
    let job = queue(&config, &beside.db, &clock).enqueue(&mut tx, &RotateKeys::Begin, None).await?;
    note(&mut tx, &clock, "key.rotate").await?;
    tx.commit().await?;
    report(
        args.json,
        "offices",
        Some(job),
        &format!("{job}: kunci kantor diganti oleh peladen / the servers rotate the offices' keys"),
    );
    Ok(ExitCode::SUCCESS)
}

async fn master(config: &Config, clock: &Clock, beside: Beside, json: bool) -> Result<ExitCode> {
    let path = &config.keys.master_file;
    let Some(other) = beside.master.other() else {
        beside.master.with_successor().replace(path)?;
        let line = format!(
            "1/3: {} kini berisi dua kunci. Salin ke setiap peladen, mulai ulang satu per satu, lalu jalankan lagi perintah ini.\n     \
             The file holds two keys now. Copy it to every server, restart them one after another, then run this again.",
            path.display()
        );
        report(json, "1/3", None, &line);
        return Ok(ExitCode::SUCCESS);
    };
    // The first line is the newest: where it is in force already, only the former key has to go.
    let newest = MasterKey::load(path)?;
    let mut tx = beside.db.write().await?;
    if newest.fingerprint() == beside.master.fingerprint() {
        jobs::rewrap(&mut tx, &beside.master).await?;
        note(&mut tx, clock, "key.master.end").await?;
        tx.commit().await?;
        newest.alone().replace(path)?;
        let line = format!(
            "3/3: {} hanya berisi kunci baru. Salin ke setiap peladen; kunci lama tidak membuka apa pun lagi.\n     \
             The file holds the new key alone. Copy it to every server; the former key opens nothing any more.",
            path.display()
        );
        report(json, "3/3", None, &line);
        return Ok(ExitCode::SUCCESS);
    }
    let job = ChangeMaster { to: other.fingerprint() };
    let job = queue(config, &beside.db, clock).enqueue(&mut tx, &job, None).await?;
    note(&mut tx, clock, "key.master.rotate").await?;
    tx.commit().await?;
    let line = format!(
        "2/3: {job}: basis data beralih ke kunci baru begitu setiap peladen dimulai ulang dengan berkas dua kunci. Sesudah selesai, mulai ulang setiap peladen, lalu jalankan lagi perintah ini.\n     \
         The database goes over to the new key as soon as every server was restarted with the file of both keys. When that is done, restart every server, then run this again."
    );
    report(json, "2/3", Some(job), &line);
    Ok(ExitCode::SUCCESS)
}

async fn note(tx: &mut Tx, clock: &Clock, action: &'static str) -> Result<()> {
    let entry = Entry {
        who: Who::Machine,
        office: None,
        action,
        object: None,
        result: "ok",
        origin: &Origin::machine(),
        detail: serde_json::json!({}),
    };
    audit::record(tx, clock, entry).await
}
