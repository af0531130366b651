//! Waiting that grows with wrong attempts. An attempt is counted before any hash is computed and taken back when it was
//! right, so that parallel guesses cannot slip through between counting and checking. What is counted is named by what
//! the caller typed, never by what exists: a wait tells nothing about a login.

use std::time::Duration;

use sha2::{Digest, Sha256};

use super::sql;
use crate::{
    clock::{Clock, Time},
    config,
    db::{Db, Tx},
    error::{Error, Result},
    id,
};

/// One counter: its name and how many attempts are free.
#[derive(Clone, Debug)]
pub struct Counter {
    name: String,
    free: i64,
}

impl Counter {
    /// `kind` names what is counted, `of` whom; what was typed is kept only as a digest.
    pub fn new(kind: &str, of: &[&str], free: i64) -> Counter {
        let mut digest = Sha256::new();
        for part in of {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        Counter { name: format!("{kind}:{}", id::to_letters(&digest.finalize()[..15])), free }
    }
}

/// An attempt that was let through and is counted as wrong until it is taken back.
#[must_use]
#[derive(Debug)]
pub struct Admitted(Vec<(Counter, Option<Time>)>);

/// Counts an attempt with every counter, or refuses it with the time to wait, without counting it anywhere.
pub async fn admit(db: &Db, clock: &Clock, settings: &config::Throttle, counters: Vec<Counter>) -> Result<Admitted> {
    let now = clock.now();
    let forgotten = now.minus(Duration::from_secs(settings.forget_seconds));
    let longest = now.plus(Duration::from_secs(settings.longest_wait_seconds));
    let mut tx = db.write().await?;
    let mut admitted = Vec::with_capacity(counters.len());
    for counter in counters {
        let Some(attempts) = sql::count_attempt(&mut tx, &counter.name, now, forgotten, longest).await? else {
            // Dropping the transaction takes back what the counters before this one counted.
            let until = sql::blocked_to(&mut tx, &counter.name).await?.unwrap_or(now.0);
            let seconds = Time(until).since(now).as_secs();
            return Err(Error::too_many(seconds.max(1)));
        };
        let wait = wait_after(attempts - counter.free, settings);
        let until = wait.map(|wait| now.plus(wait));
        if let Some(until) = until {
            sql::block(&mut tx, &counter.name, until).await?;
        }
        admitted.push((counter, until));
    }
    tx.commit().await?;
    Ok(Admitted(admitted))
}

impl Admitted {
    /// The attempt was right: the first counter begins anew, the others lose only this attempt, so that somebody with a
    /// good password cannot buy free guesses at others.
    pub async fn forgive(self, tx: &mut Tx) -> Result<()> {
        for (at, (counter, began_wait)) in self.0.into_iter().enumerate() {
            match at {
                0 => sql::forget_attempts(tx, &counter.name).await?,
                _ => sql::uncount(tx, &counter.name, began_wait).await?,
            }
        }
        Ok(())
    }

    /// Neither right nor wrong, such as a password that was right while the code is still missing.
    pub async fn uncount(self, tx: &mut Tx) -> Result<()> {
        for (counter, began_wait) in self.0 {
            sql::uncount(tx, &counter.name, began_wait).await?;
        }
        Ok(())
    }
}

/// None while attempts are free; then the first wait, doubling up to the longest.
fn wait_after(beyond_free: i64, settings: &config::Throttle) -> Option<Duration> {
    if beyond_free < 0 {
        return None;
    }
    let doublings = u32::try_from(beyond_free).unwrap_or(u32::MAX).min(20);
    let seconds = settings.first_wait_seconds.saturating_mul(1 << doublings).min(settings.longest_wait_seconds);
    Some(Duration::from_secs(seconds))
}
