//! Rows of which nobody asks anything before their transaction ends. On PostgreSQL they wait and go as one statement, because
//! there a message costs more than the row that it brings; whatever is asked in between sends them first.

use std::fmt::Write;
use std::time::Duration;

use sqlx::Postgres;

use super::{On, Tx, Value, in_time, noted, value::postgres_arguments};
use crate::error::Result;

/// So many go together at most: each different row of statements is prepared anew.
const MOST: usize = 16;

#[derive(Default)]
pub(super) struct Later(Vec<(&'static str, Vec<Value>)>);

impl Later {
    pub(super) fn add(&mut self, text: &'static str, values: Vec<Value>) {
        self.0.push((text, values));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether what waits has to go before this one joins: all that go together see the state before all of them, so that a row
    /// that is reckoned from others may stand among them only once.
    pub(super) fn must_go_before(&self, text: &'static str) -> bool {
        let is_reckoned = !text.contains("VALUES");
        self.0.len() >= MOST || is_reckoned && self.0.iter().any(|(waiting, _)| *waiting == text)
    }

    /// One statement that does what all of them do: every one but the last is a part of it by name.
    pub(super) fn take(&mut self) -> (String, Vec<Value>) {
        let (mut whole, mut all) = (String::new(), Vec::new());
        let statements = std::mem::take(&mut self.0);
        let last = statements.len().saturating_sub(1);
        for (at, (text, values)) in statements.into_iter().enumerate() {
            let begun = if at == 0 { "WITH" } else { "," };
            // Writing to a string does not fail.
            let _ = match at {
                _ if at < last => write!(whole, "{begun} later{at} AS ({})", renumbered(text, all.len())),
                _ => write!(whole, " {}", renumbered(text, all.len())),
            };
            all.extend(values);
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
    in_time(answer, statement.execute(on)).await.map(drop)
}

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
    use crate::db::params;

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
    fn one_alone_stays_as_it_is() {
        let mut later = Later::default();
        later.add("INSERT INTO a (x) VALUES ($1)", params![1_i64]);
        assert_eq!(later.take(), (" INSERT INTO a (x) VALUES ($1)".to_owned(), params![1_i64]));
    }
}
