//! How fast records give back a database: documents a second on SQLite and on PostgreSQL. `cargo bench --bench restore`
//!
//! The documents are rows as an upload leaves them (blob, key, document, version, audit). Writing the full record is
//! measured beside it. `LUMBUNG_BENCH_DOCUMENTS` sets another number.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

// The tests' servers, of which a bench needs a part.
#[allow(dead_code, unused_imports, unused_macros)]
#[path = "../tests/it/support/mod.rs"]
mod support;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lumbung::db::{self, Db, MIGRATIONS, Table, Value};
use lumbung::id::{BlobId, DocumentId, OfficeId, VersionId};
use lumbung::queue::Queue;
use lumbung::record::{Empty, Restoring, Source, restore};
use lumbung::seal::{MasterKey, RecoveryIdentity};
use support::app::TestApp;
use support::blobs::{Ground, STEP, blob_row, filled, table};
use support::postgres;
use support::regency::{Actor, Stack};

const LEAST_PER_S: f64 = 2_000.0;

#[tokio::main]
async fn main() -> ExitCode {
    let count = std::env::var("LUMBUNG_BENCH_DOCUMENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(50_000);
    let mut code = ExitCode::SUCCESS;
    for stack in [Stack::Embedded, Stack::Networked] {
        let (written, restored) = per_second(stack, count).await;
        let verdict = if restored >= LEAST_PER_S { "" } else { "  MISSED" };
        println!("{stack:?}: a full record of {count} documents is written at {written:.0} documents a second");
        println!(
            "{stack:?}: {count} documents restored from the bucket, {restored:.0} a second (aim: at least {LEAST_PER_S:.0}){verdict}"
        );
        if restored < LEAST_PER_S {
            code = ExitCode::FAILURE;
        }
    }
    code
}

async fn per_second(stack: Stack, count: usize) -> (f64, f64) {
    let mut app = TestApp::with(stack, &[("records.every_seconds", "50")]).await;
    let office = app.actor(Actor::Clerk).office().parse().expect("an id");
    let parts = app.app.clone();
    let ground = Ground { db: parts.db.clone(), keys: parts.keys.clone(), clock: app.clock.clone() };
    many_documents(&ground, office, count).await;
    let mut tx = parts.db.write().await.expect("a transaction");
    lumbung::record::ask_for_full(&mut tx).await.expect("asked");
    tx.commit().await.expect("committed");
    let started = Instant::now();
    parts.records.flush().await.expect("a full record");
    let written = count as f64 / started.elapsed().as_secs_f64();
    let folder = support::server::scratch("restored");
    let url = match stack {
        Stack::Embedded => format!("sqlite:{}", folder.join("restored.db").display()),
        Stack::Networked => tokio::task::spawn_blocking(postgres::fresh_database).await.expect("a database"),
    };
    let settings =
        db::Settings { url, max_connections: 4, acquire: Duration::from_secs(10), answer: Duration::from_secs(60) };
    let db = Db::connect(&settings, &app.clock).await.expect("connects");
    db::migrate(&db, MIGRATIONS, &app.clock).await.expect("migrates");
    let identity = RecoveryIdentity::parse(app.recovery_identity()).expect("an identity");
    let queue = Queue::new(db.clone(), app.clock.clone(), parts.queue.settings().clone());
    let started = Instant::now();
    let source = Source::bucket(&parts.store, &identity).await.expect("a chain");
    let with = Restoring {
        clock: &app.clock,
        store: &parts.store,
        queue: &queue,
        master: Arc::new(MasterKey::generate()),
        discard_newer: false,
    };
    let empty = Empty::check(db.clone()).await.expect("empty");
    let report = restore(empty, source, with).await.expect("restored");
    assert_eq!(report.documents as usize, count);
    let restored = count as f64 / started.elapsed().as_secs_f64();
    db.close().await;
    app.stop().await;
    (written, restored)
}

/// Documents as an upload leaves them: blob, key, document, version, an entry of the audit.
async fn many_documents(ground: &Ground, office: OfficeId, count: usize) {
    let tables = db::tables(&mut ground.db.read().await.expect("asked")).await.expect("described");
    let names = ["blob", "blob_key", "document", "version", "audit"];
    let tables = names.map(|name| table(&tables, name));
    for _ in 0..count.div_ceil(STEP) {
        let mut rows = [const { Vec::new() }; 5];
        for _ in 0..STEP.min(count) {
            let (blob, document, version) =
                (BlobId::fresh(&ground.clock), DocumentId::fresh(&ground.clock), VersionId::fresh(&ground.clock));
            let (number, wrapped) = ground.keys.wrap_for(office, blob, &[7; 130]).await.expect("wrapped");
            rows[0].push(blob_row(tables[0], blob, office));
            rows[1].push(vec![blob.into(), office.into(), number.into(), wrapped.into()]);
            rows[2].push(filled(tables[2], &ground.clock, |name| match name {
                "id" => Some(document.into()),
                "office" => Some(office.into()),
                "version" => Some(version.into()),
                "reach" => Some("kantor".into()),
                "state" => Some("stored".into()),
                "security_class" => Some(0_i64.into()),
                "labels" => Some("[]".into()),
                "sealed" | "destroyed_at" | "trashed_at" => Some(empty(tables[2], name)),
                _ => None,
            }));
            rows[3].push(filled(tables[3], &ground.clock, |name| match name {
                "id" => Some(version.into()),
                "document" => Some(document.into()),
                "blob" => Some(blob.into()),
                "scan" => Some("unchecked".into()),
                "state" => Some("stored".into()),
                _ => None,
            }));
            rows[4].push(filled(tables[4], &ground.clock, |name| (name == "who").then(|| "machine".into())));
        }
        let mut tx = ground.db.write().await.expect("a transaction");
        for (table, rows) in tables.iter().zip(&rows) {
            table.upsert(&mut tx, rows).await.expect("inserted");
        }
        tx.commit().await.expect("committed");
    }
}

fn empty(table: &Table, name: &str) -> Value {
    table.columns.iter().find(|column| column.name == name).expect("a column").kind.null()
}
