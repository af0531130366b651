//! Derivations are copied for a new recovery recipient, as blobs are.

use futures_util::StreamExt;

use super::{
    Shelf,
    derived::{named_context, wrapping_key},
    original::named,
    sql,
};
use crate::{
    crash::{Point, point},
    error::Result,
    id::{OfficeId, VersionId},
    seal::{self, ObjectKey, RecoveryRecipient},
    vault,
};

/// Where the copying has come to.
pub type Place = (uuid::Uuid, String, i64);

impl Shelf {
    /// The next derivations that name a former recipient; the last that was looked at.
    pub async fn copy_for_recovery(&self, after: &Place, limit: i64) -> Result<Option<Place>> {
        let Some(recovery) = self.recovery.now() else { return Ok(None) };
        let rows = sql::of_former_recovery(&self.db, recovery.generation(), after, limit).await?;
        let last = rows.last().map(|row| (row.version, row.kind.clone(), row.page));
        for row in rows {
            if let Err(cause) = self.copy_derived(&row, &recovery).await {
                let version = VersionId(row.version);
                tracing::warn!(%version, cause = %cause.chain(), "not copied for the new recovery key");
            }
        }
        Ok(last)
    }

    async fn copy_derived(&self, row: &sql::FormerRow, recovery: &RecoveryRecipient) -> Result<()> {
        let wrapping = wrapping_key(&self.key_of(row.blob, OfficeId(row.office)).await?);
        let context = named_context(VersionId(row.version), &row.kind, row.page);
        let key = ObjectKey::from_bytes(&seal::unwrap(&wrapping, &context, &row.wrapped)?)?;
        let name = named(&row.object)?;
        let stored = self.store.get(&name, None).await?.stream.boxed();
        // What is derived is small; it never goes to the disk.
        let limits = seal::Limits { max_plain: u64::MAX, spool_memory: usize::MAX, spool_folder: Default::default() };
        let (sealed, body) = seal::copy_for(&name, &key, recovery, stored, &limits).await?;
        let copy = sealed.name.to_string();
        vault::announce_copy(&self.db, &self.clock, &copy).await?;
        self.store.put(&sealed.name, &body).await?;
        point(Point::CopyStored);
        let wrapped = seal::wrap(&wrapping, &context, &sealed.key.to_bytes());
        let mut tx = self.db.write().await?;
        if !sql::exchange_derived(&mut tx, row, &sealed, &wrapped).await? {
            return Ok(());
        }
        vault::exchange_for_copy(&mut tx, &self.clock, &row.object, &copy).await?;
        tx.commit().await?;
        point(Point::CopyCommitted);
        Ok(())
    }
}

/// Objects that a former recovery identity still opens.
pub async fn opened_by_former(db: &crate::db::Db, generation: i64) -> Result<i64> {
    sql::count_of_former(db, generation).await
}
