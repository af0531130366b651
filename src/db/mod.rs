//! The only module that knows there are two databases. One SQL text serves SQLite and PostgreSQL; a [`Sql`] pair of texts
//! serves the few statements that must differ. Times are integers, JSON is text, ids are UUIDs.

mod installation;
mod migrate;
mod schema;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod value;

pub use installation::{installation, set_installation};
pub use migrate::{Migration, migrate};
pub use schema::MIGRATIONS;
#[cfg(test)]
pub(crate) use testing::fresh;
pub use value::Value;
pub(crate) use value::params;

use std::str::FromStr;
use std::time::Duration;

use sqlx::{
    ConnectOptions, FromRow, PgPool, Postgres, Sqlite, SqlitePool, Transaction,
    postgres::{PgConnectOptions, PgPoolOptions, PgRow},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous},
};

use crate::error::{Error, Result, say};
use value::{postgres_arguments, sqlite_arguments};

#[derive(Clone, Debug)]
pub enum Db {
    Sqlite { read: SqlitePool, write: SqlitePool },
    Postgres(PgPool),
}

pub enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// A row that both databases can give; `#[derive(sqlx::FromRow)]` provides it.
pub trait Row: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin + 'static {}
impl<T> Row for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin + 'static {}

/// A statement: one text for both databases, or a named pair where they must differ.
#[derive(Clone, Copy, Debug)]
pub struct Sql {
    pub sqlite: &'static str,
    pub postgres: &'static str,
}

impl From<&'static str> for Sql {
    fn from(text: &'static str) -> Sql {
        Sql { sqlite: text, postgres: text }
    }
}

/// How to reach the database: its address and the named limits of the config.
#[derive(Clone, Debug)]
pub struct Settings {
    pub url: String,
    pub max_connections: u32,
    pub acquire: Duration,
}

