//! `consent`: what waits for a second person.

use uuid::Uuid;

use crate::{
    clock::Time,
    db::{Tx, params},
    error::Result,
    id::{ConsentId, OfficeId, PersonId},
};

#[derive(sqlx::FromRow)]
pub(in crate::account) struct ConsentRow {
    pub id: Uuid,
    pub kind: String,
    pub person: Uuid,
    pub person_name: String,
    pub asked_by: Uuid,
    pub asked_by_name: String,
    pub asked_as: String,
    pub asked_at: i64,
    pub expires_at: i64,
    pub state: String,
    pub decided_by: Option<Uuid>,
    pub decided_at: Option<i64>,
}

pub(in crate::account) struct NewConsent {
    pub id: ConsentId,
    pub office: OfficeId,
    pub kind: &'static str,
    pub person: PersonId,
    pub asked_by: PersonId,
    pub asked_as: &'static str,
    pub now: Time,
    pub expires_at: Time,
}

pub(in crate::account) async fn insert_consent(tx: &mut Tx, new: &NewConsent) -> Result<()> {
    tx.execute(
        "INSERT INTO consent (id, office, kind, person, asked_by, asked_as, asked_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        params![new.id, new.office, new.kind, new.person, new.asked_by, new.asked_as, new.now, new.expires_at],
    )
    .await
    .map(drop)
}

pub(in crate::account) async fn consent(tx: &mut Tx, office: OfficeId, id: ConsentId) -> Result<Option<ConsentRow>> {
    tx.one(
        "SELECT c.id, c.kind, c.person, n.name AS person_name, c.asked_by, a.name AS asked_by_name,
            c.asked_as, c.asked_at, c.expires_at, c.state, c.decided_by, c.decided_at
         FROM consent c JOIN person n ON n.id = c.person JOIN person a ON a.id = c.asked_by
         WHERE c.office = $1 AND c.id = $2",
        params![office, id],
    )
    .await
}

/// Newest first: what waits, and what was decided since a moment.
pub(in crate::account) async fn consents(
    tx: &mut Tx,
    office: OfficeId,
    since: Time,
    before: Option<ConsentId>,
    limit: i64,
) -> Result<Vec<ConsentRow>> {
    tx.all(
        "SELECT c.id, c.kind, c.person, n.name AS person_name, c.asked_by, a.name AS asked_by_name,
            c.asked_as, c.asked_at, c.expires_at, c.state, c.decided_by, c.decided_at
         FROM consent c JOIN person n ON n.id = c.person JOIN person a ON a.id = c.asked_by
         WHERE c.office = $1 AND c.asked_at >= $2 AND c.id < $3 ORDER BY c.id DESC LIMIT $4",
        params![office, since, before.map_or(Uuid::max(), |id| id.0), limit],
    )
    .await
}

/// True for one caller only, and only while it waits.
pub(in crate::account) async fn decide_consent(
    tx: &mut Tx,
    id: ConsentId,
    state: &'static str,
    by: PersonId,
    now: Time,
) -> Result<bool> {
    let changed = tx
        .execute(
            "UPDATE consent SET state = $2, decided_by = $3, decided_at = $4
             WHERE id = $1 AND state = 'waiting' AND expires_at > $4",
            params![id, state, by, now],
        )
        .await?;
    Ok(changed == 1)
}

/// An older request for the same thing gives way to the newer one.
pub(in crate::account) async fn withdraw_consents(
    tx: &mut Tx,
    office: OfficeId,
    person: PersonId,
    kind: &'static str,
    by: PersonId,
    now: Time,
) -> Result<()> {
    tx.execute(
        "UPDATE consent SET state = 'refused', decided_by = $4, decided_at = $5
         WHERE office = $1 AND person = $2 AND kind = $3 AND state = 'waiting'",
        params![office, person, kind, by, now],
    )
    .await
    .map(drop)
}
