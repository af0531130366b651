//! How fast the offices' keys are rotated: a million blobs, on SQLite and on PostgreSQL. `cargo bench --bench rotate`
//!
//! The rotation is the server's own job, enqueued and run as `lumbung key rotate` does it. `LUMBUNG_BENCH_BLOBS` sets
//! another number of blobs.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

// The tests' servers, of which a bench needs a part.
#[allow(dead_code, unused_imports, unused_macros)]
#[path = "../tests/it/support/mod.rs"]
mod support;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use lumbung::jobs::RotateKeys;
use support::app::TestApp;
use support::blobs::{Ground, many_blobs};
use support::regency::{Actor, Stack};

const LEAST_PER_S: f64 = 1_000_000.0 / 120.0;

#[tokio::main]
async fn main() -> ExitCode {
    let blobs = std::env::var("LUMBUNG_BENCH_BLOBS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let mut code = ExitCode::SUCCESS;
    for stack in [Stack::Embedded, Stack::Networked] {
        let rate = rotated_per_second(stack, blobs).await;
        let verdict = if rate >= LEAST_PER_S { "" } else { "  MISSED" };
        println!(
            "{stack:?}: {blobs} keys of blobs rotated, {rate:.0} a second (aim: at least {LEAST_PER_S:.0}){verdict}"
        );
        if rate < LEAST_PER_S {
            code = ExitCode::FAILURE;
        }
    }
    code
}

async fn rotated_per_second(stack: Stack, blobs: usize) -> f64 {
    let mut app = TestApp::with(stack, &[("records.every_seconds", "50")]).await;
    let office = app.actor(Actor::Clerk).office().parse().expect("an id");
    let parts = app.app.clone();
    let ground = Ground { db: parts.db.clone(), keys: parts.keys.clone(), clock: app.clock.clone() };
    many_blobs(&ground, office, blobs).await;
    let mut tx = parts.db.write().await.expect("a transaction");
    parts.queue.enqueue(&mut tx, &RotateKeys::Begin, None).await.expect("enqueued");
    tx.commit().await.expect("committed");
    let started = Instant::now();
    parts.work.notify_one();
    let left = "SELECT CAST(COUNT(*) AS BIGINT) FROM job WHERE kind = 'rotate_keys' AND run_at <= $1";
    loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        // A step that is enqueued while this is asked is due a moment later; the last look comes after minutes.
        let soon = app.clock.now().plus(Duration::from_secs(60));
        let row: Option<(i64,)> = parts.db.one(left, vec![soon.into()]).await.expect("asked");
        if row == Some((0,)) {
            break;
        }
    }
    let rate = blobs as f64 / started.elapsed().as_secs_f64();
    let former = "SELECT CAST(COUNT(*) AS BIGINT) FROM blob_key WHERE version = 1";
    let row: Option<(i64,)> = parts.db.one(former, vec![]).await.expect("asked");
    assert_eq!(row, Some((0,)), "every key was rotated");
    app.stop().await;
    rate
}