impl Db {
    pub async fn connect(settings: &Settings) -> Result<Db> {
        if settings.url.starts_with("postgres") {
            let options = PgConnectOptions::from_str(&settings.url).map_err(unusable)?.disable_statement_logging();
            let pool = PgPoolOptions::new()
                .max_connections(settings.max_connections)
                .acquire_timeout(settings.acquire)
                .connect_with(options)
                .await
                .map_err(away)?;
            return Ok(Db::Postgres(pool));
        }
        // FULL: with NORMAL a power cut loses commits that were already acknowledged.
        let options = SqliteConnectOptions::from_str(&settings.url)
            .map_err(unusable)?
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(10))
            .disable_statement_logging();
        // One writer: writers queue in the pool, fairly, instead of polling for SQLite's lock.
        let write = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(settings.acquire)
            .connect_with(options.clone())
            .await
            .map_err(away)?;
        let read = SqlitePoolOptions::new()
            .max_connections(settings.max_connections)
            .acquire_timeout(settings.acquire)
            .connect_with(options.read_only(true))
            .await
            .map_err(away)?;
        Ok(Db::Sqlite { read, write })
    }

    /// A transaction that may write. On SQLite it takes the write lock at once: a deferred one fails when it upgrades.
    pub async fn write(&self) -> Result<Tx> {
        Ok(match self {
            Db::Sqlite { write, .. } => Tx::Sqlite(write.begin_with("BEGIN IMMEDIATE").await?),
            Db::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
    }

    pub async fn read(&self) -> Result<Tx> {
        Ok(match self {
            Db::Sqlite { read, .. } => Tx::Sqlite(read.begin().await?),
            Db::Postgres(pool) => Tx::Postgres(pool.begin_with("BEGIN READ ONLY").await?),
        })
    }

    /// One statement in a transaction of its own.
    pub async fn execute(&self, sql: impl Into<Sql>, values: Vec<Value>) -> Result<u64> {
        let mut tx = self.write().await?;
        let changed = tx.execute(sql, values).await?;
        tx.commit().await?;
        Ok(changed)
    }

    pub async fn all<T: Row>(&self, sql: impl Into<Sql>, values: Vec<Value>) -> Result<Vec<T>> {
        self.read().await?.all(sql, values).await
    }

    pub async fn one<T: Row>(&self, sql: impl Into<Sql>, values: Vec<Value>) -> Result<Option<T>> {
        self.read().await?.one(sql, values).await
    }

    pub async fn close(&self) {
        match self {
            Db::Sqlite { read, write } => {
                read.close().await;
                write.close().await;
            }
            Db::Postgres(pool) => pool.close().await,
        }
    }

    pub fn is_postgres(&self) -> bool {
        matches!(self, Db::Postgres(_))
    }
}

impl Tx {
    /// The number of rows that changed.
    pub async fn execute(&mut self, sql: impl Into<Sql>, values: Vec<Value>) -> Result<u64> {
        let sql = sql.into();
        Ok(match self {
            Tx::Sqlite(tx) => {
                sqlx::query_with(sql.sqlite, sqlite_arguments(values)?).execute(&mut **tx).await?.rows_affected()
            }
            Tx::Postgres(tx) => {
                sqlx::query_with(sql.postgres, postgres_arguments(values)?).execute(&mut **tx).await?.rows_affected()
            }
        })
    }

    pub async fn all<T: Row>(&mut self, sql: impl Into<Sql>, values: Vec<Value>) -> Result<Vec<T>> {
        let sql = sql.into();
        Ok(match self {
            Tx::Sqlite(tx) => sqlx::query_as_with(sql.sqlite, sqlite_arguments(values)?).fetch_all(&mut **tx).await?,
            Tx::Postgres(tx) => {
                sqlx::query_as_with(sql.postgres, postgres_arguments(values)?).fetch_all(&mut **tx).await?
            }
        })
    }

    pub async fn one<T: Row>(&mut self, sql: impl Into<Sql>, values: Vec<Value>) -> Result<Option<T>> {
        let sql = sql.into();
        Ok(match self {
            Tx::Sqlite(tx) => {
                sqlx::query_as_with(sql.sqlite, sqlite_arguments(values)?).fetch_optional(&mut **tx).await?
            }
            Tx::Postgres(tx) => {
                sqlx::query_as_with(sql.postgres, postgres_arguments(values)?).fetch_optional(&mut **tx).await?
            }
        })
    }

    /// Returns when the change is durable. A transaction that is dropped instead is rolled back.
    pub async fn commit(self) -> Result<()> {
        match self {
            Tx::Sqlite(tx) => tx.commit().await?,
            Tx::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }
}

fn unusable(cause: sqlx::Error) -> Error {
    Error::new(
        crate::error::Kind::Invalid,
        "database-url",
        say(
            "database.url tidak dapat dibaca; contoh: sqlite:lumbung.db",
            "database.url cannot be read; example: sqlite:lumbung.db",
        ),
    )
    .because(cause)
}

fn full(cause: sqlx::Error) -> Error {
    Error::unavailable(
        "disk-full",
        say(
            "Tempat basis data penuh. Belum ada yang tersimpan; hubungi operator, lalu coba lagi.",
            "The database's disk is full. Nothing was stored; tell the operator, then try again.",
        ),
    )
    .because(cause)
}

fn away(cause: sqlx::Error) -> Error {
    Error::unavailable(
        "database-away",
        say(
            "Basis data tidak dapat dihubungi. Belum ada yang tersimpan; coba lagi sebentar lagi.",
            "The database cannot be reached. Nothing was stored; try again shortly.",
        ),
    )
    .because(cause)
}

impl From<sqlx::Error> for Error {
    fn from(cause: sqlx::Error) -> Error {
        match &cause {
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Tls(_) => {
                away(cause)
            }
            sqlx::Error::Database(fault) if is_full(fault.code().as_deref()) => full(cause),
            sqlx::Error::Database(fault) if is_passing(fault.code().as_deref()) => away(cause),
            _ => Error::internal(cause),
        }
    }
}

/// PostgreSQL disk_full; SQLite full (13), and its log or shared memory that could not grow (778, 4874).
fn is_full(code: Option<&str>) -> bool {
    code.is_some_and(|code| ["53100", "13", "778", "4874"].contains(&code))
}

/// PostgreSQL classes 08 (connection), 53 (resources), 57 (operator) and 40 (retry), SQLite busy (5, 517), cannot open (14).
fn is_passing(code: Option<&str>) -> bool {
    code.is_some_and(|code| {
        ["08", "53", "57", "40"].iter().any(|class| code.len() == 5 && code.starts_with(class))
            || ["5", "517", "14"].contains(&code)
    })
}

/// Whether a statement failed because a row with the same unique key exists.
pub fn is_duplicate(error: &Error) -> bool {
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        if let Some(sqlx::Error::Database(fault)) = cause.downcast_ref::<sqlx::Error>() {
            return fault.is_unique_violation();
        }
        next = cause.source();
    }
    false
}
