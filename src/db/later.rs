//! Rows of which nobody asks anything before their transaction ends. On PostgreSQL they wait and go as one statement, because
//! there a message costs more than the row that it brings; whatever is asked in between sends them first. A change whose only
//! question is whether it happened can wait too: where it does not, the statement fails with all that goes with it.

use std::fmt::Write;
use std::time::Duration;

use sqlx::Postgres;

use super::{On, Tx, Value, has_code, in_time, noted, value::postgres_arguments};
use crate::error::{Error, Result, say};

/// So many go together at most: each different row of statements is prepared anew.
const MOST: usize = 16;

#[derive(Default)]
pub(super) struct Later(Vec<Waiting>);

struct Waiting {
    text: &'static str,
    values: Vec<Value>,
    /// It gives back the one row that it has to change.
    is_required: bool,
}

impl Later {
    pub(super) fn add(&mut self, text: &'static str, values: Vec<Value>) {
        self.0.push(Waiting { text, values, is_required: false });
    }

    fn require(&mut self, text: &'static str, values: Vec<Value>) {
        self.0.push(Waiting { text, values, is_required: true });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether what waits has to go before this one joins: all that go together see the state before all of them, so that a row
    /// that is reckoned from others may stand among them only once.
    pub(super) fn must_go_before(&self, text: &'static str) -> bool {
        let is_reckoned = !text.contains("VALUES");
        self.0.len() >= MOST || is_reckoned && self.0.iter().any(|waiting| waiting.text == text)
    }

    /// One statement that does what all of them do: every one but the last is a part of it by name. Where some have to change a
    /// row, all are, and what comes last divides by the number of rows that each of those gave back.
    pub(super) fn take(&mut self) -> (String, Vec<Value>) {
        let (mut whole, mut all) = (String::new(), Vec::new());
        let statements = std::mem::take(&mut self.0);
        let required: Vec<usize> = (0..statements.len()).filter(|at| statements[*at].is_required).collect();
        let named = if required.is_empty() { statements.len().saturating_sub(1) } else { statements.len() };
        for (at, Waiting { text, values, .. }) in statements.into_iter().enumerate() {
            let begun = if at == 0 { "WITH" } else { "," };
            // Writing to a string does not fail.
            let _ = match at {
                _ if at < named => write!(whole, "{begun} later{at} AS ({})", renumbered(text, all.len())),
                _ => write!(whole, " {}", renumbered(text, all.len())),
            };
            all.extend(values);
        }
        for (nth, at) in required.into_iter().enumerate() {
            let begun = if nth == 0 { " SELECT" } else { "," };
            let _ = write!(whole, "{begun} 1 / (SELECT count(*) FROM later{at})");
        }
        (whole, all)
    }
}

impl Tx {
    /// A new row, of which nobody asks anything before the transaction ends: what is wrong with it may be told as late as that.
    pub async fn insert(&mut self, text: &'static str, values: Vec<Value>) -> Result<()> {
        if matches!(self.on, On::Sqlite(_)) {
            return self.execute(text, values).await.map(drop);
        }
        self.must_be_writing()?;
        if let Some(noting) = noted::noting(text) {
            self.noted.add(noting.table, vec![noting.inserted(&values)?]);
        }
        if self.later.must_go_before(text) {
            self.connection().await?;
        }
        self.later.add(text, values);
        Ok(())
    }

