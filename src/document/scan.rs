//! What an antivirus daemon said of a version.

use super::ScanState;
use crate::{
    db::{Tx, params},
    error::Result,
    id::VersionId,
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scan {
    Unchecked,
    Clean,
    /// With the name of what was found.
    Infected(String),
}

impl Scan {
    /// A word of a newer program counts as not checked.
    pub(super) fn of(state: &str, found: String) -> Scan {
        match ScanState::parse(state) {
            Some(ScanState::Clean) => Scan::Clean,
            Some(ScanState::Infected) => Scan::Infected(found),
            Some(ScanState::Unchecked) | None => Scan::Unchecked,
        }
    }

    pub fn state(&self) -> ScanState {
        match self {
            Scan::Unchecked => ScanState::Unchecked,
            Scan::Clean => ScanState::Clean,
            Scan::Infected(_) => ScanState::Infected,
        }
    }

    pub fn found(&self) -> Option<&str> {
        match self {
            Scan::Infected(found) => Some(found),
            Scan::Unchecked | Scan::Clean => None,
        }
    }
}

pub async fn settle_scan(tx: &mut Tx, version: VersionId, scan: &Scan) -> Result<()> {
    tx.execute(
        "UPDATE version SET scan = $2, scan_found = $3 WHERE id = $1",
        params![version, scan.state().as_str(), scan.found().unwrap_or_default()],
    )
    .await
    .map(drop)
}
