//! The rows of a record or a backup as a stream of text, read from one snapshot while it is sealed: memory holds one page.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures_util::Stream;

use super::crossing::Crossing;
use super::line::{Header, Line, row, written};
use crate::{
    db::{ChangedRows, Table, Tx, Value},
    error::{Error, Result},
};

const PAGE: i64 = 500;

/// What is written, and how many rows it had when the stream has ended.
pub(super) struct Text {
    pub header: Header,
    pub tables: Vec<Table>,
    pub crossing: Crossing,
    pub lines: Arc<AtomicU64>,
}

impl Text {
    /// Every row of the tables.
    pub(super) fn full(self, mut tx: Tx) -> impl Stream<Item = Result<Bytes>> + Send {
        async_stream::try_stream! {
            yield self.begin()?;
            for table in &self.tables {
                let mut last: Option<Vec<Value>> = None;
                loop {
                    let rows = table.page(&mut tx, last.as_deref(), PAGE).await?;
                    let Some(end) = rows.last() else { break };
                    last = Some(end.clone());
                    yield self.rows(table, rows)?;
                }
            }
            yield self.end()?;
        }
    }

    /// The rows of these keys; a key that has no row any more is gone.
    pub(super) fn changes(self, mut tx: Tx, changed: ChangedRows) -> impl Stream<Item = Result<Bytes>> + Send {
        async_stream::try_stream! {
            yield self.begin()?;
            for table in &self.tables {
                let Some(keys) = changed.get(&table.name) else { continue };
                for some in keys.chunks(PAGE as usize) {
                    let keys = typed(table, some)?;
                    let rows = table.by_keys(&mut tx, &keys).await?;
                    let gone = missing(table, &keys, &rows);
                    if !rows.is_empty() {
                        yield self.rows(table, rows)?;
                    }
                    if !gone.is_empty() {
                        yield self.gone(table, &gone)?;
                    }
                }
            }
            yield self.end()?;
        }
    }

    fn begin(&self) -> Result<Bytes> {
        let mut text = Vec::new();
        written(&self.header, &mut text)?;
        Ok(text.into())
    }

    fn rows(&self, table: &Table, rows: Vec<Vec<Value>>) -> Result<Bytes> {
        self.lines.fetch_add(rows.len() as u64, Ordering::Relaxed);
        let mut text = Vec::with_capacity(rows.len() * 400);
        let columns = table.columns.iter().map(|column| column.name.clone()).collect();
        written(&Line::Table { table: table.name.clone(), columns }, &mut text)?;
        for mut values in rows {
            self.crossing.outward(table, &mut values)?;
            written(&row(&values), &mut text)?;
        }
        Ok(text.into())
    }

    fn gone(&self, table: &Table, keys: &[Vec<Value>]) -> Result<Bytes> {
        self.lines.fetch_add(keys.len() as u64, Ordering::Relaxed);
        let mut text = Vec::new();
        let gone = keys.iter().map(|key| row(key)).collect();
        written(&Line::Gone { gone, of: table.name.clone() }, &mut text)?;
        Ok(text.into())
    }

    fn end(&self) -> Result<Bytes> {
        let mut text = Vec::new();
        written(&Line::End { end: self.lines.load(Ordering::Relaxed) }, &mut text)?;
        Ok(text.into())
    }
}

fn typed(table: &Table, keys: &[Vec<serde_json::Value>]) -> Result<Vec<Vec<Value>>> {
    let types = table.key_types();
    let one = |key: &Vec<serde_json::Value>| -> Result<Vec<Value>> {
        if key.len() != types.len() {
            return Err(Error::internal("a noted key has another length than its table's"));
        }
        key.iter().zip(&types).map(|(json, kind)| Value::from_json(json.clone(), *kind)).collect()
    };
    keys.iter().map(one).collect()
}

fn missing(table: &Table, keys: &[Vec<Value>], rows: &[Vec<Value>]) -> Vec<Vec<Value>> {
    let text = |key: &[Value]| serde_json::to_string(&row(key)).unwrap_or_default();
    let there: std::collections::HashSet<String> = rows.iter().map(|row| text(&table.key_of(row))).collect();
    keys.iter().filter(|key| !there.contains(&text(key))).cloned().collect()
}
