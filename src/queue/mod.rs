//! Durable jobs in the database. A job is a serialisable, idempotent struct that is enqueued by the transaction that
//! causes it, claimed under a lease, retried with back-off, and kept as a dead letter that an operator can see and retry.
//! This module knows no job by name.

mod sql;
#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::{
    clock::{Clock, Time},
    db::{Db, Tx},
    error::{Error, Result},
    id::{self, JobId, OfficeId},
};

/// Work that must happen once. Running it twice must have the effect of running it once.
pub trait Job: Serialize + DeserializeOwned + Send + Sync {
    const KIND: &'static str;
}

/// The named limits of `[queue]` in the config.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// A claim is void after this many seconds without renewal: its node is taken for dead.
    pub lease_seconds: u64,
    /// After so many attempts a job becomes a dead letter.
    pub max_attempts: u32,
    /// The first wait between attempts; it doubles up to one hour.
    pub backoff_seconds: u64,
    /// How far one waiting job pushes back its office's next one, so that a bulk upload lets others pass.
    pub office_step_seconds: u64,
}

const LONGEST_BACKOFF: Duration = Duration::from_secs(3600);

/// Whoever waits for something that is away waits as long as after so many failures.
const AWAY: u32 = 3;

/// Offices whose jobs are passed over, because they have their share of the workers.
pub type Passed = [OfficeId; 2];
pub const NOBODY: Passed = [OfficeId(Uuid::nil()); 2];

/// A job that this node holds until its lease ends.
#[derive(Debug)]
pub struct Claimed {
    pub id: JobId,
    pub kind: String,
    pub office: Option<OfficeId>,
    pub attempts: u32,
    lease: Uuid,
    payload: String,
}

impl Claimed {
    pub fn payload<J: Job>(&self) -> Result<J> {
        serde_json::from_str(&self.payload).map_err(Error::internal)
    }
}

/// What a failed attempt led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    RetryAt(Time),
    Dead,
}

/// A job as an operator sees it.
#[derive(Debug, sqlx::FromRow)]
pub struct Seen {
    pub id: Uuid,
    pub kind: String,
    pub office: Option<Uuid>,
    pub state: String,
    pub attempts: i64,
    pub run_at: i64,
    pub last_error: Option<String>,
    pub created_at: i64,
}

#[derive(Clone, Debug)]
pub struct Queue {
    db: Db,
    clock: Clock,
    settings: Settings,
}

impl Queue {
    pub fn new(db: Db, clock: Clock, settings: Settings) -> Queue {
        Queue { db, clock, settings }
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Part of the caller's transaction: the job exists exactly if its cause does.
    pub async fn enqueue<J: Job>(&self, tx: &mut Tx, job: &J, office: Option<OfficeId>) -> Result<JobId> {
        self.enqueue_at(tx, job, office, self.clock.now()).await
    }

    pub async fn enqueue_at<J: Job>(&self, tx: &mut Tx, job: &J, office: Option<OfficeId>, at: Time) -> Result<JobId> {
        let id = JobId(id::fresh(&self.clock));
        let step = Duration::from_secs(self.settings.office_step_seconds);
        let payload = serde_json::to_string(job).map_err(Error::internal)?;
        sql::insert(tx, id, J::KIND, &payload, office, step, at, self.clock.now()).await?;
        Ok(id)
    }

    /// The fairest runnable job, leased to the caller, or none.
    pub async fn claim(&self, passed: Passed) -> Result<Option<Claimed>> {
        let now = self.clock.now();
        let lease = id::fresh(&self.clock);
        let until = now.plus(Duration::from_secs(self.settings.lease_seconds));
        let mut tx = self.db.write().await?;
        let row = sql::claim(&mut tx, now, lease, until, passed).await?;
        tx.commit().await?;
        Ok(row.map(|row| Claimed {
            id: JobId(row.id),
            kind: row.kind,
            office: row.office.map(OfficeId),
            attempts: row.attempts as u32,
            lease,
            payload: row.payload,
        }))
    }

    /// Whether anything could be claimed now; a cheap read, so that an idle node writes nothing.
    pub async fn has_work(&self, passed: Passed) -> Result<bool> {
        sql::runnable(&self.db, self.clock.now(), passed).await
    }

    /// False when the lease was lost: the caller must stop, another node has the job.
    pub async fn renew(&self, job: &Claimed) -> Result<bool> {
        let until = self.clock.now().plus(Duration::from_secs(self.settings.lease_seconds));
        sql::renew(&self.db, job.id, job.lease, until).await
    }

    /// Ends the job inside the transaction of its effect. False when the lease was lost: roll back.
    pub async fn finish(&self, tx: &mut Tx, job: &Claimed) -> Result<bool> {
        sql::delete(tx, job.id, job.lease).await
    }

    pub async fn fail(&self, job: &Claimed, error: &str) -> Result<Failed> {
        let outcome = if job.attempts >= self.settings.max_attempts {
            Failed::Dead
        } else {
            Failed::RetryAt(self.clock.now().plus(self.backoff(job.attempts)))
        };
        sql::fail(&self.db, job.id, job.lease, error, outcome).await?;
        Ok(outcome)
    }

    /// Tries again later without counting the attempt: something that the job needs is away, which is not its fault. However
    /// long the store is away, nothing that waits for it is given up.
    pub async fn postpone(&self, job: &Claimed, error: &str) -> Result<Time> {
        let at = self.clock.now().plus(self.backoff(AWAY));
        sql::hand_back(&self.db, job.id, job.lease, Some((at, error))).await?;
        Ok(at)
    }

    /// Gives the job back unharmed, as a graceful stop does: the attempt does not count.
    pub async fn hand_back(&self, job: &Claimed) -> Result<()> {
        sql::hand_back(&self.db, job.id, job.lease, None).await
    }

    /// Takes back what a former life of this node held. Only for a database of which this is the one node.
    pub async fn free_all(&self) -> Result<()> {
        sql::free_all(&self.db).await
    }

    /// Brings back what a clock that ran ahead has put off: leases that would hold longer than a lease does, and waits that are
    /// longer than the longest between attempts.
    pub async fn call_back(&self) -> Result<()> {
        let now = self.clock.now();
        let lease = Duration::from_secs(self.settings.lease_seconds);
        sql::call_back(&self.db, now, now.plus(lease * 2), LONGEST_BACKOFF * 2).await
    }

    /// Jobs for the operator, newest first; dead ones only if `dead`.
    pub async fn list(&self, dead: bool, before: Option<JobId>, limit: i64) -> Result<Vec<Seen>> {
        sql::list(&self.db, dead, before, limit).await
    }

    /// Makes a dead letter run again. False when there is no such dead letter.
    pub async fn retry(&self, tx: &mut Tx, id: JobId) -> Result<bool> {
        sql::revive(tx, id, self.clock.now()).await
    }

    /// (waiting, dead) for the status page.
    pub async fn depth(&self) -> Result<(i64, i64)> {
        sql::depth(&self.db).await
    }

    /// For how long the oldest job that could run has been waiting for a worker.
    pub async fn oldest(&self) -> Result<Duration> {
        let now = self.clock.now();
        let since = sql::runnable_since(&self.db, now).await?;
        Ok(since.map_or(Duration::ZERO, |since| now.since(Time(since))))
    }

    fn backoff(&self, attempts: u32) -> Duration {
        let doubled = self.settings.backoff_seconds.saturating_mul(1 << attempts.saturating_sub(1).min(20));
        Duration::from_secs(doubled).min(LONGEST_BACKOFF)
    }
}
