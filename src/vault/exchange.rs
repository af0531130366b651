//! A copy takes a former object's place, in two steps around the put that makes it: before it is there it is known, so that a copy
//! which no row comes to name leaves the store by itself; the transaction that names it discards the former one.

use std::time::Duration;

use super::sql::{discard, keep};
use crate::{
    clock::Clock,
    db::{Db, Tx},
    error::{Error, Result},
};

/// No copy takes so long; one that no row names by then goes.
const COPIED: Duration = Duration::from_secs(7 * 86_400);

/// Whoever reads a former object has ended by then.
const READERS_END: Duration = Duration::from_secs(900);

pub async fn announce_copy(db: &Db, clock: &Clock, copy: &str) -> Result<()> {
    let mut tx = db.write().await?;
    discard(&mut tx, copy, clock.now().plus(COPIED)).await?;
    tx.commit().await
}

pub async fn exchange_for_copy(tx: &mut Tx, clock: &Clock, former: &str, copy: &str) -> Result<()> {
    if !keep(tx, copy).await? {
        return Err(Error::internal("the copy took longer than it was kept"));
    }
    discard(tx, former, clock.now().plus(READERS_END)).await
}