    /// Changes the one row whose key comes first among the values. Where it is not as the statement wants it the transaction fails,
    /// now or at its commit, with an error that [`is_unmet`] knows.
    pub async fn change_one(&mut self, text: &'static str, values: Vec<Value>) -> Result<()> {
        if matches!(self.on, On::Sqlite(_)) {
            return if self.execute(text, values).await? == 1 { Ok(()) } else { Err(unmet()) };
        }
        self.must_be_writing()?;
        let noting = noted::noting(text)
            .ok_or_else(|| Error::internal("only the change of a recorded table gives back what it changed"))?;
        let key = values.iter().take(noting.key_types.len()).cloned().collect();
        self.noted.add(noting.table, vec![key]);
        if self.later.must_go_before(text) {
            self.connection().await?;
        }
        self.later.require(noting.text, values);
        Ok(())
    }
}

const UNMET: &str = "row-changed-meanwhile";

fn unmet() -> Error {
    let words = say(
        "Data ini baru saja berubah. Muat ulang, lalu coba lagi.",
        "This changed a moment ago. Load it again, then try again.",
    );
    Error::conflict(UNMET, words)
}

/// Whether a row was not as [`Tx::change_one`] wanted it; nothing of the transaction was done.
pub fn is_unmet(error: &Error) -> bool {
    error.slug() == UNMET
}

pub(super) async fn together(
    later: &mut Later,
    on: impl sqlx::Executor<'_, Database = Postgres>,
    answer: Duration,
) -> Result<()> {
    if later.is_empty() {
        return Ok(());
    }
    let (text, values) = later.take();
    // The texts are the program's own; only the counting of their parameters is new.
    let statement = sqlx::query_with(sqlx::AssertSqlSafe(text), postgres_arguments(values)?);
    match in_time(answer, statement.execute(on)).await {
        Err(cause) if has_code(&cause, DIVISION_BY_ZERO) => Err(unmet().because(cause)),
        done => done.map(drop),
    }
}

const DIVISION_BY_ZERO: &str = "22012";

/// The text with its parameters counted from behind those of the statements before it.
fn renumbered(text: &str, by: usize) -> String {
    let mut parts = text.split('$');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        let number: usize = part[..end].parse().unwrap_or_default();
        let _ = write!(out, "${}{}", number + by, &part[end..]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{fresh, params};

    #[test]
    fn statements_that_go_together_keep_their_own_values() {
        let mut later = Later::default();
        later.add("INSERT INTO a (x, y) VALUES ($1, $2)", params![1_i64, 2_i64]);
        later.add("INSERT INTO b (z) VALUES ($1)", params!["b"]);
        later.add("INSERT INTO c (p, q, r) VALUES ($2, $1, $1)", params![3_i64, 4_i64]);
        let (text, values) = later.take();
        assert_eq!(
            text,
            "WITH later0 AS (INSERT INTO a (x, y) VALUES ($1, $2)), later1 AS (INSERT INTO b (z) VALUES ($3)) \
             INSERT INTO c (p, q, r) VALUES ($5, $4, $4)"
        );
        assert_eq!(values, params![1_i64, 2_i64, "b", 3_i64, 4_i64]);
        assert!(later.is_empty());
    }

    #[test]
    fn a_row_that_is_reckoned_from_others_of_its_kind_comes_after_them() {
        let (plain, reckoned) = ("INSERT INTO a (x) VALUES ($1)", "INSERT INTO a (x) SELECT count(*) FROM a");
        let mut later = Later::default();
        later.add(plain, params![1_i64]);
        assert!(!later.must_go_before(plain) && !later.must_go_before(reckoned));
        later.add(reckoned, params![]);
        assert!(!later.must_go_before(plain) && later.must_go_before(reckoned));
    }

    #[test]
    fn what_has_to_change_a_row_fails_all_that_goes_with_it() {
        let mut later = Later::default();
        later.require("UPDATE a SET x = $2 WHERE id = $1 RETURNING id", params![1_i64, 2_i64]);
        later.add("INSERT INTO b (z) VALUES ($1)", params!["b"]);
        let (text, values) = later.take();
        assert_eq!(
            text,
            "WITH later0 AS (UPDATE a SET x = $2 WHERE id = $1 RETURNING id), later1 AS (INSERT INTO b (z) VALUES ($3)) \
             SELECT 1 / (SELECT count(*) FROM later0)"
        );
        assert_eq!(values, params![1_i64, 2_i64, "b"]);
    }

    #[tokio::test]
    async fn a_row_that_is_not_as_it_has_to_be_undoes_the_whole_transaction() {
        const SET: &str = "UPDATE installation SET value = $2 WHERE name = $1 AND value <> $2";
        let (db, clock, _dir) = fresh().await;
        db.execute("INSERT INTO installation (name, value) VALUES ($1, $2)", params!["a", "1"]).await.unwrap();
        let change = async |name: &str| -> Result<()> {
            let mut tx = db.write().await?;
            tx.change_one(SET, params![name, "2"]).await?;
            let values = params![crate::id::fresh(&clock).to_string(), clock.now()];
            tx.insert("INSERT INTO throttle (name, failures, first_at, blocked_to) VALUES ($1, 0, $2, 0)", values)
                .await?;
            tx.commit().await
        };
        let kept = async || -> (String, i64) {
            let row: Option<(String, i64)> = db
                .one("SELECT value, (SELECT count(*) FROM throttle) FROM installation WHERE name = 'a'", params![])
                .await
                .unwrap();
            row.unwrap()
        };
        let refused = change("b").await.unwrap_err();
        assert!(is_unmet(&refused), "{}", refused.chain());
        assert_eq!(kept().await, ("1".to_owned(), 0));
        change("a").await.unwrap();
        assert_eq!(kept().await, ("2".to_owned(), 1));
        assert!(is_unmet(&change("a").await.unwrap_err()));
        assert_eq!(kept().await, ("2".to_owned(), 1));
        let notes: Vec<(String,)> = db.all("SELECT changes FROM record_change ORDER BY id", params![]).await.unwrap();
        assert_eq!(notes.last().unwrap().0, r#"{"installation":[["a"]]}"#);
    }

    #[test]
    fn one_alone_stays_as_it_is() {
        let mut later = Later::default();
        later.add("INSERT INTO a (x) VALUES ($1)", params![1_i64]);
        assert_eq!(later.take(), (" INSERT INTO a (x) VALUES ($1)".to_owned(), params![1_i64]));
    }
}
