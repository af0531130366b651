//! Applies `schema/*.sql` in order at start. Each file is applied once and remembered with its checksum; a file that
//! changed afterwards stops the start with words that say so. So does a database that has gone too far ahead: each file
//! says which older programs still run beside it, and the database remembers the strictest word as `min_program`.

use sha2::{Digest, Sha256};

use super::{Connected, Db, Tx, params, set_installation};
use crate::{
    clock::Clock,
    error::{Error, Kind, Result, say},
};

/// One numbered file of `schema/`.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    pub number: i64,
    pub name: &'static str,
    /// A program whose newest file has this number, or a later one, still runs on a database that has this file.
    pub runs_with: i64,
    pub sql: &'static str,
}

/// Under this name the database remembers the oldest schema number whose programs may still run on it.
const MIN_PROGRAM: &str = "min_program";

const GROUND: &str = "CREATE TABLE IF NOT EXISTS schema_migration (
    number     BIGINT NOT NULL PRIMARY KEY,
    name       TEXT   NOT NULL,
    checksum   TEXT   NOT NULL,
    applied_at BIGINT NOT NULL
)";

/// Two nodes may start at once: on PostgreSQL an advisory lock lets one of them migrate and the other wait.
const LOCK: super::Sql = super::Sql { sqlite: "SELECT 1", postgres: "SELECT pg_advisory_xact_lock(7262519)" };

pub async fn migrate(db: &Db, migrations: &[Migration], clock: &Clock) -> Result<()> {
    let mut tx = db.write().await?;
    tx.execute(LOCK, params![]).await?;
    tx.execute(GROUND, params![]).await?;
    let done: Vec<(i64, String)> =
        tx.all("SELECT number, checksum FROM schema_migration ORDER BY number", params![]).await?;
    if refuse_too_old(&mut tx, &done, migrations).await? == Standing::Older {
        tracing::warn!("a newer Lumbung has used this database; this one may still run beside it");
    }
    for migration in migrations {
        let checksum = checksum(migration.sql);
        match done.iter().find(|(number, _)| *number == migration.number) {
            Some((_, applied)) if *applied == checksum => {}
            Some(_) => return Err(changed(migration)),
            None => apply(&mut tx, migration, &checksum, clock).await?,
        }
    }
    raise_min_program(&mut tx, migrations).await?;
    tx.commit().await
}

async fn apply(tx: &mut Tx, migration: &Migration, checksum: &str, clock: &Clock) -> Result<()> {
    tx.script(migration.sql).await?;
    tx.execute(
        "INSERT INTO schema_migration (number, name, checksum, applied_at) VALUES ($1, $2, $3, $4)",
        params![migration.number, migration.name, checksum, clock.now()],
    )
    .await
    .map(drop)
}

impl Tx {
    /// Several statements inside this transaction; for the schema only.
    async fn script(&mut self, script: &'static str) -> Result<()> {
        match self.connection().await? {
            Connected::Sqlite(on) => sqlx::raw_sql(script).execute(on).await.map(drop)?,
            Connected::Postgres(on) => sqlx::raw_sql(script).execute(on).await.map(drop)?,
        }
        Ok(())
    }
}

fn checksum(sql: &str) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(sql))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Newest,
    /// The database has files that this program does not know, all of which let it run.
    Older,
}

async fn refuse_too_old(tx: &mut Tx, done: &[(i64, String)], known: &[Migration]) -> Result<Standing> {
    let newest = known.iter().map(|migration| migration.number).max().unwrap_or(0);
    let theirs = done.iter().map(|(number, _)| *number).max().unwrap_or(0);
    if theirs <= newest {
        return Ok(Standing::Newest);
    }
    // A database that does not say what it allows allows nothing.
    let needed = min_program(tx).await?.unwrap_or(theirs);
    if newest >= needed { Ok(Standing::Older) } else { Err(too_old(theirs, needed, newest)) }
}

async fn min_program(tx: &mut Tx) -> Result<Option<i64>> {
    let row: Option<(String,)> = tx.one("SELECT value FROM installation WHERE name = $1", params![MIN_PROGRAM]).await?;
    row.map(|(value,)| value.parse::<i64>().map_err(Error::internal)).transpose()
}

/// It only ever rises: an older program that starts beside a newer one must not open the door again.
async fn raise_min_program(tx: &mut Tx, migrations: &[Migration]) -> Result<()> {
    let needed = migrations.iter().map(|migration| migration.runs_with).max().unwrap_or(0);
    if min_program(tx).await?.is_none_or(|stored| stored < needed) {
        set_installation(tx, MIN_PROGRAM, &needed.to_string()).await?;
    }
    Ok(())
}

fn too_old(theirs: i64, needed: i64, newest: i64) -> Error {
    Error::new(
        Kind::Conflict,
        "program-too-old",
        say(
            format!(
                "Basis data ini sudah dipakai Lumbung yang lebih baru (skema {theirs}) dan memerlukan program yang mengenal skema {needed}; program ini mengenal {newest}. Pasang versi yang lebih baru."
            ),
            format!(
                "This database was used by a newer Lumbung (schema {theirs}) and needs a program that knows schema {needed}; this program knows {newest}. Install the newer version."
            ),
        ),
    )
}

fn changed(migration: &Migration) -> Error {
    let Migration { number, name, .. } = migration;
    Error::new(
        Kind::Conflict,
        "schema-changed",
        say(
            format!(
                "Berkas skema {number} ({name}) berbeda dari yang pernah diterapkan. Pakai program yang sama dengan sebelumnya."
            ),
            format!(
                "Schema file {number} ({name}) differs from the one applied earlier. Use the program it came with."
            ),
        ),
    )
}
