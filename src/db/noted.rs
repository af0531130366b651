//! Every transaction notes which rows of the recorded tables it changed, in the transaction itself, so that what writes
//! the records beside the sealed objects can miss nothing: not a change of a module that never heard of records, not one
//! that became visible out of order. A statement on a recorded table gets ` RETURNING` its primary key, and a row that
//! waits (`db/later.rs`) has it among its values; the keys go into one row of `record_change` at the commit.
//! That row is deleted when a record in the bucket holds the change.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{LazyLock, PoisonError, RwLock};

use serde_json::Value as Json;

use super::{RECORDED, Type, Value, params};
use crate::{
    clock::Clock,
    error::{Error, Result},
    id,
};

/// The keys of changed rows by table, as `record_change.changes` holds them.
pub type ChangedRows = BTreeMap<String, Vec<Vec<Json>>>;

/// What a transaction changed so far.
pub(super) struct Noted {
    clock: Clock,
    changes: ChangedRows,
}

/// A statement as it runs so that its changed keys come back.
#[derive(Clone, Copy)]
pub(super) struct Noting {
    pub table: &'static str,
    pub text: &'static str,
    pub key_types: &'static [Type],
    /// Which values of a plain INSERT are the new row's key.
    key_places: Option<&'static [usize]>,
}

impl Noting {
    /// The key of the row that this inserts.
    pub(super) fn inserted(&self, values: &[Value]) -> Result<Vec<Value>> {
        let key = self.key_places.map(|places| places.iter().filter_map(|at| values.get(*at).cloned()).collect());
        key.filter(|key: &Vec<Value>| key.len() == self.key_types.len())
            .ok_or_else(|| Error::internal("only a plain INSERT of one row with its whole key can wait"))
    }
}

impl Noted {
    pub(super) fn new(clock: &Clock) -> Noted {
        Noted { clock: clock.clone(), changes: ChangedRows::new() }
    }

    pub(super) fn add(&mut self, table: &'static str, keys: Vec<Vec<Value>>) {
        let known = self.changes.entry(table.to_owned()).or_default();
        known.extend(keys.iter().map(|key| key.iter().map(Value::to_json).collect::<Vec<Json>>()));
    }

    /// The row that goes with the transaction, if it changed anything.
    pub(super) fn statement(&mut self) -> Option<(&'static str, Vec<Value>)> {
        self.changes.retain(|_, keys| {
            let mut seen = HashSet::new();
            keys.retain(|key| seen.insert(serde_json::to_string(key).unwrap_or_default()));
            !keys.is_empty()
        });
        if self.changes.is_empty() {
            return None;
        }
        let changes = serde_json::to_string(&std::mem::take(&mut self.changes)).unwrap_or_default();
        let values = params![id::fresh(&self.clock), self.clock.now(), changes];
        Some(("INSERT INTO record_change (id, at, changes) VALUES ($1, $2, $3)", values))
    }
}

/// The program has a few hundred statements; each is looked at once.
static SEEN: LazyLock<RwLock<HashMap<&'static str, Option<Noting>>>> = LazyLock::new(RwLock::default);

/// `None` for a statement that changes no recorded table.
pub(super) fn noting(text: &'static str) -> Option<Noting> {
    if text.starts_with("SELECT") {
        return None;
    }
    if let Some(known) = SEEN.read().unwrap_or_else(PoisonError::into_inner).get(text) {
        return *known;
    }
    let found = understand(text);
    SEEN.write().unwrap_or_else(PoisonError::into_inner).insert(text, found);
    found
}

fn understand(text: &'static str) -> Option<Noting> {
    let mut words = text.split_whitespace();
    let table = match (words.next()?, words.next()?) {
        ("INSERT", "INTO") | ("DELETE", "FROM") => words.next()?,
        ("UPDATE", table) => table,
        _ => return None,
    };
    let table = table.split('(').next()?;
    let recorded = RECORDED.iter().find(|recorded| recorded.table == table)?;
    let columns: Vec<&str> = recorded.key.iter().map(|(name, _)| *name).collect();
    let types: Vec<Type> = recorded.key.iter().map(|(_, kind)| *kind).collect();
    let key_places = places(text, &columns).map(|places| &*places.leak());
    // Leaked once for each statement of the program: it lives as long as the program's own texts.
    let text: &'static str = format!("{text} RETURNING {}", columns.join(", ")).leak();
    Some(Noting { table: recorded.table, text, key_types: types.leak(), key_places })
}

