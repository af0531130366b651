//! Who did what, for which office, when and from where. A row is appended in the transaction of the act, so that neither
//! exists without the other; it holds ids, never titles or names of files.

mod sql;

use std::cmp::Reverse;
use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    access::{Act, Actor, Role, Via},
    clock::{Clock, Time},
    db::{Tx, batches},
    error::Result,
    id::{AuditId, LinkId, OfficeId, PersonId, TokenId, VersionId},
};

/// Where a request came from: an address shortened to its network, the family of the program, the id of the request.
#[derive(Clone, Debug)]
pub struct Origin {
    pub via: &'static str,
    pub network: String,
    pub agent: String,
    pub request: String,
}

impl Origin {
    /// What the machine does by itself, or what its operator does beside the running server.
    pub fn machine() -> Origin {
        Origin { via: "machine", network: "-".into(), agent: "-".into(), request: "-".into() }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Person(PersonId),
    /// A token, and the person who made it.
    Token(TokenId, PersonId),
    Link(LinkId),
    Nobody,
    Machine,
}

impl From<&Actor> for Who {
    fn from(actor: &Actor) -> Who {
        match actor.via() {
            Via::Token { id, .. } => Who::Token(*id, actor.person()),
            Via::Session(_) | Via::Web(_) => Who::Person(actor.person()),
        }
    }
}

/// One act to be recorded.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    pub who: Who,
    /// The office whose archive or affairs this is about: a reading of a document is told to the document's owner.
    pub office: Option<OfficeId>,
    /// Such as `document.read` or `session.begin`.
    pub action: &'static str,
    /// The typed id of what was acted on.
    pub object: Option<String>,
    /// Such as `ok` or `refused`.
    pub result: &'static str,
    pub origin: &'a Origin,
    /// A JSON object of ids and figures.
    pub detail: serde_json::Value,
}

pub async fn record(tx: &mut Tx, clock: &Clock, entry: Entry<'_>) -> Result<()> {
    let detail = if entry.detail.is_object() { entry.detail.to_string() } else { "{}".to_owned() };
    sql::insert(tx, AuditId::fresh(clock), clock.now(), &entry, detail).await
}

/// Between two rows of one reader for one version and kind of reading.
const READ_ONCE: Duration = Duration::from_secs(15 * 60);

/// Records a reading unless the same reader left a row for this version and kind in the last 15 minutes, so that ranges
/// and page pictures cost one row. True when a row was written.
pub async fn read_once(
    tx: &mut Tx,
    clock: &Clock,
    reader: &str,
    version: VersionId,
    kind: &'static str,
    entry: Entry<'_>,
) -> Result<bool> {
    let now = clock.now();
    let is_first = sql::mark_reading(tx, reader, version, kind, now, READ_ONCE).await?;
    if is_first {
        record(tx, clock, entry).await?;
    }
    Ok(is_first)
}

/// Drops marks that no longer hold back a row. For the housekeeping job.
pub async fn forget_marks(tx: &mut Tx, clock: &Clock) -> Result<u64> {
    sql::forget_marks(tx, clock.now().minus(READ_ONCE)).await
}

/// How much of the audit somebody may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    All,
    Office(OfficeId),
}

impl Scope {
    /// An auditor reads all of it; an office, by its head or admin, what is about itself.
    pub fn of(actor: &Actor) -> Result<Scope> {
        actor.must(Act::Audit)?;
        Ok(if actor.has(Role::Auditor) { Scope::All } else { Scope::Office(actor.office()) })
    }
}

#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub office: Option<OfficeId>,
    pub person: Option<PersonId>,
    pub action: Option<String>,
    pub object: Option<String>,
    pub from: Option<Time>,
    pub to: Option<Time>,
}

/// One line of the audit.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Line {
    pub id: AuditId,
    #[schema(value_type = String, format = DateTime)]
    pub at: Time,
    /// `person`, `token`, `link`, `nobody` or `machine`.
    pub who: String,
    pub person: Option<PersonId>,
    pub person_name: Option<String>,
    pub token: Option<TokenId>,
    pub link: Option<LinkId>,
    /// The office whose archive or affairs this is about.
    pub office: Option<OfficeId>,
    pub action: String,
    pub object: Option<String>,
    pub result: String,
    pub via: String,
    pub network: String,
    pub agent: String,
    pub request: String,
    #[schema(value_type = Object)]
    pub detail: serde_json::Value,
}

/// Newest first; `before` is the last id of the page before.
pub async fn list(
    tx: &mut Tx,
    scope: Scope,
    filter: &Filter,
    before: Option<AuditId>,
    limit: i64,
) -> Result<Vec<Line>> {
    let office = match (scope, filter.office) {
        (Scope::All, wanted) => wanted,
        (Scope::Office(own), Some(wanted)) if wanted != own => return Ok(Vec::new()),
        (Scope::Office(own), _) => Some(own),
    };
    let rows = sql::list(tx, office, filter, before, limit).await?;
    Ok(rows.into_iter().map(sql::Row::into_line).collect())
}

/// What happened to these things of an office, newest first; no thing is named twice.
pub async fn about(
    tx: &mut Tx,
    office: OfficeId,
    objects: &[String],
    before: Option<AuditId>,
    limit: i64,
) -> Result<Vec<Line>> {
    let objects: Vec<&str> = objects.iter().map(String::as_str).collect();
    let mut lines = Vec::new();
    for objects in batches(&objects) {
        let rows = sql::about(tx, office, objects, before, limit).await?;
        lines.extend(rows.into_iter().map(sql::Row::into_line));
    }
    lines.sort_unstable_by_key(|line| Reverse(line.id));
    lines.truncate(usize::try_from(limit).unwrap_or(0));
    Ok(lines)
}

#[cfg(test)]
mod tests;
