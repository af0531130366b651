//! The only module that knows there are two databases. One SQL text serves SQLite and PostgreSQL; a [`Sql`] pair of texts
//! serves the few statements that must differ. Times are integers, JSON is text, ids are UUIDs.

mod batch;
mod heard;
mod holding;
mod installation;
mod later;
mod migrate;
mod noted;
mod schema;
mod table;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod timekeeping;
mod value;

pub(crate) use batch::{batch, batches};
pub use heard::Ear;
pub use installation::{installation, set_installation};
pub use migrate::{Migration, migrate};
pub use noted::ChangedRows;
pub use schema::{MIGRATIONS, NOT_RECORDED, RECORDED, Recorded};
pub use table::{Column, Table, Type, tables};
#[cfg(test)]
pub(crate) use testing::fresh;
pub use value::Value;
pub(crate) use value::params;

use std::str::FromStr;
use std::time::Duration;

use sqlx::{
    ConnectOptions, Connection, FromRow, PgConnection, PgPool, Postgres, Sqlite, SqliteConnection, SqlitePool,
    Transaction,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions, PgRow},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous},
};

use crate::clock::Clock;
use crate::error::{Error, Result, say};
use crate::proof::Proof;
pub use holding::beside;
use holding::{Holding, Pool, must_hold_none};
pub use later::is_unmet;
use later::{Later, together};
use noted::Noted;
use value::{postgres_arguments, sqlite_arguments};

#[derive(Clone, Debug)]
pub struct Db {
    pools: Pools,
    is_aside: bool,
    answer: Duration,
    written: Proof,
    /// Tells when a change was made, for how far the records in the bucket are behind.
    clock: Clock,
}

#[derive(Clone, Debug)]
enum Pools {
    Sqlite { read: SqlitePool, write: SqlitePool, aside: SqlitePool },
    Postgres { pool: PgPool, aside: PgPool },
}

/// Connections for what is read in the midst of transactions.
const ASIDE: u32 = 2;

/// A transaction. What it changes of the recorded tables is noted with it (`db/noted.rs`).
pub struct Tx {
    on: On,
    answer: Duration,
    noted: Noted,
    later: Later,
    _holding: Holding,
}

