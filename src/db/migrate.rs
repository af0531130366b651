//! Applies `schema/*.sql` in order at start. Each file is applied once and remembered with its checksum; a file that
//! changed afterwards, or a database that a newer program has written, stops the start with words that say so.

use sha2::{Digest, Sha256};

use super::{Db, On, Tx, params};
use crate::{
    clock::Clock,
    error::{Error, Kind, Result, say},
};

/// One numbered file of `schema/`.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    pub number: i64,
    pub name: &'static str,
    pub sql: &'static str,
}

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
    refuse_newer(&done, migrations)?;
    for migration in migrations {
        let checksum = checksum(migration.sql);
        match done.iter().find(|(number, _)| *number == migration.number) {
            Some((_, applied)) if *applied == checksum => {}
            Some(_) => return Err(changed(migration)),
            None => apply(&mut tx, migration, &checksum, clock).await?,
        }
    }
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
        match &mut self.on {
            On::Sqlite(tx) => sqlx::raw_sql(script).execute(&mut **tx).await.map(drop)?,
            On::Postgres(tx) => sqlx::raw_sql(script).execute(&mut **tx).await.map(drop)?,
        }
        Ok(())
    }
}

fn checksum(sql: &str) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(sql))
}

fn refuse_newer(done: &[(i64, String)], known: &[Migration]) -> Result<()> {
    let newest = known.last().map_or(0, |migration| migration.number);
    match done.iter().map(|(number, _)| *number).max() {
        Some(theirs) if theirs > newest => Err(Error::new(
            Kind::Conflict,
            "program-too-old",
            say(
                format!(
                    "Basis data ini sudah dipakai Lumbung yang lebih baru (skema {theirs}; program ini mengenal {newest}). Pasang versi yang lebih baru."
                ),
                format!(
                    "This database was used by a newer Lumbung (schema {theirs}; this program knows {newest}). Install the newer version."
                ),
            ),
        )),
        _ => Ok(()),
    }
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
