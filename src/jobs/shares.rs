//! How many of this node's workers each office keeps busy: at most half of them, so that others always find one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::{
    error::Result,
    id::OfficeId,
    queue::{Claimed, NOBODY, Passed, Queue},
};

#[derive(Clone)]
pub(super) struct Shares {
    most: usize,
    held: Arc<Mutex<HashMap<OfficeId, usize>>>,
    /// Two who claimed at once would both count an office that has one left.
    claiming: Arc<tokio::sync::Mutex<()>>,
}

/// A job and its place among those of its office.
pub(super) struct Place {
    pub job: Claimed,
    shares: Shares,
}

impl Shares {
    pub(super) fn of(workers: u32) -> Shares {
        let most = (workers as usize).div_ceil(2);
        Shares { most, held: Arc::default(), claiming: Arc::default() }
    }

    /// An idle look is a read: only a job that is there costs a write.
    pub(super) async fn next(&self, queue: &Queue) -> Result<Option<Place>> {
        if !queue.has_work(self.full()).await? {
            return Ok(None);
        }
        let _one_at_a_time = self.claiming.lock().await;
        let job = queue.claim(self.full()).await?;
        Ok(job.map(|job| {
            if let Some(office) = job.office {
                *self.counts().entry(office).or_default() += 1;
            }
            Place { job, shares: self.clone() }
        }))
    }

    /// Offices that have their half already: two at most.
    fn full(&self) -> Passed {
        let mut full = NOBODY;
        let counts = self.counts();
        let offices = counts.iter().filter(|(_, count)| **count >= self.most).map(|(office, _)| *office);
        full.iter_mut().zip(offices).for_each(|(place, office)| *place = office);
        full
    }

    fn counts(&self) -> std::sync::MutexGuard<'_, HashMap<OfficeId, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(office) = self.job.office else { return };
        let mut counts = self.shares.counts();
        if let Some(count) = counts.get_mut(&office) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&office);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        db::{Db, fresh},
        ingest::ReadPages,
        queue::Settings,
    };

    async fn enqueue(db: &Db, queue: &Queue, office: Option<OfficeId>, version: crate::id::VersionId) {
        let mut tx = db.write().await.unwrap();
        queue.enqueue(&mut tx, &ReadPages { version }, office).await.unwrap();
        tx.commit().await.unwrap();
    }

    #[tokio::test]
    async fn an_office_has_half_of_the_workers_and_another_ones_letter_finds_one() {
        let (db, clock, _dir) = fresh().await;
        let settings = Settings { lease_seconds: 60, max_attempts: 3, backoff_seconds: 5, office_step_seconds: 10 };
        let queue = Queue::new(db.clone(), clock.clone(), settings);
        let (one, other) = (OfficeId::fresh(&clock), OfficeId::fresh(&clock));
        for _ in 0..5 {
            enqueue(&db, &queue, Some(one), crate::id::VersionId::fresh(&clock)).await;
        }
        clock.advance(Duration::from_secs(3600));
        let shares = Shares::of(4);
        let next = async || shares.next(&queue).await.unwrap();
        let (first, _second) = (next().await.expect("a job"), next().await.expect("a job"));
        assert!(next().await.is_none(), "the office has its half");
        for office in [Some(other), None] {
            enqueue(&db, &queue, office, crate::id::VersionId::fresh(&clock)).await;
            assert_eq!(next().await.expect("a job").job.office, office);
        }
        drop(first);
        assert_eq!(next().await.expect("a job").job.office, Some(one), "a place is free again");
    }
}
