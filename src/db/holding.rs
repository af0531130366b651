//! Who holds one of a pool's connections and waits for another of the same pool waits, when everybody does so at once, for
//! nobody but themselves. Where debug assertions are on, so in every test, asking for a second one is a fault.

use std::collections::HashSet;
use std::sync::{LazyLock, Mutex, PoisonError};

use tokio::task::{Id, try_id};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Pool {
    SqliteRead,
    SqliteWrite,
    Postgres,
    /// A few connections for what has to be read in the midst of a transaction, by code that holds none of these.
    Aside,
}

static HOLDERS: LazyLock<Mutex<HashSet<(Id, Pool)>>> = LazyLock::new(Mutex::default);

tokio::task_local! {
    static BESIDE: ();
}

/// What goes on at the same time as other work of its task may wait for a connection: the other work goes on meanwhile.
pub async fn beside<T>(work: impl Future<Output = T>) -> T {
    BESIDE.scope((), work).await
}

fn task() -> Option<Id> {
    let is_beside = BESIDE.try_with(|()| ()).is_ok();
    if cfg!(debug_assertions) && !is_beside { try_id() } else { None }
}

/// Kept as long as the connection is held.
#[derive(Debug)]
pub(super) struct Holding(Option<(Id, Pool)>);

/// To be called before a connection is asked for.
pub(super) fn must_hold_none(pool: Pool) {
    if let Some(task) = task() {
        let holds = HOLDERS.lock().unwrap_or_else(PoisonError::into_inner).contains(&(task, pool));
        assert!(!holds, "a task that holds a connection of {pool:?} asks for a second one");
    }
}

impl Holding {
    pub(super) fn of(pool: Pool) -> Holding {
        let held = task().map(|task| (task, pool));
        if let Some(held) = held {
            HOLDERS.lock().unwrap_or_else(PoisonError::into_inner).insert(held);
        }
        Holding(held)
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        if let Some(held) = self.0 {
            HOLDERS.lock().unwrap_or_else(PoisonError::into_inner).remove(&held);
        }
    }
}
