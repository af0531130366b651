//! `lumbung store check`: tries on the configured store, and on its mirror, each call that Lumbung needs. Exit code 1 where one
//! does not do what is needed; a protection that is missing is told and is no failure.

use std::process::ExitCode;

use serde::Serialize;

use super::say;
use crate::{
    app,
    blob::{BlobStore, Outcome, Settings, Trial},
    config::Config,
    error::Result,
};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Mencoba setiap panggilan yang dibutuhkan, lalu menghapus jejaknya / try each call that is needed, and clean up.
    Check {
        /// Laporan sebagai JSON / the report as JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Serialize)]
struct Report {
    ok: bool,
    store: Vec<Trial>,
    /// Empty where there is no mirror.
    mirror: Vec<Trial>,
}

pub async fn run(args: Args, config: Config) -> Result<ExitCode> {
    let Command::Check { json } = args.command;
    let store = tried(&app::storage(&config)?).await?;
    let mirror = match app::mirror(&config)? {
        Some(settings) => tried(&settings).await?,
        None => Vec::new(),
    };
    let ok = store.iter().chain(&mirror).all(|trial| trial.outcome != Outcome::Failed);
    let report = Report { ok, store, mirror };
    if json {
        say::json(&report)
    } else {
        show(&report)
    }
    Ok(if ok { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

async fn tried(settings: &Settings) -> Result<Vec<Trial>> {
    let store = BlobStore::open(settings).await?;
    store.probe().await?;
    Ok(store.trials().await)
}

fn show(report: &Report) {
    for (of, trials) in [("penyimpanan / store", &report.store), ("cermin / mirror", &report.mirror)] {
        if trials.is_empty() {
            continue;
        }
        say::result(&format!("{of}:"));
        for trial in trials {
            say::result(&line(trial));
        }
    }
    if !report.ok {
        say::problem(
            "Penyimpanan ini tidak dapat dipakai: jangan simpan surat di sana sebelum semuanya OK.\n\
             This store cannot be used: keep no letters there until everything is ok.",
        );
    }
}

fn line(trial: &Trial) -> String {
    let outcome = match trial.outcome {
        Outcome::Ok => "ok",
        Outcome::Weaker => "LEMAH / WEAKER",
        Outcome::Failed => "GAGAL / FAILED",
    };
    let why = if trial.why.is_empty() { String::new() } else { format!(": {}", trial.why) };
    format!("  {outcome:<3} {:>5} ms  {} [{}]{why}", trial.milliseconds, trial.what, trial.calls)
}
