//! One step of the records: everything that is committed and not yet in the bucket goes there as one object.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::TryStreamExt;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::chain::seq_of;
use super::crossing::Crossing;
use super::line::{FORMAT, Header, Kinds, Previous};
use super::write::Text;
use super::{Records, in_order, sql};
use crate::{
    blob::{ObjectName, Prefix, RecordName},
    clock::Time,
    crash::{Point, point},
    db::{self, ChangedRows, Db, Tx, Value},
    error::{Error, Result, say},
    seal,
};

/// A node that does not renew its claim for so long is taken for dead.
const CLAIM: Duration = Duration::from_secs(30);
/// More transactions than this are read as a full record, which needs no list of what changed.
const MOST_CHANGES: i64 = 50_000;
/// A chain is not made longer than this, and not so long as soon as a full record is cheap beside it.
const LONGEST_CHAIN: i64 = 20_000;
const CHEAP_CHAIN: i64 = 2_000;

/// How far the records in the bucket are behind what was acknowledged.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Lag {
    /// False where no recovery recipient is set: then nothing could be rebuilt from the bucket alone.
    pub written: bool,
    /// Age in seconds of the oldest change that no record holds yet; 0 when there is none.
    pub behind_seconds: u64,
    /// Transactions that no record holds yet.
    pub waiting: i64,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub newest_at: Option<Time>,
}

/// What a record says of the rows.
enum Content {
    Full,
    Changes(ChangedRows),
}

/// What was read from the snapshot, and the notes that the record will hold.
struct Batch {
    tx: Tx,
    content: Content,
    notes: Vec<Uuid>,
    /// How many documents were destroyed as of the snapshot.
    destroyed: i64,
}

impl Records {
    pub async fn lag(&self) -> Result<Lag> {
        let (waiting, oldest) = sql::waiting(&self.db).await?;
        let behind_seconds = oldest.map_or(0, |at| self.clock.now().since(Time(at)).as_secs());
        let newest_at = sql::newest_at(&self.db).await?.map(Time);
        Ok(Lag { written: self.recovery.now().is_some(), behind_seconds, waiting, newest_at })
    }

    /// Writes a record if there is anything to record. False when there was nothing, or another node is at it.
    pub async fn flush(&self) -> Result<bool> {
        if self.recovery.now().is_none() {
            return Ok(false);
        }
        let head = sql::head(&mut self.db.read().await?).await?;
        let (waiting, _) = sql::waiting(&self.db).await?;
        if waiting == 0 && head.base.is_some() && !head.full_due && !self.must_forget(head).await? {
            return Ok(false);
        }
        let now = self.clock.now();
        let Some(head) = sql::claim(&self.db, now, now.plus(CLAIM), now.plus(CLAIM * 2)).await? else {
            return Ok(false);
        };
        let written = tokio::select! {
            written = self.write(head) => written,
            lost = db::beside(self.keep_claim(head.claim)) => Err(lost),
        };
        if written.is_err() {
            sql::give_up_claim(&self.db, head.claim).await?;
        }
        written.map(|()| true)
    }

    /// Whether former records have named a destroyed document for long enough.
    async fn must_forget(&self, head: sql::Head) -> Result<bool> {
        let (Some(base), true) = (head.base, head.destroyed > head.forgotten) else { return Ok(false) };
        let made_at = sql::base_made_at(&mut self.db.read().await?, base).await?;
        Ok(made_at.is_none_or(|at| self.clock.now() >= at.plus(self.destroyed_within)))
    }

    async fn keep_claim(&self, claim: i64) -> Error {
        loop {
            tokio::time::sleep(CLAIM / 3).await;
            match sql::keep_claim(&self.db, claim, self.clock.now().plus(CLAIM)).await {
                Ok(true) => {}
                Ok(false) => return lost(),
                Err(cause) => return cause,
            }
        }
    }

    async fn write(&self, head: sql::Head) -> Result<()> {
        // Asked before the snapshot is taken: whoever holds one connection asks for no second.
        let (tables, newest) = (self.tables().await?.to_vec(), self.previous(head).await?);
        let must_forget = self.must_forget(head).await?;
        let Batch { tx, content, notes, destroyed } = self.read(head, must_forget).await?;
        let is_full = matches!(content, Content::Full);
        let made_at = self.clock.now();
        let previous = if is_full { None } else { newest };
        let header = Header {
            lumbung: env!("CARGO_PKG_VERSION").to_owned(),
            format: FORMAT,
            schema: db::MIGRATIONS.last().map_or(0, |migration| migration.number),
            kind: if is_full { Kinds::Full } else { Kinds::Changes },
            seq: head.claim,
            previous,
            made_at,
        };
        let lines = Arc::new(AtomicU64::new(0));
        let crossing = Crossing { master: self.master.clone(), with_secrets: false };
        let text = Text { header, tables, crossing, lines: lines.clone() };
        let sealer = self.master.reader()?.sealer(self.recovery.now().as_deref())?;
        let (sealed, body) = match content {
            Content::Full => seal::seal_stream_by(sealer, text.full(tx), &self.limits).await?,
            Content::Changes(changed) => seal::seal_stream_by(sealer, text.changes(tx, changed), &self.limits).await?,
        };
        let name = self.name(made_at, head.claim)?;
        self.store.put(&name, &body).await?;
        point(Point::RecordStored);
        let row = sql::ObjectRow {
            seq: head.claim,
            object: name.to_string(),
            digest: body.digest().to_vec(),
            size: sealed.sealed_size as i64,
            lines: lines.load(Ordering::Relaxed) as i64,
        };
        self.settle(head, row, is_full.then_some(destroyed), notes).await?;
        if !is_full {
            return Ok(());
        }
        point(Point::RecordsSettled);
        self.prune(head.claim).await
    }