/// Where the values of these columns stand in `INSERT INTO t (a, b) VALUES ($1, $2)`; `None` for any other statement.
fn places(text: &str, columns: &[&str]) -> Option<Vec<usize>> {
    let (head, values) = text.split_once("VALUES")?;
    let within = |text: &'_ str| Some(text.split_once('(')?.1.trim_end().strip_suffix(')')?.to_owned());
    let (names, values) = (within(head)?, within(values)?);
    let names: Vec<&str> = names.split(',').map(str::trim).collect();
    let values: Vec<&str> = values.split(',').map(str::trim).collect();
    let place = |column: &&str| {
        let at = names.iter().position(|name| name == column)?;
        values.get(at)?.strip_prefix('$')?.parse::<usize>().ok()?.checked_sub(1)
    };
    columns.iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::fresh;

    #[test]
    fn the_key_of_a_plain_insert_is_among_its_values() {
        let plain = "INSERT INTO blob_key (blob, office, version, wrapped) VALUES ($1, $2, $3, $4)";
        assert_eq!(places(plain, &["blob", "office"]), Some(vec![0, 1]));
        assert_eq!(places("INSERT INTO a (x, y) VALUES ($2, $1)", &["y"]), Some(vec![0]));
        for other in [
            "INSERT INTO a (x) VALUES ($1) ON CONFLICT DO NOTHING",
            "INSERT INTO a (x) SELECT $1",
            "INSERT INTO a (x) VALUES (1)",
            "UPDATE a SET x = $1",
        ] {
            assert_eq!(places(other, &["x"]), None, "{other}");
        }
    }

    async fn noted(db: &crate::db::Db) -> Vec<ChangedRows> {
        let rows: Vec<(String,)> = db.all("SELECT changes FROM record_change ORDER BY id", params![]).await.unwrap();
        rows.into_iter().map(|(text,)| serde_json::from_str(&text).unwrap()).collect()
    }

    const SET: &str = "INSERT INTO installation (name, value) VALUES ($1, $2)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value";

    #[tokio::test]
    async fn a_transaction_notes_each_changed_row_once_and_only_if_it_commits() {
        let (db, _, _dir) = fresh().await;
        let before = noted(&db).await.len();
        let mut tx = db.write().await.unwrap();
        assert_eq!(tx.execute(SET, params!["a", "1"]).await.unwrap(), 1);
        assert_eq!(tx.execute(SET, params!["a", "2"]).await.unwrap(), 1);
        assert_eq!(tx.execute(SET, params!["b", "1"]).await.unwrap(), 1);
        tx.commit().await.unwrap();
        let mut undone = db.write().await.unwrap();
        undone.execute(SET, params!["c", "1"]).await.unwrap();
        drop(undone);
        let after = noted(&db).await;
        assert_eq!(after.len(), before + 1);
        assert_eq!(serde_json::to_string(&after[before]["installation"]).unwrap(), r#"[["a"],["b"]]"#);
        assert_eq!(db.execute("DELETE FROM installation WHERE name = $1", params!["b"]).await.unwrap(), 1);
        assert_eq!(serde_json::to_string(&noted(&db).await[before + 1]["installation"]).unwrap(), r#"[["b"]]"#);
    }

    #[tokio::test]
    async fn a_statement_that_would_change_a_recorded_table_unnoted_is_refused() {
        let (db, _, _dir) = fresh().await;
        let mut tx = db.write().await.unwrap();
        let row: crate::error::Result<Option<(String,)>> =
            tx.one("UPDATE installation SET value = '' RETURNING name", params![]).await;
        assert!(row.is_err());
    }

    #[tokio::test]
    async fn what_is_not_recorded_leaves_no_note() {
        let (db, _, _dir) = fresh().await;
        let before = noted(&db).await.len();
        let sql = "INSERT INTO throttle (name, failures, first_at, blocked_to) VALUES ($1, 0, 0, 0)";
        db.execute(sql, params!["x"]).await.unwrap();
        assert_eq!(noted(&db).await.len(), before);
    }

    #[tokio::test]
    async fn every_table_is_recorded_or_says_why_not() {
        let (db, _, _dir) = fresh().await;
        for table in crate::db::tables(&mut db.read().await.unwrap()).await.unwrap() {
            let recorded = RECORDED.iter().find(|recorded| recorded.table == table.name);
            let left_out = crate::db::NOT_RECORDED.iter().any(|(name, _)| *name == table.name);
            assert!(recorded.is_some() != left_out, "{}: list it in db/schema.rs", table.name);
            if let Some(recorded) = recorded {
                let key: Vec<&str> = recorded.key.iter().map(|(name, _)| *name).collect();
                assert_eq!(table.key_names(), key, "the key of {}", table.name);
            }
        }
    }
}
