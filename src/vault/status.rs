//! The state of the vault in figures; no names, because anybody may ask.

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Vault,
    rolling::{self, VERIFY},
    sql,
    sweep::{self, SWEEP},
};
use crate::{blob::Protection, clock::Time, error::Result};

/// Whether what was acknowledged is at risk.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct VaultStatus {
    pub sweep: SweepStatus,
    pub verify: VerifyStatus,
    /// Absent where no mirror is configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirror: Option<MirrorStatus>,
    /// Whether the store keeps former versions; absent where it did not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub versioned: Option<bool>,
    /// Days for which nobody can delete an object from the store; 0 for none.
    pub object_lock_days: u32,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SweepStatus {
    #[schema(value_type = Option<String>, format = DateTime)]
    pub swept_at: Option<Time>,
    /// Since when sweeps break off because the store does not list.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub failing_since: Option<Time>,
    /// True: too many objects are named by nothing. Nothing is deleted until `lumbung sweep --confirm`.
    pub stopped: bool,
    pub objects: u64,
    pub orphans: u64,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct VerifyStatus {
    /// Damaged or missing objects that are not mended. `lumbung verify` names them.
    pub findings: i64,
    /// When every object had been looked at last.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub round_ended_at: Option<Time>,
    /// Objects and bytes of the round that goes on.
    pub checked: u64,
    pub bytes: u64,
    /// Days that a round takes within `verify.bytes_per_hour`, where these are more than `verify.within_days`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub too_slow_days: Option<u64>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MirrorStatus {
    /// Objects that are not copied yet.
    pub waiting: i64,
    /// For how long the oldest of them has waited.
    pub lag_seconds: u64,
}

impl Vault {
    pub async fn status(&self) -> Result<VaultStatus> {
        let swept: sweep::Memory = self.remembered(SWEEP).await?;
        let round: rolling::Memory = self.remembered(VERIFY).await?;
        let Protection { versioned, lock_days } = self.protection().await;
        Ok(VaultStatus {
            sweep: SweepStatus {
                swept_at: swept.swept_at,
                failing_since: swept.failing_since,
                stopped: swept.last.stopped.is_some(),
                objects: swept.last.objects,
                orphans: swept.last.orphans,
            },
            verify: VerifyStatus {
                findings: sql::findings(&self.db).await?,
                round_ended_at: round.ended_at,
                checked: round.checked,
                bytes: round.bytes,
                too_slow_days: self.too_slow(round.total),
            },
            mirror: if self.has_mirror() { Some(self.lag().await?) } else { None },
            versioned,
            object_lock_days: lock_days,
        })
    }

    async fn lag(&self) -> Result<MirrorStatus> {
        let (waiting, since) = sql::mirror_lag(&self.db).await?;
        let lag_seconds = since.map_or(0, |since| self.clock.now().since(Time(since)).as_secs());
        Ok(MirrorStatus { waiting, lag_seconds })
    }

    fn too_slow(&self, total: u64) -> Option<u64> {
        let days = total.div_ceil(self.settings.bytes_per_hour.saturating_mul(24).max(1));
        (self.settings.rolling && days > self.settings.within.as_secs() / 86_400).then_some(days)
    }

    /// A store that hangs must not hold up whoever asks how things are.
    async fn protection(&self) -> Protection {
        let asked = tokio::time::timeout(Duration::from_secs(3), self.store.protection()).await;
        asked.unwrap_or_default()
    }
}
