//! The time of an installation is its database's. Nodes find each other's changes by when they were made, and ends of links
//! and sessions are times: a node whose machine is set wrong goes by the database instead.

use std::time::Duration;

use super::{Db, params};
use crate::error::Result;

/// Closer than this to the database's, the machine's own time is used: to tell it took time, too.
const CLOSE: i64 = 1_000;
/// An answer that took longer says nothing.
const PROMPT: Duration = Duration::from_millis(500);
/// A machine that is further off is to be set right.
const WRONG: f64 = 30.0;

impl Db {
    /// By how many seconds this machine's clock is before the database's. SQLite's is the same one.
    pub async fn machine_ahead(&self) -> Result<f64> {
        Ok(self.compared().await?.map_or(0.0, |(ahead, _)| ahead as f64 / 1000.0))
    }

    /// Sets this program's clock by the database's where they differ.
    pub async fn keep_time(&self) -> Result<()> {
        let Some((ahead, took)) = self.compared().await? else { return Ok(()) };
        if took > PROMPT || (ahead + self.clock.corrected_by()).abs() < CLOSE {
            return Ok(());
        }
        self.clock.correct_by(if ahead.abs() < CLOSE { 0 } else { -ahead });
        let ahead_seconds = ahead as f64 / 1000.0;
        if ahead_seconds.abs() > WRONG {
            tracing::warn!(
                ahead_seconds,
                "this machine's clock differs from the database's, by which this node goes; set the machine's right"
            );
        }
        Ok(())
    }

    /// Milliseconds by which this machine is ahead, and how long it took to be told.
    async fn compared(&self) -> Result<Option<(i64, Duration)>> {
        if !self.is_postgres() {
            return Ok(None);
        }
        let (asked, started) = (self.clock.machine(), tokio::time::Instant::now());
        let told: Option<(i64,)> =
            self.one("SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)", params![]).await?;
        let took = started.elapsed();
        Ok(told.map(|(theirs,)| (asked.plus(took / 2).0 - theirs, took)))
    }
}
