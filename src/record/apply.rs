//! Rows of records go into a database: in the order of the records, parents before children, what is gone last.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};

use super::crossing::Crossing;
use super::line::{self, Header, Line};
use crate::{
    db::{self, Db, Table, Tx, Value},
    error::{Error, Result},
};

/// Rows that are written together, and how many make one transaction.
const BATCH: usize = 500;
const COMMIT: u64 = 20_000;
/// A line is one row; the longest is a document's summary many times over.
const LONGEST_LINE: usize = 64 << 20;

pub(super) struct Applying<'a> {
    db: &'a Db,
    crossing: &'a Crossing,
    known: Vec<Table>,
    skipped: &'static [&'static str],
    tx: Option<Tx>,
    since_commit: u64,
    /// Rows by table over all records.
    pub rows: BTreeMap<String, u64>,
}

/// One record's state while its lines arrive.
#[derive(Default)]
struct Record {
    table: Option<Table>,
    batch: Vec<Vec<Value>>,
    gone: Vec<(Table, Vec<Vec<Value>>)>,
    lines: u64,
    ended: bool,
}

impl<'a> Applying<'a> {
    pub(super) async fn new(
        db: &'a Db,
        crossing: &'a Crossing,
        skipped: &'static [&'static str],
    ) -> Result<Applying<'a>> {
        let known = db::tables(&mut db.read().await?).await?;
        Ok(Applying { db, crossing, known, skipped, tx: None, since_commit: 0, rows: BTreeMap::new() })
    }

    /// The whole of one record; its first line is given back. Nothing counts before its end was seen, but applying it
    /// again changes nothing.
    pub(super) async fn record(&mut self, text: impl Stream<Item = Result<Bytes>>) -> Result<Header> {
        let mut text = std::pin::pin!(text);
        let mut waiting = BytesMut::new();
        let mut header = None;
        let mut record = Record::default();
        while let Some(piece) = text.next().await {
            waiting.extend_from_slice(&piece?);
            while let Some(end) = waiting.iter().position(|byte| *byte == b'\n') {
                let line = waiting.split_to(end + 1);
                match &header {
                    None => header = Some(Header::parse(&line)?),
                    Some(_) => self.line(&mut record, &line).await?,
                }
            }
            if waiting.len() > LONGEST_LINE {
                return Err(line::unreadable());
            }
        }
        self.write_batch(&mut record).await?;
        if !record.ended || !waiting.is_empty() {
            return Err(line::unreadable());
        }
        for (table, keys) in std::mem::take(&mut record.gone).into_iter().rev() {
            table.delete(self.tx().await?, &keys).await?;
        }
        self.commit().await?;
        header.ok_or_else(line::unreadable)
    }

    async fn line(&mut self, record: &mut Record, text: &[u8]) -> Result<()> {
        if record.ended {
            return Err(line::unreadable());
        }
        match line::parse(text)? {
            Line::Row(values) => {
                record.lines += 1;
                let Some(table) = &record.table else { return Ok(()) };
                let mut row = typed(values, table.columns.iter().map(|column| column.kind))?;
                if self.crossing.inward(table, &mut row)? {
                    record.batch.push(row);
                }
                if record.batch.len() >= BATCH { self.write_batch(record).await } else { Ok(()) }
            }
            Line::Table { table, columns } => {
                let is_same = record.table.as_ref().is_some_and(|known| {
                    known.name == table && known.columns.iter().map(|column| &column.name).eq(columns.iter())
                });
                if !is_same {
                    self.write_batch(record).await?;
                    record.table = self.table(&table, &columns)?;
                }
                Ok(())
            }
            Line::Gone { gone, of } => {
                record.lines += gone.len() as u64;
                let table = self.find(&of)?;
                let types = table.key_types();
                let keys = gone.into_iter().map(|key| typed(key, types.iter().copied())).collect::<Result<_>>()?;
                record.gone.push((table, keys));
                Ok(())
            }
            Line::End { end } => {
                record.ended = true;
                if end == record.lines { Ok(()) } else { Err(line::unreadable()) }
            }
        }
    }

    async fn write_batch(&mut self, record: &mut Record) -> Result<()> {
        let rows = std::mem::take(&mut record.batch);
        let Some(table) = record.table.clone().filter(|_| !rows.is_empty()) else { return Ok(()) };
        table.upsert(self.tx().await?, &rows).await?;
        *self.rows.entry(table.name).or_default() += rows.len() as u64;
        self.since_commit += rows.len() as u64;
        if self.since_commit >= COMMIT { self.commit().await } else { Ok(()) }
    }

    async fn tx(&mut self) -> Result<&mut Tx> {
        if self.tx.is_none() {
            self.tx = Some(self.db.write().await?);
        }
        self.tx.as_mut().ok_or_else(|| Error::internal("no transaction"))
    }

    async fn commit(&mut self) -> Result<()> {
        self.since_commit = 0;
        match self.tx.take() {
            Some(tx) => tx.commit().await,
            None => Ok(()),
        }
    }

    fn table(&self, name: &str, columns: &[String]) -> Result<Option<Table>> {
        if self.skipped.contains(&name) {
            return Ok(None);
        }
        let table = self.find(name)?.narrowed(columns);
        table.map(Some).ok_or_else(|| Error::internal(format!("a record names columns of {name} that are not known")))
    }

    fn find(&self, name: &str) -> Result<Table> {
        let found = self.known.iter().find(|table| table.name == name).cloned();
        found.ok_or_else(|| Error::internal(format!("a record names a table {name} that is not known")))
    }
}

fn typed(values: Vec<serde_json::Value>, types: impl ExactSizeIterator<Item = db::Type>) -> Result<Vec<Value>> {
    if values.len() != types.len() {
        return Err(line::unreadable());
    }
    values.into_iter().zip(types).map(|(json, kind)| Value::from_json(json, kind)).collect()
}
