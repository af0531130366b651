//! `lumbung reindex`: asks, through the database, every node to read every document into its index again.

use std::process::ExitCode;

use super::{beside, say};
use crate::{
    app,
    audit::{self, Entry, Origin, Who},
    clock::Clock,
    config::Config,
    db::Db,
    error::Result,
    jobs::Reindex,
    queue::Queue,
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Laporan sebagai JSON / the report as JSON.
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args, config: Config) -> Result<ExitCode> {
    let clock = Clock::default();
    let beside = beside::open(&config, &clock).await?;
    let queue = queue(&config, &beside.db, &clock);
    let mut tx = beside.db.write().await?;
    let job = queue.enqueue(&mut tx, &Reindex::all(), None).await?;
    let entry = Entry {
        who: Who::Machine,
        office: None,
        action: "index.rebuild",
        object: Some(job.to_string()),
        result: "ok",
        origin: &Origin::machine(),
        detail: serde_json::json!({}),
    };
    audit::record(&mut tx, &clock, entry).await?;
    tx.commit().await?;
    if args.json {
        say::json(&serde_json::json!({ "job": job.to_string() }));
        return Ok(ExitCode::SUCCESS);
    }
    say::result(&job.to_string());
    say::progress(
        "Setiap peladen yang berjalan menyusun ulang indeksnya; pencarian tetap dapat dipakai. Bila tidak ada yang berjalan, \
         pekerjaan menunggu `lumbung serve`.\nEvery running server rebuilds its index; search goes on meanwhile. Where none \
         runs, the job waits for `lumbung serve`.",
    );
    Ok(ExitCode::SUCCESS)
}

/// The queue beside a running server: what is enqueued here runs there.
pub fn queue(config: &Config, db: &Db, clock: &Clock) -> Queue {
    Queue::new(db.clone(), clock.clone(), app::queueing(config))
}
