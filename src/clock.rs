//! The only place that asks the machine for the time. Tests hold a clock that they can move.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};
use std::time::Duration;

use jiff::{Timestamp, civil, tz::TimeZone};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Milliseconds since 1970-01-01 UTC; in answers RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

#[derive(Clone, Debug)]
pub struct Clock(Arc<Parts>);

/// Milliseconds.
#[derive(Debug, Default)]
struct Parts {
    /// By how much the machine is set wrong; for tests.
    misset_by: AtomicI64,
    /// What is added to the machine's time, so that all nodes of an installation have the same.
    corrected_by: AtomicI64,
    shifted_by: AtomicI64,
}

impl Default for Clock {
    fn default() -> Clock {
        let clock = Clock(Arc::default());
        clock.advance(crate::crash::clock_ahead());
        clock.misset(crate::crash::machine_ahead());
        clock
    }
}

impl Clock {
    pub fn now(&self) -> Time {
        let moved = self.0.corrected_by.load(Ordering::Relaxed) + self.0.shifted_by.load(Ordering::Relaxed);
        Time(self.machine().0 + moved)
    }

    /// What the machine says, right or wrong.
    pub fn machine(&self) -> Time {
        #[expect(clippy::disallowed_methods, reason = "the one place where time enters")]
        let now = Timestamp::now().as_millisecond();
        Time(now + self.0.misset_by.load(Ordering::Relaxed))
    }

    /// Milliseconds that are added to the machine's time.
    pub fn corrected_by(&self) -> i64 {
        self.0.corrected_by.load(Ordering::Relaxed)
    }

    /// From now on so many milliseconds are added to the machine's time.
    pub fn correct_by(&self, milliseconds: i64) {
        self.0.corrected_by.store(milliseconds, Ordering::Relaxed);
    }

    /// Sets the machine wrong by so many seconds; for tests.
    pub fn misset(&self, seconds: i64) {
        self.0.misset_by.store(seconds * 1000, Ordering::Relaxed);
    }

    /// The other way; for tests of a clock that ran ahead and was put right.
    pub fn turn_back(&self, by: Duration) {
        self.0.shifted_by.fetch_sub(by.as_millis() as i64, Ordering::Relaxed);
    }

    /// Moves every holder of this clock; for tests of what expires.
    pub fn advance(&self, by: Duration) {
        self.0.shifted_by.fetch_add(by.as_millis() as i64, Ordering::Relaxed);
    }
}

impl Time {
    pub fn plus(self, by: Duration) -> Time {
        Time(self.0.saturating_add(by.as_millis() as i64))
    }

    pub fn minus(self, by: Duration) -> Time {
        Time(self.0.saturating_sub(by.as_millis() as i64))
    }

    /// Zero when `earlier` is later.
    pub fn since(self, earlier: Time) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0).max(0) as u64)
    }

    pub fn timestamp(self) -> Timestamp {
        Timestamp::from_millisecond(self.0).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    pub fn rfc3339(self) -> String {
        self.timestamp().to_string()
    }

    /// The civil day in the regency's time zone.
    pub fn day(self, zone: &TimeZone) -> civil::Date {
        self.timestamp().to_zoned(zone.clone()).date()
    }

    pub fn parse(text: &str) -> Option<Time> {
        text.parse::<Timestamp>().ok().map(|at| Time(at.as_millisecond()))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.rfc3339())
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Time, D::Error> {
        let text = String::deserialize(from)?;
        Time::parse(&text).ok_or_else(|| serde::de::Error::custom("expected a time such as 2026-11-24T08:30:00Z"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moved_clock_moves_every_holder() {
        let clock = Clock::default();
        let held = clock.clone();
        let before = held.now();
        clock.advance(Duration::from_secs(3600));
        assert!(held.now().since(before) >= Duration::from_secs(3600));
    }

    #[test]
    fn the_regencys_day_begins_before_the_utc_day() {
        let zone = TimeZone::get("Asia/Jakarta").expect("bundled");
        let evening = Time::parse("2026-12-31T18:00:00Z").expect("valid");
        assert_eq!(evening.day(&zone).to_string(), "2027-01-01");
    }

    #[test]
    fn times_are_written_and_read_as_rfc_3339() {
        let text = "2026-11-24T08:30:00.25Z";
        assert_eq!(Time::parse(text).expect("valid").rfc3339(), text);
        assert_eq!(Time::parse("yesterday"), None);
    }
}
