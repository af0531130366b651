//! Share links. A link is a document's pinned version, terms, and a secret of which only the hash is kept. A class allows
//! only so much ([`policy`]); [`Sharing::grant`] makes a link, [`Sharing::open`] counts one opening and gives a ticket,
//! and [`Sharing::use_ticket`] turns that ticket into [`Granted`], the only thing with which a stranger's bytes are
//! opened. Every use looks at the link's row again: what is revoked ends at once, on every node.
//!
//! What a stranger is told never depends on more than they have shown: without the secret, every refusal is the same.

mod code;
pub mod drops;
mod granted;
mod index;
mod link;
mod log;
mod notice;
mod open;
mod policy;
mod protection;
mod refusal;
mod sql;
mod terms;
mod ticket;

pub use code::CodeJob;
pub use granted::{Granted, Reading};
pub use index::{TouchJob, WayIn, links_of, way_in};
pub use link::{Change, Link, LinkState, NewLink, end_all, reclassify};
pub use log::{By, Outcome, Seen};
pub use notice::NotifyJob;
pub use open::{Opened, Peeked, Shown, Visitor};
pub use policy::{longest_days, needs_release, policy, why_not};
pub use refusal::Need;
pub use terms::{Asked, Audience, AudienceKind, Bounds, Rights, Terms};

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::{
    clock::Clock,
    config::{self, Config},
    db::Db,
    document::SecurityClass,
    id::{DocumentId, OfficeId, VersionId},
    queue::Queue,
    seal::{MasterKey, password::Passwords, token::Signer},
};

/// What this room must know of a document; filled from a document that was loaded for the caller.
#[derive(Clone, Copy, Debug)]
pub struct Subject {
    pub document: DocumentId,
    /// The version that the link pins.
    pub version: VersionId,
    /// The owner.
    pub office: OfficeId,
    pub class: SecurityClass,
    pub trashed: bool,
    /// Whether its pages can be shown as pictures, now or once it is read.
    pub has_pictures: bool,
}

/// What the functions of this room need, held together because nearly all of them need all of it.
#[derive(Clone)]
pub struct Sharing {
    db: Db,
    clock: Clock,
    queue: Queue,
    signer: Arc<Signer>,
    passwords: Passwords,
    settings: Arc<Settings>,
    /// One guess at a time for each link on this node: guesses in parallel cannot outrun the counting of wrong ones, and
    /// honest openings in parallel are not taken for guesses.
    turns: Arc<[Mutex<()>; TURNS]>,
    pace: granted::Pace,
}

/// The named limits that bound sharing.
#[derive(Clone, Debug)]
struct Settings {
    links: config::Links,
    throttle: config::Throttle,
    bounds: Bounds,
    zone: TimeZone,
    /// The key of one-time codes: six digits are found by trying when their hash alone lies in the database.
    code_key: [u8; 32],
}

const TURNS: usize = 64;
/// Argon2 at once for links on this node; logins have their own.
const HASHES_AT_ONCE: usize = 2;

impl Sharing {
    pub fn new(
        db: Db,
        clock: Clock,
        queue: Queue,
        master: &MasterKey,
        config: &Config,
        zone: TimeZone,
        has_mail: bool,
    ) -> Sharing {
        let settings = Settings {
            links: config.links.clone(),
            throttle: config.throttle.clone(),
            bounds: Bounds::of(config, has_mail),
            zone,
            code_key: *master.derive("link codes 1"),
        };
        Sharing {
            db,
            clock,
            queue,
            signer: Arc::new(Signer::new(master, "lumbung")),
            passwords: Passwords::new(HASHES_AT_ONCE),
            settings: Arc::new(settings),
            turns: Arc::new(std::array::from_fn(|_| Mutex::new(()))),
            pace: granted::Pace::default(),
        }
    }

    /// What bounds the terms of a request.
    pub fn bounds(&self) -> Bounds {
        self.settings.bounds
    }

    fn turn(&self, link: Uuid) -> &Mutex<()> {
        &self.turns[link.as_u128() as usize % TURNS]
    }

    fn grant_life(&self) -> Duration {
        Duration::from_secs(self.settings.links.grant_minutes * 60)
    }

    /// Beyond this no renewal reaches, counted from the opening.
    fn longest_grant(&self) -> Duration {
        Duration::from_secs(self.settings.links.grant_hours * 3600)
    }
}

#[cfg(test)]
mod tests;
