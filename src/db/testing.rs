//! An empty, migrated database for one test: SQLite in a temporary folder, or a database of its own on the PostgreSQL
//! server that `LUMBUNG_TEST_POSTGRES` names. The same tests run on both.

use std::time::Duration;

use tempfile::TempDir;

use super::{Db, MIGRATIONS, Settings, migrate};
use crate::{clock::Clock, id};

pub(crate) async fn fresh() -> (Db, Clock, TempDir) {
    let (settings, dir) = empty().await;
    let clock = Clock::default();
    let db = Db::connect(&settings, &clock).await.expect("connects");
    migrate(&db, MIGRATIONS, &clock).await.expect("migrates");
    (db, clock, dir)
}

/// Where an empty database is that has no schema yet.
pub(super) async fn empty() -> (Settings, TempDir) {
    let dir = TempDir::new().expect("a temporary folder");
    let url = match std::env::var("LUMBUNG_TEST_POSTGRES") {
        Ok(server) => own_database(&server).await,
        Err(_) => format!("sqlite:{}", dir.path().join("test.db").display()),
    };
    (Settings { url, max_connections: 4, acquire: Duration::from_secs(10), answer: Duration::from_secs(60) }, dir)
}

async fn own_database(server: &str) -> String {
    let name = format!("t_{}", id::to_letters(&id::random::<10>()));
    let pool = sqlx::PgPool::connect(server).await.expect("the PostgreSQL server answers");
    let statement = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::query(statement).execute(&pool).await.expect("may create databases");
    pool.close().await;
    let (base, _) = server.rsplit_once('/').expect("postgres://user@host:port/name");
    format!("{base}/{name}")
}
