//! Tables as data: whole rows of any table, read and written by what the database says of its columns. For records and
//! backups, which must not forget a column. The texts are composed of names that come from `schema/` and of nothing else.

use std::collections::{BTreeMap, HashSet};
use std::sync::{LazyLock, Mutex, PoisonError};

use sqlx::{Row as _, postgres::PgRow, sqlite::SqliteRow};

use super::{Sql, Tx, Value, params};
use crate::error::{Error, Result};

/// What the schema's columns are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Bool,
    I64,
    Text,
    Bytes,
    Uuid,
}

#[derive(Clone, Debug)]
pub struct Column {
    pub name: String,
    pub kind: Type,
}

#[derive(Clone, Debug)]
pub struct Table {
    pub name: String,
    pub columns: Vec<Column>,
    /// Positions of the primary key's columns.
    pub key: Vec<usize>,
}

/// Values bound by one statement: far below what either database takes, and enough to make round trips cheap.
const BOUND: usize = 1_000;

impl Type {
    pub fn null(self) -> Value {
        match self {
            Type::Bool => Value::Bool(None),
            Type::I64 => Value::I64(None),
            Type::Text => Value::Text(None),
            Type::Bytes => Value::Bytes(None),
            Type::Uuid => Value::Uuid(None),
        }
    }

    fn parse(name: &str) -> Option<Type> {
        match name.to_ascii_lowercase().as_str() {
            "boolean" | "bool" => Some(Type::Bool),
            "bigint" | "int8" => Some(Type::I64),
            "text" => Some(Type::Text),
            "bytea" => Some(Type::Bytes),
            "uuid" => Some(Type::Uuid),
            _ => None,
        }
    }
}

const DESCRIBE: Sql = Sql {
    sqlite: "SELECT m.name, p.name, p.type, p.pk FROM sqlite_master m JOIN pragma_table_info(m.name) p
        WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' ORDER BY m.name, p.cid",
    postgres: "SELECT CAST(c.table_name AS TEXT), CAST(c.column_name AS TEXT), CAST(c.udt_name AS TEXT),
            CAST(COALESCE(k.ordinal_position, 0) AS BIGINT)
        FROM information_schema.columns c
        LEFT JOIN information_schema.table_constraints t ON t.table_schema = c.table_schema
            AND t.table_name = c.table_name AND t.constraint_type = 'PRIMARY KEY'
        LEFT JOIN information_schema.key_column_usage k ON k.constraint_schema = t.constraint_schema
            AND k.constraint_name = t.constraint_name AND k.table_name = c.table_name AND k.column_name = c.column_name
        WHERE c.table_schema = current_schema() ORDER BY c.table_name, c.ordinal_position",
};

/// A table while its description is read.
#[derive(Default)]
struct Described {
    columns: Vec<Column>,
    /// The place within the primary key, and the column that has it.
    key: Vec<(i64, usize)>,
}

/// Every table, as the database describes it.
pub async fn tables(tx: &mut Tx) -> Result<Vec<Table>> {
    let rows: Vec<(String, String, String, i64)> = tx.all(DESCRIBE, params![]).await?;
    let mut found: BTreeMap<String, Described> = BTreeMap::new();
    for (table, name, kind, place) in rows {
        let kind = Type::parse(&kind)
            .ok_or_else(|| Error::internal(format!("{table}.{name} is of the type {kind}, which no column has")))?;
        let described = found.entry(table).or_default();
        if place > 0 {
            described.key.push((place, described.columns.len()));
        }
        described.columns.push(Column { name, kind });
    }
    let whole = |(name, mut described): (String, Described)| {
        described.key.sort_unstable();
        Table { name, columns: described.columns, key: described.key.into_iter().map(|(_, at)| at).collect() }
    };
    Ok(found.into_iter().map(whole).collect())
}

impl Table {
    pub fn key_names(&self) -> Vec<&str> {
        self.key.iter().map(|at| self.columns[*at].name.as_str()).collect()
    }

    pub fn key_types(&self) -> Vec<Type> {
        self.key.iter().map(|at| self.columns[*at].kind).collect()
    }

    pub fn key_of(&self, row: &[Value]) -> Vec<Value> {
        self.key.iter().map(|at| row[*at].clone()).collect()
    }

