//! Whose turn it is to read. Readers are bounded, for their memory adds up. Whoever reads a long file passes the turn on
//! between two pages when others wait, and those who have not begun come before those who go on.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, Semaphore, SemaphorePermit};

#[derive(Debug)]
pub(super) struct Turns {
    free: Semaphore,
    waiting: AtomicUsize,
    /// Of those who go on one at a time stands among those who begin.
    again: Mutex<()>,
}

impl Turns {
    pub(super) fn new(at_once: usize) -> Turns {
        Turns { free: Semaphore::new(at_once.max(1)), waiting: AtomicUsize::new(0), again: Mutex::default() }
    }

    pub(super) async fn take(&self) -> Turn<'_> {
        Turn { held: self.wait().await, turns: self, since: Instant::now() }
    }

    async fn wait(&self) -> Option<SemaphorePermit<'_>> {
        let _waits = Waits::among(&self.waiting);
        // It is never closed.
        self.free.acquire().await.ok()
    }
}

#[derive(Debug)]
pub(super) struct Turn<'a> {
    turns: &'a Turns,
    held: Option<SemaphorePermit<'a>>,
    since: Instant,
}

impl Turn<'_> {
    /// Whether it lasted so long and others wait.
    pub(super) fn is_over(&self, share: Duration) -> bool {
        self.turns.waiting.load(Ordering::Relaxed) > 0 && self.since.elapsed() >= share
    }

    /// Lets the others go first. Gives how long that took.
    pub(super) async fn pass(&mut self) -> Duration {
        let begun = Instant::now();
        self.held = None;
        let waits = Waits::among(&self.turns.waiting);
        let next = self.turns.again.lock().await;
        drop(waits);
        self.held = self.turns.wait().await;
        drop(next);
        self.since = Instant::now();
        begun.elapsed()
    }
}

/// Counts somebody for as long as they wait, also if they give up.
struct Waits<'a>(&'a AtomicUsize);

impl Waits<'_> {
    fn among(waiting: &AtomicUsize) -> Waits<'_> {
        waiting.fetch_add(1, Ordering::Relaxed);
        Waits(waiting)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const NOW: Duration = Duration::ZERO;

    async fn until_waiting(turns: &Turns, count: usize) {
        while turns.waiting.load(Ordering::Relaxed) != count {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn nobody_passes_while_nobody_waits_and_a_share_is_kept() {
        let turns = Arc::new(Turns::new(1));
        let turn = turns.take().await;
        assert!(!turn.is_over(NOW));
        let waiter = tokio::spawn({
            let turns = turns.clone();
            async move { drop(turns.take().await) }
        });
        until_waiting(&turns, 1).await;
        assert!(turn.is_over(NOW) && !turn.is_over(Duration::from_secs(60)));
        waiter.abort();
        until_waiting(&turns, 0).await;
        assert!(!turn.is_over(NOW), "who gave up does not wait");
    }

    #[tokio::test]
    async fn those_who_begin_come_before_those_who_go_on() {
        let turns = Arc::new(Turns::new(1));
        let order = Arc::new(std::sync::Mutex::new(Vec::new()));
        let long = |name: &'static str| {
            let (turns, order) = (turns.clone(), order.clone());
            async move {
                let mut turn = turns.take().await;
                order.lock().unwrap().push(name);
                turn.pass().await;
                order.lock().unwrap().push(name);
            }
        };
        let held = turns.take().await;
        let mut readers = tokio::task::JoinSet::new();
        for (at, name) in ["one", "two", "three"].into_iter().enumerate() {
            readers.spawn(long(name));
            until_waiting(&turns, at + 1).await;
        }
        drop(held);
        readers.join_all().await;
        let order = order.lock().unwrap().clone();
        assert_eq!(order, ["one", "two", "three", "one", "two", "three"]);
    }
}
