//! Blobs are copied for a new recovery recipient: the new object first, then the row and its keys in one transaction. The
//! former object goes later, when nobody reads it any more.

use futures_util::StreamExt;
use uuid::Uuid;

use super::{Ingest, sql};
use crate::{
    blob::ObjectName,
    error::{Error, Result},
    id::{BlobId, OfficeId},
    seal::{self, ObjectKey, RecoveryRecipient},
};

/// What one step has done.
#[derive(Debug)]
pub struct Copied<P> {
    /// The last row that was looked at; none when there was none.
    pub last: Option<P>,
    /// Objects that nothing names any more.
    pub former: Vec<String>,
}

impl Ingest {
    /// Copies the next blobs that name a former recipient. One that cannot be copied stays, is told in the log and counted.
    pub async fn copy_for_recovery(&self, after: Uuid, limit: i64) -> Result<Copied<Uuid>> {
        let Some(recovery) = self.recovery.now() else { return Ok(Copied { last: None, former: Vec::new() }) };
        let rows = sql::blobs_of_former_recovery(&self.db, recovery.generation(), after, limit).await?;
        let last = rows.last().map(|(id, _)| *id);
        let mut former = Vec::new();
        for (id, object) in rows {
            match self.copy_blob(BlobId(id), &object, &recovery).await {
                Ok(true) => former.push(object),
                Ok(false) => {}
                Err(cause) => {
                    tracing::warn!(blob = %BlobId(id), cause = %cause.chain(), "not copied for the new recovery key")
                }
            }
        }
        Ok(Copied { last, former })
    }

    async fn copy_blob(&self, blob: BlobId, object: &str, recovery: &RecoveryRecipient) -> Result<bool> {
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
        self.store.put(&sealed.name, &body).await?;
        let mut tx = self.db.write().await?;
        if !sql::exchange_object(&mut tx, blob, object, &sealed).await? {
            drop(tx);
            self.store.delete(&sealed.name).await?;
            return Ok(false);
        }
        for row in sql::keys_of(&mut tx, blob).await? {
            let (version, wrapped) = self.keys.wrap_for(OfficeId(row.office), blob, &sealed.key.to_bytes()).await?;
            sql::set_key(&mut tx, blob, OfficeId(row.office), version, &wrapped).await?;
        }
        tx.commit().await?;
        Ok(true)
    }
}
