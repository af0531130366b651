//! Blobs are copied for a new recovery recipient: the new object first, then the row and its keys in one transaction, which
//! also discards the former object: it goes later, when nobody reads it any more.

use futures_util::StreamExt;
use uuid::Uuid;

use super::{Ingest, sql};
use crate::{
    blob::ObjectName,
    crash::{Point, point},
    error::{Error, Result},
    id::{BlobId, OfficeId},
    seal::{self, ObjectKey, RecoveryRecipient},
    vault,
};

impl Ingest {
    /// Copies the next blobs that name a former recipient; the last that was looked at, none when there was none. One that
    /// cannot be copied stays, is told in the log and counted.
    pub async fn copy_for_recovery(&self, after: Uuid, limit: i64) -> Result<Option<Uuid>> {
        let Some(recovery) = self.recovery.now() else { return Ok(None) };
        let rows = sql::blobs_of_former_recovery(&self.db, recovery.generation(), after, limit).await?;
        let last = rows.last().map(|(id, _)| *id);
        for (id, object) in rows {
            if let Err(cause) = self.copy_blob(BlobId(id), &object, &recovery).await {
                tracing::warn!(blob = %BlobId(id), cause = %cause.chain(), "not copied for the new recovery key");
            }
        }
        Ok(last)
    }

    async fn copy_blob(&self, blob: BlobId, object: &str, recovery: &RecoveryRecipient) -> Result<()> {
        let name: ObjectName = object.parse()?;
        let keys = sql::keys_of(&mut self.db.read().await?, blob).await?;
        let first = keys.first().ok_or_else(|| Error::internal("a blob without a key"))?;
        let bytes = self.keys.unwrap_for(OfficeId(first.office), blob, first.version, &first.wrapped).await?;
        let key = ObjectKey::from_bytes(&bytes)?;
        let stored = self.store.get(&name, None).await?.stream.boxed();
        let limits = seal::Limits {
            max_plain: u64::MAX,
            spool_memory: self.limits.spool_memory_bytes,
            spool_folder: self.limits.spool.clone(),
        };
        let (sealed, body) = seal::copy_for(&name, &key, recovery, stored, &limits).await?;
        let copy = sealed.name.to_string();
        vault::announce_copy(&self.db, &self.clock, &copy).await?;
        self.store.put(&sealed.name, &body).await?;
        point(Point::CopyStored);
        let mut tx = self.db.write().await?;
        if !sql::exchange_object(&mut tx, blob, object, &sealed).await? {
            return Ok(());
        }
        for row in sql::keys_of(&mut tx, blob).await? {
            let (version, wrapped) = self.keys.wrap_for(OfficeId(row.office), blob, &sealed.key.to_bytes()).await?;
            sql::set_key(&mut tx, blob, OfficeId(row.office), version, &wrapped).await?;
        }
        vault::exchange_for_copy(&mut tx, &self.clock, object, &copy).await?;
        tx.commit().await?;
        point(Point::CopyCommitted);
        Ok(())
    }
}