    pub fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|known| known.name == column)
    }

    /// The same table with only these columns, in this order: what an older program wrote. The key must be among them.
    pub fn narrowed(&self, names: &[String]) -> Option<Table> {
        let columns: Vec<Column> =
            names.iter().map(|name| self.position(name).map(|at| self.columns[at].clone())).collect::<Option<_>>()?;
        let key =
            self.key_names().iter().map(|name| names.iter().position(|known| known == name)).collect::<Option<_>>()?;
        Some(Table { name: self.name.clone(), columns, key })
    }

    /// The next rows after `last`, in the order in which they can be restored.
    pub async fn page(&self, tx: &mut Tx, last: Option<&[Value]>, limit: i64) -> Result<Vec<Vec<Value>>> {
        let order: Vec<&str> = self.order().iter().map(|at| self.columns[*at].name.as_str()).collect();
        let (name, columns, order) = (&self.name, self.names(), order.join(", "));
        let count = self.order().len();
        let Some(last) = last else {
            let text = format!("SELECT {columns} FROM {name} ORDER BY {order} LIMIT $1");
            return tx.rows(kept(text), params![limit], &self.types()).await;
        };
        let marks = marks(1, count);
        let text =
            format!("SELECT {columns} FROM {name} WHERE ({order}) > ({marks}) ORDER BY {order} LIMIT ${}", count + 1);
        let mut values: Vec<Value> = self.order().iter().map(|at| last[*at].clone()).collect();
        values.push(limit.into());
        tx.rows(kept(text), values, &self.types()).await
    }

    /// The rows of these keys that are there, in the order in which they can be restored.
    pub async fn by_keys(&self, tx: &mut Tx, keys: &[Vec<Value>]) -> Result<Vec<Vec<Value>>> {
        let (name, columns) = (&self.name, self.names());
        let order: Vec<&str> = self.order().iter().map(|at| self.columns[*at].name.as_str()).collect();
        let text = |count| {
            let (keys, order) = (self.any_of(count), order.join(", "));
            kept(format!("SELECT {columns} FROM {name} WHERE {keys} ORDER BY {order}"))
        };
        let mut rows = Vec::with_capacity(keys.len());
        for some in in_steps(keys, BOUND / self.key.len()) {
            rows.extend(tx.rows(text(some.len()), some.concat(), &self.types()).await?);
        }
        Ok(rows)
    }

    /// Inserts rows, or sets all their columns where their keys exist. No key may occur twice.
    pub async fn upsert(&self, tx: &mut Tx, rows: &[Vec<Value>]) -> Result<()> {
        for some in in_steps(rows, BOUND / self.columns.len()) {
            tx.execute_unnoted(self.upsert_text(some.len()), some.concat()).await?;
        }
        Ok(())
    }

    /// Sets the columns beside the key where the row is there; a row that went meanwhile does not come back.
    pub async fn update(&self, tx: &mut Tx, rows: &[Vec<Value>]) -> Result<()> {
        for some in in_steps(rows, BOUND / self.columns.len()) {
            tx.execute_unnoted(self.update_text(some.len()), some.concat()).await?;
        }
        Ok(())
    }

    pub async fn delete(&self, tx: &mut Tx, keys: &[Vec<Value>]) -> Result<()> {
        for some in in_steps(keys, BOUND / self.key.len()) {
            let text = kept(format!("DELETE FROM {} WHERE {}", self.name, self.any_of(some.len())));
            tx.execute_unnoted(text, some.concat()).await?;
        }
        Ok(())
    }

    fn upsert_text(&self, count: usize) -> &'static str {
        let width = self.columns.len();
        let rows: Vec<String> = (0..count).map(|row| format!("({})", marks(row * width + 1, width))).collect();
        let is_key = |column: &&Column| self.key_names().contains(&column.name.as_str());
        let set: Vec<String> = self
            .columns
            .iter()
            .filter(|column| !is_key(column))
            .map(|Column { name, .. }| format!("{name} = excluded.{name}"))
            .collect();
        let then = if set.is_empty() { "NOTHING".to_owned() } else { format!("UPDATE SET {}", set.join(", ")) };
        kept(format!(
            "INSERT INTO {} ({}) VALUES {} ON CONFLICT ({}) DO {then}",
            self.name,
            self.names(),
            rows.join(", "),
            self.key_names().join(", ")
        ))
    }

    fn update_text(&self, count: usize) -> &'static str {
        let (name, width, key) = (&self.name, self.columns.len(), self.key_names());
        let rows: Vec<String> = (0..count).map(|row| format!("({})", marks(row * width + 1, width))).collect();
        let others = self.columns.iter().map(|column| column.name.as_str()).filter(|column| !key.contains(column));
        let set: Vec<String> = others.map(|column| format!("{column} = anew.{column}")).collect();
        let same: Vec<String> = key.iter().map(|column| format!("{name}.{column} = anew.{column}")).collect();
        kept(format!(
            "WITH anew ({}) AS (VALUES {}) UPDATE {name} SET {} FROM anew WHERE {}",
            self.names(),
            rows.join(", "),
            set.join(", "),
            same.join(" AND ")
        ))
    }

    /// Offices name their parents: they are restored in the order in which they were made.
    fn order(&self) -> Vec<usize> {
        match (self.position("parent"), self.position("number")) {
            (Some(_), Some(number)) => vec![number],
            _ => self.key.clone(),
        }
    }

    fn names(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
        names.join(", ")
    }

    fn types(&self) -> Vec<Type> {
        self.columns.iter().map(|column| column.kind).collect()
    }

    fn any_of(&self, count: usize) -> String {
        let width = self.key.len();
        let key = self.key_names().join(", ");
        if width == 1 {
            return format!("{key} IN ({})", marks(1, count));
        }
        let rows: Vec<String> = (0..count).map(|row| format!("({})", marks(row * width + 1, width))).collect();
        format!("({key}) IN (VALUES {})", rows.join(", "))
    }
}

