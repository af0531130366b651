//! `lumbung status`: how the installation is, looked at beside its server. One line for each thing that somebody may have to
//! act on; exit code 1 where something is wrong.

use std::process::ExitCode;
use std::time::Duration;

use serde::Serialize;

use super::{beside, say};
use crate::{
    app,
    blob::BlobStore,
    clock::Clock,
    config::Config,
    desk::disk,
    error::Result,
    ingest::{self, NearlyFull},
    queue::Queue,
    record::{Lag, Records},
    seal::InForce,
    vault::VaultStatus,
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Laporan sebagai JSON / the report as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    version: &'static str,
    /// Nothing here asks for somebody.
    healthy: bool,
    /// Whether the server of this configuration answers and is ready.
    server: bool,
    store: bool,
    waiting: i64,
    dead: i64,
    oldest_seconds: u64,
    records: Lag,
    vault: VaultStatus,
    disks: Vec<Disk>,
    /// Offices that used most of their quota.
    nearly_full: Vec<NearlyFull>,
}

#[derive(Debug, Serialize)]
struct Disk {
    of: &'static str,
    free_bytes: u64,
    enough: bool,
}

/// Records and copies that are further behind are somebody's concern.
const LATE: Duration = Duration::from_secs(300);
/// A large import may keep the readers busy for so long.
const JOBS_LATE: Duration = Duration::from_secs(3600);

pub async fn run(args: Args, config: Config) -> Result<ExitCode> {
    let report = look(&config).await?;
    if args.json {
        say::json(&report);
    } else {
        lines(&report).iter().for_each(|line| say::result(line));
    }
    Ok(if report.healthy { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

async fn look(config: &Config) -> Result<Report> {
    let clock = Clock::default();
    let beside = beside::open(config, &clock).await?;
    let store = BlobStore::open(&app::storage(config)?).await?;
    let vault = app::vault(config, &beside.db, &clock, &store, &beside.keys).await?.status().await?;
    let common = (config.limits.office_bytes > 0).then_some(config.limits.office_bytes);
    let nearly_full = ingest::nearly_full(&beside.db, common).await?;
    let queue = Queue::new(beside.db.clone(), clock.clone(), app::queueing(config));
    let (waiting, dead) = queue.depth().await?;
    let recovery = InForce::new(beside.recovery);
    let spool = config.upload.spool.clone();
    let forget = app::records_forget(config);
    let records = Records::new(beside.db, clock, store.clone(), beside.master, recovery, spool, forget).lag().await?;
    let needed = config.limits.min_free_bytes;
    let disks = disk::free(config).into_iter();
    let disks = disks.map(|(of, free_bytes)| Disk { of, free_bytes, enough: free_bytes >= needed }).collect();
    let oldest_seconds = queue.oldest().await?.as_secs();
    let mut report = Report {
        version: env!("CARGO_PKG_VERSION"),
        healthy: false,
        server: is_ready(config).await,
        store: store.must_take_writes().await.is_ok(),
        waiting,
        dead,
        oldest_seconds,
        records,
        vault,
        disks,
        nearly_full,
    };
    report.healthy = marks(&report).iter().all(|(good, _)| *good);
    Ok(report)
}

/// Asks where the server of this configuration listens. One behind TLS of its own answers with a name that is not this
/// address's, so that the certificate is not judged here.
async fn is_ready(config: &Config) -> bool {
    let scheme = if config.server.tls_certificate.as_os_str().is_empty() { "http" } else { "https" };
    let address = config.server.listen.replace("0.0.0.0:", "127.0.0.1:").replace("[::]:", "[::1]:");
    let client = reqwest::Client::builder().timeout(Duration::from_secs(5)).tls_danger_accept_invalid_certs(true);
    let Ok(client) = client.no_proxy().build() else { return false };
    let asked = client.get(format!("{scheme}://{address}/readyz")).send().await;
    asked.is_ok_and(|answer| answer.status().is_success())
}

fn lines(report: &Report) -> Vec<String> {
    let mut lines = vec![format!("Lumbung {}", report.version)];
    lines.extend(marks(report).into_iter().map(|(good, line)| format!("{} {line}", if good { " " } else { "!" })));
    lines
}

/// Whether it is well, and what it is.
fn marks(report: &Report) -> Vec<(bool, String)> {
    let yes = |good: bool| if good { "ya / yes" } else { "TIDAK / NO" };
    let (vault, records) = (&report.vault, &report.records);
    let mut marks = vec![
        (report.server, format!("peladen siap / server ready: {}", yes(report.server))),
        (report.store, format!("penyimpanan menjawab / store answers: {}", yes(report.store))),
        (
            report.oldest_seconds <= JOBS_LATE.as_secs(),
            format!("pekerjaan menunggu / jobs waiting: {}, {} s", report.waiting, report.oldest_seconds),
        ),
        (report.dead == 0, format!("pekerjaan gagal / jobs given up: {} (GET /api/v1/jobs)", report.dead)),
        (
            vault.verify.findings == 0,
            format!("objek rusak atau hilang / damaged or missing objects: {} (lumbung verify)", vault.verify.findings),
        ),
        (
            !vault.sweep.stopped,
            format!(
                "pembersihan terhenti / sweep stopped: {} (lumbung sweep)",
                if vault.sweep.stopped { "YA / YES" } else { "tidak / no" }
            ),
        ),
        (
            vault.sweep.failing_since.is_none(),
            vault.sweep.failing_since.map_or("pembersihan berjalan / sweeps run".to_owned(), |since| {
                format!("pembersihan terputus sejak / sweeps break off since {}", since.rfc3339())
            }),
        ),
        (
            vault.verify.too_slow_days.is_none(),
            vault.verify.too_slow_days.map_or(
                "pemeriksaan tepat waktu / verification keeps its days".to_owned(),
                |days| {
                    format!(
                        "satu putaran pemeriksaan / a round of verification: {days} hari / days (verify.bytes_per_hour)"
                    )
                },
            ),
        ),
        (
            records.written && records.behind_seconds <= LATE.as_secs(),
            format!("catatan pemulihan / recovery records: {}, {} s", yes(records.written), records.behind_seconds),
        ),
    ];
    if let Some(mirror) = &vault.mirror {
        let line = format!("cermin tertinggal / mirror behind: {} objek, {} s", mirror.waiting, mirror.lag_seconds);
        marks.push((mirror.lag_seconds <= LATE.as_secs(), line));
    }
    for disk in &report.disks {
        let line = format!("ruang disk / disk room ({}): {} MiB", disk.of, disk.free_bytes >> 20);
        marks.push((disk.enough, line));
    }
    for office in &report.nearly_full {
        let (used, quota) = (office.room.used_bytes >> 20, office.room.quota_bytes.unwrap_or(0) >> 20);
        let line = format!("hampir penuh / nearly full: {} {}: {used} / {quota} MiB", office.code, office.name);
        marks.push((false, line));
    }
    marks
}
