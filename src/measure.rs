//! Counts and durations that grow while the program runs, for whoever watches it over time. Only sums are kept: no ids, no
//! names, nothing of a person.

use std::future::Future;
use std::time::{Duration, Instant};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        counter::Counter,
        family::Family,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};

use crate::error::{Error, Kind, Result};

/// What a duration or a count is about. Only words of the program itself, so that a caller cannot make new ones.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Of {
    pub of: &'static str,
}

/// How long something takes and how often it fails, by what it was.
#[derive(Clone, Debug)]
pub struct Timed {
    seconds: Family<Of, Histogram>,
    failed: Family<Of, Counter>,
}

/// Counts by what was counted.
pub type Counted = Family<Of, Counter>;

impl Default for Timed {
    fn default() -> Timed {
        Timed { seconds: Family::new_with_constructor(buckets), failed: Family::default() }
    }
}

/// From 1 ms to 65 s, each four times the one before: what a store, a page and an upload take.
fn buckets() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 4.0, 9))
}

impl Timed {
    pub async fn run<T>(&self, of: &'static str, work: impl Future<Output = Result<T>>) -> Result<T> {
        let started = Instant::now();
        let outcome = work.await;
        self.note(of, started.elapsed(), outcome.as_ref().err().is_some_and(is_failure));
        outcome
    }

    pub fn note(&self, of: &'static str, took: Duration, is_failure: bool) {
        let of = Of { of };
        self.seconds.get_or_create(&of).observe(took.as_secs_f64());
        // Zero is told too: what has never been told cannot be seen to rise.
        self.failed.get_or_create(&of).inc_by(u64::from(is_failure));
    }

    pub fn register(&self, registry: &mut Registry, name: &str, help: &str) {
        registry.register(format!("{name}_seconds"), format!("{help}: how long it takes"), self.seconds.clone());
        registry.register(format!("{name}_failed"), format!("{help}: how often it fails"), self.failed.clone());
    }
}

/// What somebody refused or did not find is no failure of ours.
fn is_failure(cause: &Error) -> bool {
    matches!(cause.kind(), Kind::Unavailable | Kind::Internal)
}