/// `$4, $5, $6`
fn marks(first: usize, count: usize) -> String {
    let marks: Vec<String> = (first..first + count).map(|number| format!("${number}")).collect();
    marks.join(", ")
}

/// As few different lengths as can be, so that each database plans few statements: whole steps, then tens, then ones.
fn in_steps<T>(all: &[T], step: usize) -> impl Iterator<Item = &[T]> {
    let mut rest = all;
    std::iter::from_fn(move || {
        let size = [step.max(1), 10.min(step.max(1)), 1].into_iter().find(|size| *size <= rest.len())?;
        let (some, others) = rest.split_at(size);
        rest = others;
        Some(some)
    })
}

/// A composed text lives as long as the program; the same text is kept once, and there are few.
fn kept(text: String) -> &'static str {
    static TEXTS: LazyLock<Mutex<HashSet<&'static str>>> = LazyLock::new(Mutex::default);
    let mut texts = TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
    match texts.get(text.as_str()) {
        Some(known) => known,
        None => {
            let text: &'static str = text.leak();
            texts.insert(text);
            text
        }
    }
}

macro_rules! values_of {
    ($name:ident, $row:ty) => {
        pub(super) fn $name(row: &$row, types: &[Type]) -> Result<Vec<Value>> {
            let mut values = Vec::with_capacity(types.len());
            for (at, kind) in types.iter().enumerate() {
                values.push(match kind {
                    Type::Bool => Value::Bool(row.try_get(at)?),
                    Type::I64 => Value::I64(row.try_get(at)?),
                    Type::Text => Value::Text(row.try_get(at)?),
                    Type::Bytes => Value::Bytes(row.try_get(at)?),
                    Type::Uuid => Value::Uuid(row.try_get(at)?),
                });
            }
            Ok(values)
        }
    };
}
values_of!(values_of_sqlite, SqliteRow);
values_of!(values_of_postgres, PgRow);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::fresh;

    #[tokio::test]
    async fn rows_of_any_table_read_back_as_they_were_written() {
        let (db, _, _dir) = fresh().await;
        let all = tables(&mut db.read().await.unwrap()).await.unwrap();
        let table = all.iter().find(|table| table.name == "audit").unwrap();
        let row = |n: u128| -> Vec<Value> {
            let id = uuid::Uuid::from_u128(n);
            let value = |column: &Column| match (column.name.as_str(), column.kind) {
                ("id", _) => id.into(),
                ("who", _) => "machine".into(),
                (_, Type::Uuid) => Type::Uuid.null(),
                (_, Type::I64) => (n as i64).into(),
                _ => format!("{} {n}", column.name).into(),
            };
            table.columns.iter().map(value).collect()
        };
        let rows: Vec<Vec<Value>> = (1..=157).map(row).collect();
        let mut tx = db.write().await.unwrap();
        table.upsert(&mut tx, &rows).await.unwrap();
        table.upsert(&mut tx, &rows[..1]).await.unwrap();
        let first = table.page(&mut tx, None, 100).await.unwrap();
        let second = table.page(&mut tx, first.last().map(Vec::as_slice), 100).await.unwrap();
        assert_eq!([first, second].concat(), rows);
        let keys: Vec<Vec<Value>> = rows.iter().map(|row| table.key_of(row)).collect();
        table.delete(&mut tx, &keys[1..]).await.unwrap();
        assert_eq!(table.by_keys(&mut tx, &keys).await.unwrap(), rows[..1]);
        for value in &rows[0] {
            let kind = table.columns[rows[0].iter().position(|known| known == value).unwrap()].kind;
            assert_eq!(&Value::from_json(value.to_json(), kind).unwrap(), value);
        }
    }

    #[tokio::test]
    async fn a_key_of_several_columns_is_paged_and_found_too() {
        let (db, _, _dir) = fresh().await;
        let all = tables(&mut db.read().await.unwrap()).await.unwrap();
        let table = all.iter().find(|table| table.name == "read_mark").unwrap();
        let row = |n: i64| -> Vec<Value> {
            vec![format!("r{}", n % 3).into(), uuid::Uuid::from_u128(n as u128).into(), "k".into(), n.into()]
        };
        let mut rows: Vec<Vec<Value>> = (0..30).map(row).collect();
        let mut tx = db.write().await.unwrap();
        table.upsert(&mut tx, &rows).await.unwrap();
        rows.sort_by_key(|row| (row[0].to_json().to_string(), row[3].to_json().as_i64()));
        let mut paged = Vec::new();
        loop {
            let next = table.page(&mut tx, paged.last().map(Vec::as_slice), 7).await.unwrap();
            if next.is_empty() {
                break;
            }
            paged.extend(next);
        }
        assert_eq!(paged, rows);
        for row in &mut rows {
            row[3] = 7.into();
        }
        table.update(&mut tx, &rows).await.unwrap();
        let keys: Vec<Vec<Value>> = rows.iter().map(|row| table.key_of(row)).collect();
        table.delete(&mut tx, &keys[3..]).await.unwrap();
        table.update(&mut tx, &rows).await.unwrap();
        assert_eq!(table.by_keys(&mut tx, &keys).await.unwrap(), rows[..3]);
    }
}
