//! The ticket of one opening: a short JWT that names the grant's row and says again to what it is bound. It opens nothing
//! by itself; each use looks at that row.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    clock::Time,
    error::Result,
    seal::token::{Signer, Use},
};

const USE: Use = Use { typ: "grant+jwt", audience: "link" };

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ticket {
    pub grant: Uuid,
    pub link: Uuid,
    pub version: Uuid,
    pub rights: String,
}

impl Ticket {
    pub(super) fn sign(&self, signer: &Signer, now: Time, lives: Duration) -> Result<String> {
        signer.issue(USE, now, lives, self)
    }

    pub(super) fn read(signer: &Signer, now: Time, text: &str) -> Option<Ticket> {
        signer.verify(USE, now, text).ok()
    }
}
