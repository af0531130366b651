//! What may leave the store leaves it: the object, every version of it that a server keeps, and its copy in the mirror.

use std::time::Duration;

use uuid::Uuid;

use super::{
    Place, Remain, Vault,
    chore::Turn,
    sql,
    sweep::{Memory, SWEEP},
};
use crate::{
    blob::ObjectName,
    clock::Time,
    crash::{Point, point},
    error::{Error, Result},
    record,
};

const BATCH: i64 = 200;
/// The server's clock decides when a retention ends; ours may run ahead of it.
const AGAIN: Duration = Duration::from_secs(3600);

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Erased {
    pub deleted: u64,
    pub retained: u64,
}

/// What is left of an object, and why where a place could not be asked.
pub(super) struct Attempt {
    pub remains: Vec<Remain>,
    pub failed: Option<Error>,
}

impl Vault {
    /// Everything that is due. What fails stays due and ends this round.
    pub(super) async fn erase_due(&self, turn: Option<&Turn>) -> Result<Erased> {
        let mut erased = Erased::default();
        if record::deletions_are_held(&self.db, self.clock.now()).await? || !sql::has_leaving(&self.db).await? {
            return Ok(erased);
        }
        let mut tx = self.db.write().await?;
        sql::doom_condemned(&mut tx).await?;
        sql::drop_keys(&mut tx).await?;
        tx.commit().await?;
        loop {
            let blobs = sql::doomed(&self.db, self.clock.now(), BATCH).await?;
            let objects = sql::discarded(&self.db, self.clock.now(), BATCH).await?;
            if blobs.is_empty() && objects.is_empty() {
                return Ok(erased);
            }
            for (blob, object) in blobs {
                erased.count(self.erase_blob(blob, &object).await?)?;
            }
            for object in objects {
                erased.count(self.erase_discarded(&object).await?)?;
            }
            if let Some(turn) = turn {
                self.keep_turn(turn).await?;
            }
        }
    }

    /// What was replaced or destroyed since the last sweep; no listing is needed for that.
    pub async fn clear(&self) -> Result<u64> {
        if self.is_stopped().await? {
            return Ok(0);
        }
        Ok(self.erase_due(None).await?.deleted)
    }

    /// While the sweep waits for an operator, or a backup still needs what was there, nothing leaves the store, whoever asks.
    pub(super) async fn is_stopped(&self) -> Result<bool> {
        let is_held = record::deletions_are_held(&self.db, self.clock.now()).await?;
        Ok(is_held || self.remembered::<Memory>(SWEEP).await?.last.stopped.is_some())
    }

    /// Where a place could not be asked, it stays due.
    pub(super) async fn erase_blob(&self, blob: Uuid, object: &str) -> Result<Attempt> {
        let attempt = self.erase(object).await?;
        if attempt.failed.is_some() {
            return Ok(attempt);
        }
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        match latest(&attempt.remains) {
            None => sql::set_gone(&mut tx, blob, now.plus(self.settings.remember)).await?,
            Some(until) => sql::retry_at(&mut tx, blob, until.max(now.plus(AGAIN))).await?,
        }
        tx.commit().await?;
        Ok(attempt)
    }

    pub(super) async fn erase_discarded(&self, object: &str) -> Result<Attempt> {
        let attempt = self.erase(object).await?;
        if attempt.failed.is_some() {
            return Ok(attempt);
        }
        let again = self.clock.now().plus(AGAIN);
        let mut tx = self.db.write().await?;
        match latest(&attempt.remains) {
            None => sql::forget_discarded(&mut tx, object).await?,
            Some(until) => sql::discard_at(&mut tx, object, until.max(again)).await?,
        }
        tx.commit().await?;
        Ok(attempt)
    }

    /// The object, and a copy of it that a repair or a sweep set aside. One place that is away keeps no other from being
    /// cleared.
    async fn erase(&self, object: &str) -> Result<Attempt> {
        let name: ObjectName =
            ObjectName::parse(object).ok_or_else(|| Error::internal("the database names an impossible object"))?;
        let aside = ObjectName::Quarantined(Box::new(name.clone()));
        let mut attempt = Attempt { remains: Vec::new(), failed: None };
        for (place, store) in [(Place::Mirror, self.mirror.as_ref()), (Place::Store, Some(&self.store))] {
            let Some(store) = store else { continue };
            for name in [&name, &aside] {
                attempt.note(place, name, store.erase(name).await);
            }
        }
        point(Point::ObjectErased);
        Ok(attempt)
    }
}

impl Attempt {
    fn note(&mut self, place: Place, name: &ObjectName, erased: Result<Option<Time>>) {
        let until = match erased {
            Ok(None) => return,
            Ok(until) => until,
            Err(cause) => {
                self.failed = Some(cause);
                None
            }
        };
        self.remains.push(Remain { object: name.to_string(), place, until });
    }
}

/// When the last retention ends.
fn latest(remains: &[Remain]) -> Option<Time> {
    remains.iter().filter_map(|remain| remain.until).max()
}

impl Erased {
    fn count(&mut self, attempt: Attempt) -> Result<()> {
        if let Some(cause) = attempt.failed {
            return Err(cause);
        }
        if attempt.remains.is_empty() {
            self.deleted += 1
        } else {
            self.retained += 1
        }
        Ok(())
    }
}
