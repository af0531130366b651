//! A few facts about the installation that must be known before anything else: whose key it is, who may recover it.

use super::{Db, Tx, params};
use crate::error::Result;

pub async fn installation(db: &Db, name: &str) -> Result<Option<String>> {
    let row: Option<(String,)> = db.one("SELECT value FROM installation WHERE name = $1", params![name]).await?;
    Ok(row.map(|(value,)| value))
}

pub async fn set_installation(tx: &mut Tx, name: &str, value: &str) -> Result<()> {
    tx.execute(
        "INSERT INTO installation (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        params![name, value],
    )
    .await
    .map(drop)
}
