//! Very many blobs with their keys, put into the database directly: for what must hold or be fast with a million of them.

use lumbung::clock::Clock;
use lumbung::db::{self, Db, Table, Value};
use lumbung::id::{BlobId, DocumentId, OfficeId, VersionId, random};
use lumbung::office::OfficeKeys;

/// A database and the keys of its offices.
pub struct Ground {
    pub db: Db,
    pub keys: OfficeKeys,
    pub clock: Clock,
}

const STEP: usize = 2_000;

/// Blobs of one office, each with a key that opens under the office's newest key.
pub async fn many_blobs(ground: &Ground, office: OfficeId, count: usize) {
    let tables = db::tables(&mut ground.db.read().await.expect("asked")).await.expect("described");
    let (blob, key) = (table(&tables, "blob"), table(&tables, "blob_key"));
    for _ in 0..count.div_ceil(STEP) {
        let (mut blobs, mut keys) = (Vec::new(), Vec::new());
        for _ in 0..STEP.min(count) {
            let id = BlobId::fresh(&ground.clock);
            let (version, wrapped) = ground.keys.wrap_for(office, id, &[7; 130]).await.expect("wrapped");
            blobs.push(blob_row(blob, id, office));
            keys.push(vec![id.into(), office.into(), version.into(), wrapped.into()]);
        }
        let mut tx = ground.db.write().await.expect("a transaction");
        blob.upsert(&mut tx, &blobs).await.expect("inserted");
        key.upsert(&mut tx, &keys).await.expect("inserted");
        tx.commit().await.expect("committed");
    }
}

/// Documents as an upload leaves them: blob, key, document, version, an entry of the audit.
pub async fn many_documents(ground: &Ground, office: OfficeId, count: usize) {
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

fn table<'a>(tables: &'a [Table], name: &str) -> &'a Table {
    tables.iter().find(|table| table.name == name).expect("a table")
}

fn blob_row(table: &Table, id: BlobId, office: OfficeId) -> Vec<Value> {
    filled(table, &Clock::default(), |name| match name {
        "id" => Some(id.into()),
        "office" => Some(office.into()),
        "object" => Some(format!("o/00/{}", lumbung::id::to_letters(&random::<32>())).into()),
        "state" => Some("live".into()),
        _ => None,
    })
}

/// A row whose other columns hold something of their type.
fn filled(table: &Table, clock: &Clock, known: impl Fn(&str) -> Option<Value>) -> Vec<Value> {
    let some = |kind| match kind {
        db::Type::Bool => false.into(),
        db::Type::I64 => clock.now().into(),
        db::Type::Text => "surat undangan rapat".into(),
        db::Type::Bytes => random::<32>().into(),
        db::Type::Uuid => VersionId::fresh(clock).into(),
    };
    table.columns.iter().map(|column| known(&column.name).unwrap_or_else(|| some(column.kind))).collect()
}

fn empty(table: &Table, name: &str) -> Value {
    table.columns.iter().find(|column| column.name == name).expect("a column").kind.null()
}
