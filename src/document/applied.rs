//! How far a node's index has followed the log of changes.

use std::collections::HashSet;
use std::time::Duration;

use crate::id::DocumentId;

/// No transaction that writes a change lasts longer than this: so far back a node looks for late ones.
pub const WINDOW: Duration = Duration::from_secs(120);

/// A transaction of ours takes milliseconds; so far back a search looks for changes that are not applied.
const LATE: Duration = Duration::from_secs(10);

/// What a node has applied within the window, and the newest number of all.
#[derive(Debug, Default)]
pub struct Applied {
    newest: i64,
    within_window: HashSet<(i64, DocumentId)>,
}

/// Numbers of the log are milliseconds with 20 random bits below them.
pub fn numbers_of(time: Duration) -> i64 {
    (time.as_millis() as i64) << 20
}

/// When a number was given.
pub fn time_of(number: i64) -> Duration {
    Duration::from_millis((number >> 20).unsigned_abs())
}

impl Applied {
    pub fn start_at(&mut self, newest: i64) {
        self.newest = newest;
        self.within_window.clear();
    }

    pub fn note(&mut self, changes: &[(i64, DocumentId)]) {
        self.newest = changes.iter().map(|(seq, _)| *seq).fold(self.newest, i64::max);
        self.within_window.extend(changes.iter().copied());
        let oldest = self.newest - 2 * numbers_of(WINDOW);
        self.within_window.retain(|(seq, _)| *seq >= oldest);
    }

    /// The opposite of [`Applied::note`]: they are applied again.
    pub fn forget(&mut self, changes: &[(i64, DocumentId)]) {
        changes.iter().for_each(|change| {
            self.within_window.remove(change);
        });
    }

    pub fn has(&self, change: &(i64, DocumentId)) -> bool {
        self.within_window.contains(change)
    }

    pub fn newest(&self) -> i64 {
        self.newest
    }

    /// Where to look for every change that may not be applied.
    pub fn look_from(&self) -> i64 {
        self.newest - numbers_of(WINDOW)
    }

    /// Where a search looks.
    pub fn late_from(&self) -> i64 {
        self.newest - numbers_of(LATE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn a_number_that_became_visible_late_is_still_new() {
        let clock = Clock::default();
        let (early, late) = (DocumentId::fresh(&clock), DocumentId::fresh(&clock));
        let now = numbers_of(Duration::from_secs(1_000_000));
        let mut applied = Applied::default();
        applied.note(&[(now, early)]);
        let committed_later = (now - numbers_of(Duration::from_secs(5)), late);
        assert!(!applied.has(&committed_later));
        assert!(applied.look_from() < committed_later.0 && applied.late_from() < committed_later.0);
        applied.note(&[committed_later]);
        assert!(applied.has(&committed_later));
        assert_eq!(applied.newest(), now);
    }
}
