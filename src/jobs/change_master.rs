//! The database goes over to the new master key, in one transaction: whatever the master key wraps is wrapped anew. Every
//! server must have been restarted with the file of both keys before; each opens with either from then on.

use serde::{Deserialize, Serialize};

use super::end;
use crate::{
    account,
    app::App,
    audit::{self, Entry, Origin, Who},
    crash::{Point, point},
    db::params,
    error::{Error, Kind, Result, say},
    office::keys,
    queue::{Claimed, Job},
    record,
    seal::MasterKey,
};

#[derive(Debug, Serialize, Deserialize)]
pub struct ChangeMaster {
    /// The fingerprint of the key that is to be in force.
    pub to: String,
}

impl Job for ChangeMaster {
    const KIND: &'static str = "change_master";
}

pub async fn run(app: &App, job: &Claimed, payload: ChangeMaster) -> Result<()> {
    let to = app.master.other().filter(|other| other.fingerprint() == payload.to);
    let mut tx = app.db.write().await?;
    if app.master.fingerprint() == payload.to {
        return end(app, tx, job).await;
    }
    let to = to.ok_or_else(not_loaded)?;
    let changed = tx
        .execute(
            "UPDATE installation SET value = $2 WHERE name = 'master_fingerprint' AND value = $1",
            params![app.master.fingerprint(), payload.to.as_str()],
        )
        .await?;
    if changed == 1 {
        rewrap(&mut tx, &to).await?;
        // Kept answers of repeated requests, a day's worth, were sealed under the former key.
        tx.execute("DELETE FROM idempotency WHERE answer IS NOT NULL", params![]).await?;
        record::ask_for_full(&mut tx).await?;
        let entry = Entry {
            who: Who::Machine,
            office: None,
            action: "key.master.change",
            object: None,
            result: "ok",
            origin: &Origin::machine(),
            detail: serde_json::json!({}),
        };
        audit::record(&mut tx, &app.clock, entry).await?;
        point(Point::MasterChanged);
    }
    end(app, tx, job).await
}

/// Wraps under the key in force whatever opens with either; the number of rows.
pub async fn rewrap(tx: &mut crate::db::Tx, master: &MasterKey) -> Result<u64> {
    Ok(keys::rewrap(tx, master).await? + account::rewrap_totp(tx, master).await?)
}

fn not_loaded() -> Error {
    Error::new(
        // Waited for, however long: the operator restarts the servers one after another.
        Kind::Unavailable,
        "master-not-loaded",
        say(
            "Peladen ini belum memuat kunci induk baru. Mulai ulang peladen dengan berkas yang berisi dua kunci.",
            "This server has not loaded the new master key. Restart it with the file that holds both keys.",
        ),
    )
}
