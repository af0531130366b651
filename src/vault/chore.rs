//! Recurring work of which one node at a time has the turn: a lease in the database, and what the work remembers.

use std::future::Future;
use std::time::Duration;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::{Vault, sql};
use crate::{
    clock::Time,
    error::{Error, Kind, Result, say},
    id,
};

/// Renewed while the work goes on; a node that is silent for so long is taken for dead.
const LEASE: Duration = Duration::from_secs(60);

const DAY: Duration = Duration::from_secs(86_400);

/// A stretch of time in which a machine may well have been off. A longer one, or one that ran backwards, is a clock that was
/// moved until a day has passed in which it was not.
const AWAY: Duration = Duration::from_secs(7 * 86_400);
const WATCH: &str = "clock";

/// What was seen of the clock.
#[derive(Default, Serialize, Deserialize)]
struct Watched {
    last: Option<i64>,
    calm_at: Option<i64>,
}

/// The turn at one piece of work.
pub(super) struct Turn {
    name: &'static str,
    lease: Uuid,
}

impl Vault {
    /// The turn and what was remembered. `None`: another node has it, or it is not due yet and `early` is false.
    pub(super) async fn take_turn<M: DeserializeOwned + Default>(
        &self,
        name: &'static str,
        early: bool,
    ) -> Result<Option<(Turn, M)>> {
        let now = self.clock.now();
        // No work is due later than its longest rest: what says so was written by a clock that ran ahead.
        let span = sql::Span { now, lease: LEASE, far: self.settings.every.max(DAY) * 2 };
        if !early && !sql::is_due(&self.db, name, &span).await? {
            return Ok(None);
        }
        let turn = Turn { name, lease: id::fresh(&self.clock) };
        let mut tx = self.db.write().await?;
        sql::know_chore(&mut tx, name).await?;
        let memory = sql::take_turn(&mut tx, name, turn.lease, &span, early).await?;
        tx.commit().await?;
        Ok(memory.map(|memory| (turn, serde_json::from_str(&memory).unwrap_or_default())))
    }

    /// Shows that this node is alive. An error when the turn was lost: then another node goes on.
    pub(super) async fn keep_turn(&self, turn: &Turn) -> Result<()> {
        let until = self.clock.now().plus(LEASE);
        if sql::keep_turn(&self.db, turn.name, turn.lease, until).await? { Ok(()) } else { Err(lost()) }
    }

    /// Does the work while this node shows that it is alive, however long one step takes.
    pub(super) async fn while_kept<T>(&self, turn: &Turn, work: impl Future<Output = Result<T>>) -> Result<T> {
        let alive = async {
            loop {
                tokio::time::sleep(LEASE / 3).await;
                if let Err(lost) = self.keep_turn(turn).await {
                    return lost;
                }
            }
        };
        tokio::select! {
            done = work => done,
            lost = alive => Err(lost),
        }
    }

    pub(super) async fn end_turn(&self, turn: Turn, memory: &impl Serialize, due: Time) -> Result<()> {
        let memory = serde_json::to_string(memory).map_err(Error::internal)?;
        if sql::end_turn(&self.db, turn.name, turn.lease, &memory, due).await? { Ok(()) } else { Err(lost()) }
    }

    /// Whether time passed as it should since somebody last looked. What destroys by age asks first: a clock that was set a year
    /// ahead must not empty the trash. Asked every minute.
    pub async fn trusts_clock(&self) -> Result<bool> {
        let Some((turn, seen)) = self.take_turn::<Watched>(WATCH, true).await? else { return Ok(false) };
        let now = self.clock.now();
        let last = Time(seen.last.unwrap_or(now.0));
        let was_moved = now.since(last) > AWAY || last.since(now) > AWAY;
        if was_moved {
            tracing::warn!(
                last = %last.rfc3339(),
                now = %now.rfc3339(),
                "the clock was moved, or nobody ran for over a week: for a day nothing is destroyed because of its age"
            );
        }
        let calm_at = if was_moved { Some(now.plus(DAY).0) } else { seen.calm_at.filter(|at| *at > now.0) };
        self.end_turn(turn, &Watched { last: Some(now.0), calm_at }, now).await?;
        Ok(calm_at.is_none())
    }

    pub(super) async fn remembered<M: DeserializeOwned + Default>(&self, name: &'static str) -> Result<M> {
        let memory = sql::memory(&self.db, name).await?;
        Ok(memory.and_then(|memory| serde_json::from_str(&memory).ok()).unwrap_or_default())
    }
}

fn lost() -> Error {
    Error::new(
        Kind::Conflict,
        "turn-lost",
        say("Pekerjaan ini diambil alih peladen lain.", "Another node took this work over."),
    )
}
