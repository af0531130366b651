//! How far a node's index has followed the log of changes.

use std::collections::HashSet;
use std::time::Duration;

use crate::{clock::Time, id::DocumentId};

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

/// The lowest number that is given at this time.
pub fn number_at(time: Time) -> i64 {
    time.0 << 20
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

    pub fn note(&mut self, changes: &[(i64, DocumentId)], now: Time) {
        self.newest = changes.iter().map(|(seq, _)| *seq).fold(self.newest, i64::max);
        self.within_window.extend(changes.iter().copied());
        let oldest = self.passed(now) - 2 * numbers_of(WINDOW);
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
    pub fn look_from(&self, now: Time) -> i64 {
        self.passed(now) - numbers_of(WINDOW)
    }

    /// Where a search looks.
    pub fn late_from(&self, now: Time) -> i64 {
        self.passed(now) - numbers_of(LATE)
    }

    /// The newest number, unless it was given by a clock that ran ahead: what happens now has a lower one.
    fn passed(&self, now: Time) -> i64 {
        self.newest.min(number_at(now))
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
        let (time, now) = (Time(1_000_000_000), numbers_of(Duration::from_secs(1_000_000)));
        let mut applied = Applied::default();
        applied.note(&[(now, early)], time);
        let committed_later = (now - numbers_of(Duration::from_secs(5)), late);
        assert!(!applied.has(&committed_later));
        assert!(applied.look_from(time) < committed_later.0 && applied.late_from(time) < committed_later.0);
        applied.note(&[committed_later], time);
        assert!(applied.has(&committed_later));
        assert_eq!(applied.newest(), now);
    }
    #[test]
    fn what_happens_after_a_clock_was_put_right_is_looked_for_and_applied_once() {
        let clock = Clock::default();
        let (ahead, present) = (Time(9_000_000_000), Time(1_000_000_000));
        let early = (number_at(ahead), DocumentId::fresh(&clock));
        let before = (number_at(ahead) - numbers_of(WINDOW) * 3, DocumentId::fresh(&clock));
        let mut applied = Applied::default();
        applied.note(&[before, early], ahead);
        applied.note(&[before, early], present);
        let after = (number_at(present), DocumentId::fresh(&clock));
        assert!(applied.look_from(present) < after.0 && applied.late_from(present) < after.0);
        applied.note(&[after], present);
        assert!([before, early, after].iter().all(|change| applied.has(change)), "nothing is applied again and again");
    }
}
