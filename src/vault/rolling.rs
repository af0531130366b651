//! Rolling verification: the store is read little by little, within a budget, so that every object is compared with its name
//! within `verify.within_days`. It goes on where it was, on whichever node has the turn.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    Place, Vault,
    check::{Depth, Expected},
    chore::Turn,
    sql,
};
use crate::{blob::Prefix, clock::Time, error::Result, id::DocumentId};

pub(super) const VERIFY: &str = "verify";
/// Time that a stopped server owes is not caught up in one go.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
const HOUR: u128 = 3_600_000;

/// Where the round is, and how the last one ended.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Memory {
    /// The part that is next, and the last object of it that was looked at.
    pub part: u8,
    pub after: String,
    pub began_at: Option<Time>,
    /// When the last whole round ended.
    pub ended_at: Option<Time>,
    pub stepped_at: Option<Time>,
    /// Bytes that may be read; below zero after a large object.
    pub credit: i64,
    pub checked: u64,
    pub bytes: u64,
    /// What a round has to read, as of its beginning.
    pub total: u64,
}

impl Vault {
    /// Looks at as much as the time since the last step allows. Returns how many objects.
    pub async fn verify_step(&self) -> Result<u64> {
        if !self.settings.rolling {
            return Ok(0);
        }
        let Some((turn, mut memory)) = self.take_turn::<Memory>(VERIFY, false).await? else { return Ok(0) };
        let outcome = self.while_kept(&turn, self.step(&turn, &mut memory)).await;
        // What was looked at counts, even where the store then stopped answering.
        self.end_turn(turn, &memory, self.clock.now()).await?;
        outcome
    }

    async fn step(&self, turn: &Turn, memory: &mut Memory) -> Result<u64> {
        let now = self.clock.now();
        if memory.began_at.is_none() {
            memory.total = sql::total_bytes(&self.db).await?;
            (memory.began_at, memory.checked, memory.bytes) = (Some(now), 0, 0);
        }
        memory.credit = memory.credit.saturating_add(self.earned(memory, now));
        memory.stepped_at = Some(now);
        let mut looked = 0;
        loop {
            let prefix = Prefix::ObjectsUnder(memory.part);
            let mut expected = sql::expected(&self.db, &prefix.to_string()).await?;
            // Their names come after those of all objects.
            if memory.part == u8::MAX {
                expected.extend(sql::expected_records(&self.db).await?);
            }
            for object in &expected {
                if object.object <= memory.after {
                    continue;
                }
                if memory.credit <= 0 {
                    return Ok(looked);
                }
                self.inspect(object).await?;
                memory.after.clone_from(&object.object);
                memory.checked += 1;
                memory.bytes += object.size;
                looked += 1;
                memory.credit -= i64::try_from(object.size).unwrap_or(i64::MAX);
            }
            memory.after.clear();
            self.keep_turn(turn).await?;
            let Some(next) = memory.part.checked_add(1) else { break };
            memory.part = next;
        }
        sql::drop_idle_findings(&self.db).await?;
        (memory.part, memory.began_at, memory.ended_at) = (0, None, Some(self.clock.now()));
        Ok(looked)
    }

    /// Bytes for the time since the last step: the pace that ends a round in time, within the ceiling.
    fn earned(&self, memory: &Memory, now: Time) -> i64 {
        let since = memory.stepped_at.map_or(Duration::ZERO, |at| now.since(at)).min(LONGEST).as_millis();
        let needed = u128::from(memory.total) * since / self.settings.within.as_millis().max(1);
        let most = u128::from(self.settings.bytes_per_hour) * since / HOUR;
        i64::try_from(needed.min(most)).unwrap_or(i64::MAX)
    }

    async fn inspect(&self, expected: &Expected) -> Result<()> {
        let places = [Place::Store, Place::Mirror];
        for place in places.into_iter().filter(|place| place.is_store() || expected.mirrored) {
            if self.at(place).is_none() {
                continue;
            }
            let mut looked = self.fault(place, Depth::Scrub, expected, None).await?;
            if looked.is_err() {
                // One wrong answer on its way is no damage.
                looked = self.fault(place, Depth::Scrub, expected, None).await?;
            }
            match looked {
                Ok(_) if sql::has_finding(&self.db, &expected.object, place).await? => {
                    sql::drop_finding(&self.db, &expected.object, place).await?;
                }
                Ok(_) => {}
                Err(fault) => self.note_damage(place, &expected.object, fault.as_str(), expected.document).await?,
            }
        }
        Ok(())
    }

    /// Each damage is told in the log once.
    pub(super) async fn note_damage(
        &self,
        place: Place,
        object: &str,
        kind: &str,
        document: Option<DocumentId>,
    ) -> Result<()> {
        let now = self.clock.now();
        if sql::note_finding(&self.db, object, place, kind, document, now).await? {
            tracing::error!(
                object,
                place = place.as_str(),
                kind,
                "an object is damaged or missing; `lumbung verify --repair` mends it from the mirror, where there is one"
            );
        }
        Ok(())
    }
}