enum On {
    Sqlite(Transaction<'static, Sqlite>),
    /// Until something is asked: what changes without a question is one statement, which is a transaction by itself.
    PostgresUnbegun(PgPool),
    Postgres(Transaction<'static, Postgres>),
    /// For reading: there each statement sees its own state anyway, so that beginning and ending would be messages for nothing.
    PostgresReading(PoolConnection<Postgres>),
}

/// Where a statement runs.
enum Connected<'a> {
    Sqlite(&'a mut SqliteConnection),
    Postgres(&'a mut PgConnection),
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

impl Sql {
    fn on(self, is_postgres: bool) -> &'static str {
        if is_postgres { self.postgres } else { self.sqlite }
    }
}

/// A connection that was not used for so long is asked whether it still is one.
const IDLE: Duration = Duration::from_secs(1);

/// How to reach the database: its address and the named limits of the config.
#[derive(Clone, Debug)]
pub struct Settings {
    pub url: String,
    pub max_connections: u32,
    pub acquire: Duration,
    /// How long one statement is waited for.
    pub answer: Duration,
}

impl Db {
    /// Changes are dated by this clock, which is set by the database's.
    pub async fn connect(settings: &Settings, clock: &Clock) -> Result<Db> {
        let db = Db::reach(settings, clock).await?;
        db.keep_time().await?;
        Ok(db)
    }

    async fn reach(settings: &Settings, clock: &Clock) -> Result<Db> {
        if settings.url.starts_with("postgres") {
            let options = PgConnectOptions::from_str(&settings.url).map_err(unusable)?.disable_statement_logging();
            let pool = PgPoolOptions::new()
                .max_connections(settings.max_connections)
                .acquire_timeout(settings.acquire)
                // The default asks before each use; one that was just used is not likely to have died since.
                .test_before_acquire(false)
                .before_acquire(|connection, use_of| {
                    Box::pin(async move {
                        if use_of.idle_for >= IDLE {
                            connection.ping().await?;
                        }
                        Ok(true)
                    })
                })
                .connect_with(options)
                .await
                .map_err(away)?;
            let aside =
                pool.options().clone().max_connections(ASIDE).connect_lazy_with((*pool.connect_options()).clone());
            return Ok(Db {
                pools: Pools::Postgres { pool, aside },
                is_aside: false,
                answer: settings.answer,
                written: Proof::default(),
                clock: clock.clone(),
            });
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
            // A commit that the disk refuses leaves sqlx in a transaction that SQLite has ended: such a connection serves nobody.
            .after_release(|connection, _| {
                Box::pin(async move {
                    if connection.is_in_transaction() {
                        connection.ping().await?;
                    }
                    Ok(!connection.is_in_transaction())
                })
            })
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
        let aside = read.options().clone().max_connections(ASIDE).connect_lazy_with((*read.connect_options()).clone());
        Ok(Db {
            pools: Pools::Sqlite { read, write, aside },
            is_aside: false,
            answer: settings.answer,
            written: Proof::default(),
            clock: clock.clone(),
        })
    }

    /// The same database by a few connections of their own, for what has to be read in the midst of a transaction: a second
    /// connection of the same pool might be one for which everybody waits.
    pub fn aside(&self) -> Db {
        let pools = match self.pools.clone() {
            Pools::Sqlite { write, aside, .. } => Pools::Sqlite { read: aside.clone(), write, aside },
            Pools::Postgres { aside, .. } => Pools::Postgres { pool: aside.clone(), aside },
        };
        Db { pools, is_aside: true, ..self.clone() }
    }

    /// A transaction that may write. On SQLite it takes the write lock at once: a deferred one fails when it upgrades.
    pub async fn write(&self) -> Result<Tx> {
        must_hold_none(self.pool(Pool::SqliteWrite));
        let on = match &self.pools {
            Pools::Sqlite { write, .. } => On::Sqlite(write.begin_with("BEGIN IMMEDIATE").await?),
            Pools::Postgres { pool, .. } => On::PostgresUnbegun(pool.clone()),
        };
        Ok(self.tx(on, Pool::SqliteWrite))
    }

    /// For reading alone: a change is refused.
    pub async fn read(&self) -> Result<Tx> {
        must_hold_none(self.pool(Pool::SqliteRead));
        let on = match &self.pools {
            Pools::Sqlite { read, .. } => On::Sqlite(read.begin().await?),
            Pools::Postgres { pool, .. } => On::PostgresReading(pool.acquire().await?),
        };
        Ok(self.tx(on, Pool::SqliteRead))
    }

    /// A transaction that reads one and the same state of everything until it ends.
    pub async fn snapshot(&self) -> Result<Tx> {
        must_hold_none(self.pool(Pool::SqliteRead));
        let on = match &self.pools {
            Pools::Sqlite { read, .. } => On::Sqlite(read.begin().await?),
            Pools::Postgres { pool, .. } => {
                On::Postgres(begin(pool, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", self.answer).await?)
            }
        };
        Ok(self.tx(on, Pool::SqliteRead))
    }

    fn tx(&self, on: On, pool: Pool) -> Tx {
        let _holding = Holding::of(self.pool(pool));
        Tx { on, answer: self.answer, noted: Noted::new(&self.clock), later: Later::default(), _holding }
    }

    /// PostgreSQL has one pool for reading and writing.
    fn pool(&self, sqlite: Pool) -> Pool {
        match sqlite {
            Pool::SqliteWrite if !self.is_postgres() => sqlite,
            _ if self.is_aside => Pool::Aside,
            _ if self.is_postgres() => Pool::Postgres,
            _ => sqlite,
        }
    }

    /// One statement in a transaction of its own.
    pub async fn execute(&self, sql: impl Into<Sql>, values: Vec<Value>) -> Result<u64> {
        let text = sql.into().on(self.is_postgres());
        // What leaves no note is a transaction by itself.
        if let (Pools::Postgres { pool, .. }, None) = (&self.pools, noted::noting(text)) {
            must_hold_none(self.pool(Pool::SqliteWrite));
            let statement = sqlx::query_with(text, postgres_arguments(values)?);
            return Ok(in_time(self.answer, statement.execute(pool)).await?.rows_affected());
        }
        let mut tx = self.write().await?;
        let changed = tx.execute(text, values).await?;
        tx.commit().await?;
        Ok(changed)
    }

    /// A single reading statement sees one state by itself: no transaction around it, which would cost PostgreSQL two more
    /// messages.
    pub async fn all<T: Row>(&self, sql: impl Into<Sql>, values: Vec<Value>) -> Result<Vec<T>> {
        let text = reading(sql.into().on(self.is_postgres()))?;
        must_hold_none(self.pool(Pool::SqliteRead));
        match &self.pools {
            Pools::Sqlite { read, .. } => {
                in_time(self.answer, sqlx::query_as_with(text, sqlite_arguments(values)?).fetch_all(read)).await
            }
            Pools::Postgres { pool, .. } => {
                in_time(self.answer, sqlx::query_as_with(text, postgres_arguments(values)?).fetch_all(pool)).await
            }
        }
    }

    pub async fn one<T: Row>(&self, sql: impl Into<Sql>, values: Vec<Value>) -> Result<Option<T>> {
        let text = reading(sql.into().on(self.is_postgres()))?;
        must_hold_none(self.pool(Pool::SqliteRead));
        match &self.pools {
            Pools::Sqlite { read, .. } => {
                in_time(self.answer, sqlx::query_as_with(text, sqlite_arguments(values)?).fetch_optional(read)).await
            }
            Pools::Postgres { pool, .. } => {
                in_time(self.answer, sqlx::query_as_with(text, postgres_arguments(values)?).fetch_optional(pool)).await
            }
        }
    }

    /// Whether the database answers and would take a change: where none was tried lately, one is made. A row that is set to
    /// what it is already would be written by SQLite nowhere.
    pub async fn must_take_writes(&self) -> Result<()> {
        const TRIAL: &str =
            "INSERT INTO throttle (name, failures, first_at, blocked_to) VALUES ('write-trial', 0, $1, 0)
            ON CONFLICT (name) DO UPDATE SET first_at = excluded.first_at";
        let trial = async { self.execute(TRIAL, params![self.clock.now()]).await.map(drop) };
        self.written.or_by(trial).await
    }

    pub async fn close(&self) {
        match &self.pools {
            Pools::Sqlite { read, write, aside } => {
                tokio::join!(read.close(), aside.close());
                write.close().await;
            }
            Pools::Postgres { pool, aside } => drop(tokio::join!(pool.close(), aside.close())),
        }
    }

    pub fn is_postgres(&self) -> bool {
        matches!(self.pools, Pools::Postgres { .. })
    }
}

impl Tx {
    /// The number of rows that changed.
    pub async fn execute(&mut self, sql: impl Into<Sql>, values: Vec<Value>) -> Result<u64> {
        let text = self.text(sql);
        let Some(noting) = noted::noting(text) else { return self.execute_unnoted(text, values).await };
        self.must_be_writing()?;
        let changed = self.rows(noting.text, values, noting.key_types).await?;
        let count = changed.len() as u64;
        self.noted.add(noting.table, changed);
        Ok(count)
    }

    /// Changes rows without a note for the records: what a full record will hold anyway.
    pub async fn execute_unnoted(&mut self, sql: impl Into<Sql>, values: Vec<Value>) -> Result<u64> {
        let text = self.text(sql);
        self.must_be_writing()?;
        let answer = self.answer;
        Ok(match self.connection().await? {
            Connected::Sqlite(on) => {
                in_time(answer, sqlx::query_with(text, sqlite_arguments(values)?).execute(on)).await?.rows_affected()
            }
            Connected::Postgres(on) => {
                in_time(answer, sqlx::query_with(text, postgres_arguments(values)?).execute(on)).await?.rows_affected()
            }
        })
    }

    pub async fn all<T: Row>(&mut self, sql: impl Into<Sql>, values: Vec<Value>) -> Result<Vec<T>> {
        let (text, answer) = (reading(self.text(sql))?, self.answer);
        match self.connection().await? {
            Connected::Sqlite(on) => {
                in_time(answer, sqlx::query_as_with(text, sqlite_arguments(values)?).fetch_all(on)).await
            }
            Connected::Postgres(on) => {
                in_time(answer, sqlx::query_as_with(text, postgres_arguments(values)?).fetch_all(on)).await
            }
        }
    }

    pub async fn one<T: Row>(&mut self, sql: impl Into<Sql>, values: Vec<Value>) -> Result<Option<T>> {
        let (text, answer) = (reading(self.text(sql))?, self.answer);
        match self.connection().await? {
            Connected::Sqlite(on) => {
                in_time(answer, sqlx::query_as_with(text, sqlite_arguments(values)?).fetch_optional(on)).await
            }
            Connected::Postgres(on) => {
                in_time(answer, sqlx::query_as_with(text, postgres_arguments(values)?).fetch_optional(on)).await
            }
        }
    }

    /// Rows whose columns are of these types, for what handles any table.
    pub(crate) async fn rows(
        &mut self,
        text: &'static str,
        values: Vec<Value>,
        types: &[Type],
    ) -> Result<Vec<Vec<Value>>> {
        let answer = self.answer;
        match self.connection().await? {
            Connected::Sqlite(on) => {
                let rows = in_time(answer, sqlx::query_with(text, sqlite_arguments(values)?).fetch_all(on)).await?;
                rows.iter().map(|row| table::values_of_sqlite(row, types)).collect()
            }
            Connected::Postgres(on) => {
                let rows = in_time(answer, sqlx::query_with(text, postgres_arguments(values)?).fetch_all(on)).await?;
                rows.iter().map(|row| table::values_of_postgres(row, types)).collect()
            }
        }
    }

    /// Returns when the change is durable. A transaction that is dropped instead is rolled back.
    pub async fn commit(mut self) -> Result<()> {
        if let Some((sql, values)) = self.noted.statement() {
            match self.on {
                On::Sqlite(_) => drop(self.execute_unnoted(sql, values).await?),
                _ => self.later.add(sql, values),
            }
        }
        if let On::PostgresUnbegun(pool) = &self.on {
            return together(&mut self.later, pool, self.answer).await;
        }
        self.connection().await?;
        match self.on {
            On::Sqlite(tx) => in_time(self.answer, tx.commit()).await,
            On::Postgres(tx) => in_time(self.answer, tx.commit()).await,
            On::PostgresUnbegun(_) | On::PostgresReading(_) => Ok(()),
        }
    }

    /// Where the next statement runs, with the transaction begun and what waited sent.
    async fn connection(&mut self) -> Result<Connected<'_>> {
        if let On::PostgresUnbegun(pool) = &self.on {
            self.on = On::Postgres(begin(pool, "BEGIN", self.answer).await?);
        }
        Ok(match &mut self.on {
            On::Sqlite(tx) => Connected::Sqlite(tx),
            On::Postgres(tx) => {
                together(&mut self.later, &mut **tx, self.answer).await?;
                Connected::Postgres(tx)
            }
            On::PostgresReading(connection) => Connected::Postgres(connection),
            On::PostgresUnbegun(_) => return Err(Error::internal("a transaction that was begun is not")),
        })
    }

    fn text(&self, sql: impl Into<Sql>) -> &'static str {
        sql.into().on(!matches!(self.on, On::Sqlite(_)))
    }

    /// SQLite's reading connections refuse by themselves.
    fn must_be_writing(&self) -> Result<()> {
        match self.on {
            On::PostgresReading(_) => Err(Error::internal("a change in a transaction that was opened for reading")),
            On::Sqlite(_) | On::Postgres(_) | On::PostgresUnbegun(_) => Ok(()),
        }
    }
}

/// A database that says nothing is away: nobody waits for it without end.
async fn in_time<T>(
    answer: Duration,
    statement: impl Future<Output = std::result::Result<T, sqlx::Error>>,
) -> Result<T> {
    match tokio::time::timeout(answer, statement).await {
        Ok(done) => Ok(done?),
        Err(late) => Err(away(sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, late)))),
    }
}

/// A caller who goes away while BEGIN is under way would leave a connection to the others that is in a transaction of which
/// sqlx knows nothing. So that is waited for, whoever still wants it; a transaction that nobody takes is rolled back.
async fn begin(pool: &PgPool, statement: &'static str, answer: Duration) -> Result<Transaction<'static, Postgres>> {
    let pool = pool.clone();
    let begun = tokio::spawn(async move { pool.begin_with(statement).await });
    in_time(answer, async { begun.await.unwrap_or_else(|_| Err(sqlx::Error::PoolClosed)) }).await
}

/// A statement that changes a recorded table and gives rows of its own choice would change it unnoted.
fn reading(text: &'static str) -> Result<&'static str> {
    if noted::noting(text).is_some() {
        return Err(Error::internal("a recorded table is changed by `execute` only, so that the change is noted"));
    }
    Ok(text)
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
            "Tempat basis data penuh atau rusak. Belum ada yang tersimpan; hubungi operator, lalu coba lagi.",
            "The database's disk is full or failing. Nothing was stored; tell the operator, then try again.",
        ),
    )
    .because(cause)
}

fn unwritable(cause: sqlx::Error) -> Error {
    Error::unavailable(
        "database-unwritable",
        say(
            "Basis data sedang tidak menerima perubahan. Belum ada yang tersimpan; hubungi operator, lalu coba lagi.",
            "The database takes no changes now. Nothing was stored; tell the operator, then try again.",
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
            sqlx::Error::Database(fault) if is_unwritable(fault.code().as_deref()) => unwritable(cause),
            sqlx::Error::Database(fault) if is_passing(fault.code().as_deref()) => away(cause),
            _ => Error::internal(cause),
        }
    }
}

/// PostgreSQL disk_full; SQLite full (13), and its log or shared memory that could not grow (778, 4874).
fn is_full(code: Option<&str>) -> bool {
    code.is_some_and(|code| ["53100", "13", "778", "4874"].contains(&code))
}

/// PostgreSQL read_only_sql_transaction (a replica, or an operator's order) and io_error; SQLite read-only (8) and failing (10)
/// with all that they stand for.
fn is_unwritable(code: Option<&str>) -> bool {
    code.is_some_and(|code| match code {
        "25006" | "58030" => true,
        _ => code.len() < 5 && code.parse::<u32>().is_ok_and(|code| [8, 10].contains(&(code & 0xff))),
    })
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
    fault(error).is_some_and(|fault| fault.is_unique_violation())
}

fn has_code(error: &Error, code: &str) -> bool {
    fault(error).is_some_and(|fault| fault.code().as_deref() == Some(code))
}

/// What the database itself said.
fn fault(error: &Error) -> Option<&dyn sqlx::error::DatabaseError> {
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        if let Some(sqlx::Error::Database(fault)) = cause.downcast_ref::<sqlx::Error>() {
            return Some(&**fault);
        }
        next = cause.source();
    }
    None
}
