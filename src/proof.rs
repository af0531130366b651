//! Whether something can be written, as the last write that was tried has shown. A store or a database may answer every
//! question and yet refuse what is new: a disk that turned read-only, a key that may only read, a replica.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::error::Result;

/// A write that succeeded is believed for so long, so that a busy node never makes one for its own sake.
const BELIEVED: Duration = Duration::from_secs(10);

/// When a write last succeeded; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Proof {
    last: Arc<Mutex<Option<Instant>>>,
    /// However many ask at once, one trial is made.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Proof {
    /// Nothing where a write succeeded lately; otherwise what the trial says.
    pub async fn or_by(&self, trial: impl Future<Output = Result<()>>) -> Result<()> {
        if self.holds() {
            return Ok(());
        }
        let _turn = self.turn.lock().await;
        if self.holds() {
            return Ok(());
        }
        trial.await?;
        self.renew();
        Ok(())
    }

    /// A write succeeded.
    pub fn renew(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// A write failed: whoever asks next makes a trial.
    pub fn doubt(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn holds(&self) -> bool {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.is_some_and(|last| last.elapsed() < BELIEVED)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::error::Error;

    #[tokio::test]
    async fn one_trial_serves_all_who_ask_until_a_write_fails() {
        let (proof, trials) = (Proof::default(), AtomicU32::new(0));
        let trial = || async {
            trials.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            Ok(())
        };
        let (one, two) = tokio::join!(proof.or_by(trial()), proof.or_by(trial()));
        one.and(two).expect("proved");
        assert_eq!(trials.load(Ordering::SeqCst), 1);
        proof.doubt();
        proof.or_by(async { Err(Error::internal("refused")) }).await.expect_err("refused");
        proof.or_by(trial()).await.expect("proved again");
        assert_eq!(trials.load(Ordering::SeqCst), 2);
    }
}
