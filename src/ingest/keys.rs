//! The keys of blobs: wrapped anew when an office's key is rotated, and forgotten when a document is destroyed. The object
//! itself is never rewritten.

use uuid::Uuid;

use super::sql;
use crate::{
    db::{self, Table, Tx, Value},
    error::{Error, Result},
    id::{BlobId, OfficeId},
    office::OfficeKeys,
};

/// Where a rotation has come to: the key row after which it goes on.
pub type Place = (Uuid, Uuid);

/// Wraps the next `limit` key rows under the newest version of their office's key; gives how many were looked at and the
/// last of them. Rows of a record are not noted: the former version stays in the records until a full one.
pub async fn rewrap_keys(tx: &mut Tx, keys: &OfficeKeys, after: Place, limit: i64) -> Result<(usize, Option<Place>)> {
    let table = key_table(tx).await?;
    let rows = sql::keys_after(tx, after, limit).await?;
    let last = rows.last().map(|row| (row.blob, row.office));
    let looked_at = rows.len();
    let mut wrapped = Vec::with_capacity(rows.len());
    for row in rows {
        let (office, blob) = (OfficeId(row.office), BlobId(row.blob));
        if keys.newest_version(office).await? <= row.version {
            continue;
        }
        let key = keys.unwrap_for(office, blob, row.version, &row.wrapped).await?;
        let (version, anew) = keys.wrap_for(office, blob, &key).await?;
        wrapped.push(vec![Value::from(row.blob), row.office.into(), version.into(), anew.into()]);
    }
    table.update(tx, &wrapped).await?;
    Ok((looked_at, last))
}

/// Destroys a blob by its keys: without these rows its object opens for nobody but the holder of the recovery identity.
/// The number of offices that could open it.
pub async fn forget_keys(tx: &mut Tx, blob: BlobId) -> Result<u64> {
    sql::delete_keys(tx, blob).await
}

async fn key_table(tx: &mut Tx) -> Result<Table> {
    let columns = ["blob", "office", "version", "wrapped"].map(str::to_owned);
    let found = db::tables(tx).await?.into_iter().find(|table| table.name == "blob_key");
    found
        .and_then(|table| table.narrowed(&columns))
        .ok_or_else(|| Error::internal("blob_key has other columns than this program knows"))
}
