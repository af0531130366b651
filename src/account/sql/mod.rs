//! Every statement on the tables of people.

mod consent;
mod held;
mod person;
mod session;
mod throttle;
mod token;

pub(super) use consent::*;
pub(super) use held::*;
pub(super) use person::*;
pub(super) use session::*;
pub(super) use throttle::*;
pub(super) use token::*;

use crate::{
    clock::Time,
    db::{Tx, params},
    error::Result,
};

pub(super) async fn sweep(tx: &mut Tx, now: Time, forgotten: Time) -> Result<()> {
    tx.execute("DELETE FROM refresh WHERE expires_at < $1", params![now]).await?;
    tx.execute("DELETE FROM throttle WHERE first_at < $1 AND blocked_to < $2", params![forgotten, now]).await?;
    Ok(())
}
