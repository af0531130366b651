//! How much an office keeps and may keep. What is under way at the same moment is not counted: a quota holds to within the
//! uploads that run beside each other.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Ingest, sql};
use crate::{
    db::Db,
    error::{Error, Kind, Result, say},
    id::OfficeId,
};

/// From this share on the office is told.
const NEARLY: u64 = 80;

/// The originals of an office: equal files count once, the trash counts until it is emptied.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Room {
    pub used_bytes: u64,
    /// Absent where no quota applies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota_bytes: Option<u64>,
}

impl Room {
    pub fn is_nearly_full(&self) -> bool {
        self.quota_bytes.is_some_and(|quota| self.used_bytes.saturating_mul(100) >= quota.saturating_mul(NEARLY))
    }

    fn has_room_for(&self, bytes: u64) -> bool {
        self.quota_bytes.is_none_or(|quota| self.used_bytes.saturating_add(bytes) <= quota)
    }
}

impl Ingest {
    pub async fn room(&self, office: OfficeId) -> Result<Room> {
        let own = sql::quota(&self.db, office).await?;
        let used = sql::used(&self.db, office).await?;
        Ok(Room { used_bytes: used, quota_bytes: own.or(self.limits.office_bytes) })
    }

    /// Refuses what would not fit, before it is kept; the quota, if there is one. Adding up costs something: only then.
    /// `told` is the office's own rule where it is known.
    pub(super) async fn must_have_room(
        &self,
        office: OfficeId,
        told: Option<Option<u64>>,
        bytes: u64,
    ) -> Result<Option<u64>> {
        let own = match told {
            Some(own) => own,
            None => sql::quota(&self.db, office).await?,
        };
        let Some(quota) = own.or(self.limits.office_bytes) else { return Ok(None) };
        let room = Room { used_bytes: sql::used(&self.db, office).await?, quota_bytes: Some(quota) };
        if room.has_room_for(bytes) { Ok(Some(quota)) } else { Err(office_full(room.used_bytes, quota)) }
    }
}

/// An office whose room is nearly used up.
#[derive(Debug, Serialize)]
pub struct NearlyFull {
    pub code: String,
    pub name: String,
    #[serde(flatten)]
    pub room: Room,
}

/// Every office that is told already, for the operator. `common` is the quota of offices without one of their own.
pub async fn nearly_full(db: &Db, common: Option<u64>) -> Result<Vec<NearlyFull>> {
    let rows = sql::used_by_offices(db, common.is_some()).await?.into_iter();
    let all = rows.map(|(code, name, used, own)| {
        let own = own.and_then(|quota| u64::try_from(quota).ok());
        let room = Room { used_bytes: used.unsigned_abs(), quota_bytes: own.or(common) };
        NearlyFull { code, name, room }
    });
    Ok(all.filter(|office| office.room.is_nearly_full()).collect())
}

fn office_full(used: u64, quota: u64) -> Error {
    let megabytes = |bytes: u64| format!("{:.1}", bytes as f64 / 1e6);
    let (used, quota) = (megabytes(used), megabytes(quota));
    Error::new(
        Kind::TooLarge,
        "office-full",
        say(
            format!(
                "Ruang arsip kantor ini tidak cukup: terpakai {} dari {} MB. Kosongkan tempat sampah, atau minta operator menambah kuota.",
                used.replace('.', ","),
                quota.replace('.', ",")
            ),
            format!(
                "This office has no room left for that: {used} of {quota} MB are used. Empty the trash, or ask the operator for more."
            ),
        ),
    )
}