    /// One snapshot of the notes and of everything that they name.
    async fn read(&self, head: sql::Head, must_forget: bool) -> Result<Batch> {
        let mut tx = self.db.snapshot().await?;
        let destroyed = sql::head(&mut tx).await?.destroyed;
        let changes = sql::changes(&mut tx, MOST_CHANGES).await?;
        if must_forget || changes.len() as i64 == MOST_CHANGES || self.is_full_wanted(&mut tx, head).await? {
            let notes = sql::change_ids(&mut tx).await?.into_iter().map(|(id,)| id).collect();
            return Ok(Batch { tx, content: Content::Full, notes, destroyed });
        }
        let mut changed: HashMap<String, HashMap<String, Vec<serde_json::Value>>> = HashMap::new();
        let mut notes = Vec::with_capacity(changes.len());
        for (id, text) in changes {
            notes.push(id);
            let rows: ChangedRows = serde_json::from_str(&text).map_err(Error::internal)?;
            for (table, keys) in rows {
                let known = changed.entry(table).or_default();
                known.extend(keys.into_iter().map(|key| (serde_json::to_string(&key).unwrap_or_default(), key)));
            }
        }
        let changed = changed.into_iter().map(|(table, keys)| (table, keys.into_values().collect())).collect();
        Ok(Batch { tx, content: Content::Changes(changed), notes, destroyed })
    }

    async fn is_full_wanted(&self, tx: &mut Tx, head: sql::Head) -> Result<bool> {
        let Some(base) = head.base.filter(|_| !head.full_due) else { return Ok(true) };
        let (records, lines, full) = sql::since(tx, base).await?;
        Ok(records >= LONGEST_CHAIN || (records >= CHEAP_CHAIN && lines * 4 >= full))
    }

    async fn previous(&self, head: sql::Head) -> Result<Option<Previous>> {
        let mut tx = self.db.read().await?;
        let Some(newest) = head.newest else { return Ok(None) };
        let row = sql::object(&mut tx, newest).await?.ok_or_else(|| Error::internal("the newest record is unknown"))?;
        Ok(Some(Previous { object: row.object, sha256: data_encoding::HEXLOWER.encode(&row.digest) }))
    }

    /// The record becomes the newest of the chain and what it holds needs no note any more, in one transaction. A full one
    /// comes with how many documents had been destroyed.
    async fn settle(&self, head: sql::Head, row: sql::ObjectRow, full: Option<i64>, notes: Vec<Uuid>) -> Result<()> {
        let mut tx = self.db.write().await?;
        let before = sql::head(&mut tx).await?;
        let is_full = full.is_some();
        // Somebody may have asked for a full record after this one read its snapshot.
        let full_due = before.full_due && !(is_full && head.full_due);
        let base = if is_full { head.claim } else { head.base.unwrap_or(head.claim) };
        if !sql::advance(&mut tx, head.claim, base, full_due, full.unwrap_or(before.forgotten)).await? {
            return Err(lost());
        }
        sql::insert_object(&mut tx, &row, self.clock.now()).await?;
        let table = in_order(db::tables(&mut tx).await?, ["record_change"].into_iter())?.remove(0);
        let keys: Vec<Vec<Value>> = notes.into_iter().map(|id| vec![id.into()]).collect();
        table.delete(&mut tx, &keys).await?;
        tx.commit().await
    }

    /// What lies before a full record is needed by nobody.
    async fn prune(&self, base: i64) -> Result<()> {
        let listed: Vec<ObjectName> = self
            .store
            .list(Prefix::Records)
            .try_filter_map(|object| async move { Ok(object.name()) })
            .try_collect()
            .await?;
        let mut tx = self.db.write().await?;
        for name in listed.iter().filter(|name| seq_of(name).is_some_and(|seq| seq < base)) {
            sql::discard(&mut tx, &name.to_string(), self.clock.now()).await?;
        }
        sql::forget_objects_before(&mut tx, base).await?;
        tx.commit().await
    }

    fn name(&self, at: Time, claim: i64) -> Result<ObjectName> {
        let text = format!("{}-{}-{claim}", at.0, self.node);
        RecordName::parse(&text).map(ObjectName::Record).ok_or_else(|| Error::internal("a record's name is impossible"))
    }
}

/// Until when records in the bucket may name a document that is destroyed now; none where no records are written.
pub async fn named_until(db: &Db, now: Time, within: Duration) -> Result<Option<Time>> {
    let mut tx = db.read().await?;
    let Some(base) = sql::head(&mut tx).await?.base else { return Ok(None) };
    Ok(sql::base_made_at(&mut tx, base).await?.map(|at| at.plus(within).max(now)))
}

fn lost() -> Error {
    Error::conflict("claim-lost", say("Peladen lain sedang menulis catatan.", "Another server is writing the records."))
}
