//! The figures of a node in OpenMetrics, for its operator: is anything acknowledged at risk, is reading behind, is the store
//! slow, who is throttled, is there room. Counts and times only; `deploy/alerts.yaml` says which of them wake somebody.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::{
    encoding::text::encode,
    metrics::{family::Family, gauge::Gauge, info::Info},
    registry::{Registry, Unit},
};

use super::{disk, status};
use crate::{
    app::App,
    error::{Error, Result},
    jobs::indexing,
    measure::Of,
};

type Value = Gauge<f64, AtomicU64>;

pub async fn text(app: &App) -> Result<String> {
    let mut registry = Registry::with_prefix("lumbung");
    registry.register("build", "The running program", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
    app.store.calls().register(&mut registry, "store_call", "Calls of the object store, by call");
    app.done.answers.register(&mut registry, "answer", "Answers over HTTP, by what was asked for; failed ones are 5xx");
    app.done.jobs.register(&mut registry, "job", "Attempts at jobs, by kind");
    registry.register("refused", "Refusals, by slug; too-many is a caller who is throttled", app.done.refused.clone());
    // Where the database is away, what only it knows is left out rather than told wrongly or waited for.
    if health(app, &mut registry).await {
        behind(app, &mut registry).await;
        at_risk(app, &mut registry).await;
    }
    process(app, &mut registry);
    let mut text = String::new();
    encode(&mut text, &registry).map_err(Error::internal)?;
    Ok(text)
}

fn one(registry: &mut Registry, name: &str, help: &str, value: f64) {
    let gauge = Value::default();
    gauge.set(value);
    registry.register(name, help, gauge);
}

fn seconds(registry: &mut Registry, name: &str, help: &str, value: f64) {
    let gauge = Value::default();
    gauge.set(value);
    registry.register_with_unit(name, help, Unit::Seconds, gauge);
}

fn several(registry: &mut Registry, name: &str, help: &str, values: impl IntoIterator<Item = (&'static str, f64)>) {
    let family = Family::<Of, Value>::default();
    for (of, value) in values {
        family.get_or_create(&Of { of }).set(value);
    }
    registry.register(name, help, family);
}

/// Tells whether the database answers.
async fn health(app: &App, registry: &mut Registry) -> bool {
    let checks = status::checks(app).await;
    let states = checks.iter().map(|check| (check.name, f64::from(u8::from(check.healthy))));
    several(registry, "up", "1 where the part answers; all of them, and an upload would be acknowledged", states);
    checks.iter().any(|check| check.name == "database" && check.healthy)
}

async fn behind(app: &App, registry: &mut Registry) {
    if let Ok(ahead) = app.db.machine_ahead().await {
        let help = "How far this machine's clock is before the database's, by which the node goes";
        seconds(registry, "clock_ahead", help, ahead);
    }
    if let Ok((waiting, dead)) = app.queue.depth().await {
        let states = [("waiting", waiting as f64), ("dead", dead as f64)];
        several(registry, "jobs", "Jobs, by state; a dead one waits for an operator", states);
    }
    if let Ok(oldest) = app.queue.oldest().await {
        let help = "For how long the oldest job that could run has been waiting";
        seconds(registry, "jobs_oldest", help, oldest.as_secs_f64());
    }
    if let Ok(behind) = indexing::behind(app).await {
        let help = "For how long the oldest change has waited that this node's index does not hold";
        seconds(registry, "index_behind", help, behind.as_secs_f64());
    }
}

/// What was acknowledged and would be lost, or is lost already.
async fn at_risk(app: &App, registry: &mut Registry) {
    if let Ok(lag) = app.records.lag().await {
        let help = "Age of the oldest change that no record in the bucket holds";
        seconds(registry, "records_behind", help, lag.behind_seconds as f64);
        let help = "1 where the bucket alone can give back the archive: a recovery recipient is set";
        one(registry, "records_written", help, f64::from(u8::from(lag.written)));
    }
    let Ok(vault) = app.vault.status().await else { return };
    let help = "Damaged or missing objects that are not mended; lumbung verify names them";
    one(registry, "vault_findings", help, vault.verify.findings as f64);
    let help = "1 where the sweep stopped itself: too many objects are unknown to the database";
    one(registry, "vault_sweep_stopped", help, f64::from(u8::from(vault.sweep.stopped)));
    let help = "For how long sweeps have been breaking off because the store does not list";
    let failing = vault.sweep.failing_since.map_or(Duration::ZERO, |since| app.clock.now().since(since));
    seconds(registry, "vault_sweep_failing", help, failing.as_secs_f64());
    let help = "Days that a round of verification takes, where these are more than verify.within_days; else 0";
    one(registry, "vault_verify_days", help, vault.verify.too_slow_days.unwrap_or(0) as f64);
    if let Some(mirror) = vault.mirror {
        one(registry, "mirror_waiting", "Objects that the mirror does not hold yet", mirror.waiting as f64);
        let help = "For how long the oldest of them has waited";
        seconds(registry, "mirror_behind", help, mirror.lag_seconds as f64);
    }
}

fn process(app: &App, registry: &mut Registry) {
    let free = disk::free(&app.config).into_iter().map(|(of, bytes)| (of, bytes as f64));
    several(registry, "disk_free_bytes", "Room on the disks that are written to", free);
    if let Some(pages) = resident_pages() {
        let bytes = pages * rustix::param::page_size() as u64;
        one(registry, "resident_memory_bytes", "Memory of this process", bytes as f64);
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        one(registry, "open_fds", "Files and connections that this process holds open", open.count() as f64);
    }
}

fn resident_pages() -> Option<u64> {
    std::fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse().ok()
}
