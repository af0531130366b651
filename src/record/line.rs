//! The text of a record: a line of JSON each. First what it is, then for each table its columns and its rows, then what
//! is gone, then the end. `age --decrypt` and a text editor are enough to read one.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{
    clock::Time,
    db::Value,
    error::{Error, Kind, Result, say},
};

pub(super) const FORMAT: u32 = 1;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Header {
    pub lumbung: String,
    pub format: u32,
    /// The newest file of `schema/` that the program knew.
    pub schema: i64,
    pub kind: Kinds,
    pub seq: i64,
    pub previous: Option<Previous>,
    pub made_at: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kinds {
    /// Every row of the recorded tables: nothing before it is needed.
    Full,
    /// The rows that changed since the previous record.
    Changes,
    /// A backup: every table, secrets too.
    Backup,
}

/// The record before, by name and the SHA-256 of its sealed bytes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Previous {
    pub object: String,
    pub sha256: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Line {
    Row(Vec<Json>),
    Table { table: String, columns: Vec<String> },
    Gone { gone: Vec<Vec<Json>>, of: String },
    End { end: u64 },
}

pub(super) fn written(line: &impl Serialize, to: &mut Vec<u8>) -> Result<()> {
    serde_json::to_writer(&mut *to, line).map_err(Error::internal)?;
    to.push(b'\n');
    Ok(())
}

pub(super) fn row(values: &[Value]) -> Vec<Json> {
    values.iter().map(Value::to_json).collect()
}

impl Header {
    pub(super) fn parse(line: &[u8]) -> Result<Header> {
        let header: Header = serde_json::from_slice(line).map_err(|cause| unreadable().because(cause))?;
        let known = crate::db::MIGRATIONS.last().map_or(0, |migration| migration.number);
        if header.format != FORMAT || header.schema > known {
            return Err(Error::new(
                Kind::Conflict,
                "program-too-old",
                say(
                    format!("Catatan ini dibuat Lumbung {} yang lebih baru. Pasang versi itu.", header.lumbung),
                    format!("This record was made by a newer Lumbung, {}. Install that version.", header.lumbung),
                ),
            ));
        }
        Ok(header)
    }
}

pub(super) fn parse(line: &[u8]) -> Result<Line> {
    serde_json::from_slice(line).map_err(|cause| unreadable().because(cause))
}

pub(super) fn unreadable() -> Error {
    Error::new(
        Kind::Invalid,
        "record-unreadable",
        say(
            "Isinya bukan catatan atau cadangan Lumbung, atau terpotong.",
            "This is no record or backup of Lumbung, or it was cut.",
        ),
    )
}
