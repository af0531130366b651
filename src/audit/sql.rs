//! Every statement on `audit` and `read_mark`.

use std::time::Duration;

use uuid::Uuid;

use super::{Entry, Filter, Line, Who};
use crate::{
    clock::Time,
    db::{Tx, Value, batch, params},
    error::Result,
    id::{AuditId, LinkId, OfficeId, PersonId, TokenId, VersionId},
};

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    id: Uuid,
    at: i64,
    who: String,
    person: Option<Uuid>,
    person_name: Option<String>,
    token: Option<Uuid>,
    link: Option<Uuid>,
    via: String,
    office: Option<Uuid>,
    action: String,
    object: Option<String>,
    result: String,
    network: String,
    agent: String,
    request: String,
    detail: String,
}

impl Row {
    pub(super) fn into_line(self) -> Line {
        Line {
            id: AuditId(self.id),
            at: Time(self.at),
            who: self.who,
            person: self.person.map(PersonId),
            person_name: self.person_name,
            token: self.token.map(TokenId),
            link: self.link.map(LinkId),
            office: self.office.map(OfficeId),
            action: self.action,
            object: self.object,
            result: self.result,
            via: self.via,
            network: self.network,
            agent: self.agent,
            request: self.request,
            detail: serde_json::from_str(&self.detail).unwrap_or_default(),
        }
    }
}

pub(super) async fn insert(tx: &mut Tx, id: AuditId, at: Time, entry: &Entry<'_>, detail: String) -> Result<()> {
    let (who, person, token, link) = match entry.who {
        Who::Person(person) => ("person", Some(person), None, None),
        Who::Token(token, person) => ("token", Some(person), Some(token), None),
        Who::Link(link) => ("link", None, None, Some(link)),
        Who::Nobody => ("nobody", None, None, None),
        Who::Machine => ("machine", None, None, None),
    };
    let origin = entry.origin;
    tx.insert(
        "INSERT INTO audit (id, at, who, person, token, link, via, office, action, object, result, network, agent,
            request, detail)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        params![
            id,
            at,
            who,
            person,
            token,
            link,
            origin.via,
            entry.office,
            entry.action,
            entry.object.clone(),
            entry.result,
            &origin.network,
            &origin.agent,
            &origin.request,
            detail
        ],
    )
    .await
}

/// One statement, so that of two parallel readings one leaves the row. A mark of a clock that ran ahead holds nothing back.
pub(super) async fn mark_reading(
    tx: &mut Tx,
    reader: &str,
    version: VersionId,
    kind: &str,
    now: Time,
    window: Duration,
) -> Result<bool> {
    let changed = tx
        .execute(
            "INSERT INTO read_mark (reader, version, kind, at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (reader, version, kind) DO UPDATE SET at = excluded.at
                WHERE read_mark.at <= $5 OR read_mark.at > $6",
            params![reader, version, kind, now, now.minus(window), now.plus(window)],
        )
        .await?;
    Ok(changed == 1)
}

pub(super) async fn forget_marks(tx: &mut Tx, stale: Time) -> Result<u64> {
    tx.execute("DELETE FROM read_mark WHERE at <= $1", params![stale]).await
}

macro_rules! lines {
    () => {
        "SELECT a.id, a.at, a.who, a.person, n.name AS person_name, a.token, a.link, a.via, a.office, a.action,
            a.object, a.result, a.network, a.agent, a.request, a.detail
         FROM audit a LEFT JOIN person n ON n.id = a.person WHERE "
    };
}

/// $17 is the last id of the page before, $18 the office. It is compared in a way that no index serves: SQLite would read
/// all that the office ever did rather than the few rows of these things.
pub(super) const ABOUT: &str = concat!(
    lines!(),
    "a.object IN ",
    batch!(),
    " AND a.id < $17 AND CASE WHEN a.office = $18 THEN TRUE ELSE FALSE END ORDER BY a.id DESC LIMIT $19"
);

/// `objects` are as many as stand in one statement.
pub(super) async fn about(
    tx: &mut Tx,
    office: OfficeId,
    objects: Vec<Value>,
    before: Option<AuditId>,
    limit: i64,
) -> Result<Vec<Row>> {
    let before = before.map_or(Uuid::max(), |id| id.0);
    let values = objects.into_iter().chain(params![before, office, limit]).collect();
    tx.all(ABOUT, values).await
}

pub(super) async fn list(
    tx: &mut Tx,
    office: Option<OfficeId>,
    filter: &Filter,
    before: Option<AuditId>,
    limit: i64,
) -> Result<Vec<Row>> {
    let before = before.map_or(Uuid::max(), |id| id.0);
    tx.all(
        concat!(
            lines!(),
            "a.id < $1 AND ($2 IS NULL OR a.office = $2) AND ($3 IS NULL OR a.person = $3)
            AND ($4 IS NULL OR a.action = $4) AND ($5 IS NULL OR a.object = $5)
            AND ($6 IS NULL OR a.at >= $6) AND ($7 IS NULL OR a.at < $7)
         ORDER BY a.id DESC LIMIT $8"
        ),
        params![
            before,
            office,
            filter.person,
            filter.action.clone(),
            filter.object.clone(),
            filter.from,
            filter.to,
            limit
        ],
    )
    .await
}
