//! Very many blobs with their keys, put into the database directly: for what must hold or be fast with a million of them.

use lumbung::clock::Clock;
use lumbung::db::{self, Db, Table, Value};
use lumbung::id::{BlobId, OfficeId, VersionId, random};
use lumbung::office::OfficeKeys;

/// A database and the keys of its offices.
pub struct Ground {
    pub db: Db,
    pub keys: OfficeKeys,
    pub clock: Clock,
}

pub const STEP: usize = 2_000;

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

pub fn table<'a>(tables: &'a [Table], name: &str) -> &'a Table {
    tables.iter().find(|table| table.name == name).expect("a table")
}

pub fn blob_row(table: &Table, id: BlobId, office: OfficeId) -> Vec<Value> {
    filled(table, &Clock::default(), |name| match name {
        "id" => Some(id.into()),
        "office" => Some(office.into()),
        "object" => Some(format!("o/00/{}", lumbung::id::to_letters(&random::<32>())).into()),
        "state" => Some("live".into()),
        _ => None,
    })
}

/// A row whose other columns hold something of their type.
pub fn filled(table: &Table, clock: &Clock, known: impl Fn(&str) -> Option<Value>) -> Vec<Value> {
    let some = |kind| match kind {
        db::Type::Bool => false.into(),
        db::Type::I64 => clock.now().into(),
        db::Type::Text => "surat undangan rapat".into(),
        db::Type::Bytes => random::<32>().into(),
        db::Type::Uuid => VersionId::fresh(clock).into(),
    };
    table.columns.iter().map(|column| known(&column.name).unwrap_or_else(|| some(column.kind))).collect()
}
