//! What one person alone must not do waits here for a second one; every member of the office sees it for a year.

use axum::{extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    members::{Activation, activation},
    paging,
    tokens::Maker,
};
use crate::{
    account::{Consent, Decision},
    app::App,
    clock::Time,
    error::Result,
    http::{Caller, Path, Problem, Query},
    id::{ConsentId, OfficeId, PersonId},
};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ConsentsQuery {
    limit: Option<i64>,
    cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct Consents {
    pub items: Vec<ConsentShown>,
    pub next_cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct ConsentShown {
    pub id: ConsentId,
    /// `head`: make this person a head. `reset`: void this person's credentials.
    pub kind: String,
    pub person: Maker,
    pub asked_by: Maker,
    /// `office`, `provisioner` or `platform_admin`.
    pub asked_as: String,
    #[schema(value_type = String, format = DateTime)]
    pub asked_at: Time,
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Time,
    /// `waiting`, `agreed`, `refused` or `expired`.
    pub state: String,
    pub decided_by: Option<PersonId>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub decided_at: Option<Time>,
}

/// Requests of the last year, newest first.
#[utoipa::path(
    get, path = "/api/v1/offices/{office}/consents", tag = "people",
    params(("office" = OfficeId, Path), ConsentsQuery),
    responses((status = 200, body = Consents), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(office): Path<OfficeId>,
    Query(query): Query<ConsentsQuery>,
) -> Result<axum::Json<Consents>> {
    let limit = paging::limit(&app, query.limit)?;
    let before: Option<ConsentId> = paging::place(query.cursor.as_deref())?;
    let found = app.accounts.consents(&caller.actor, office, before, limit + 1).await?;
    let (found, next_cursor) = paging::cut(found, limit, |consent| consent.id)?;
    let items = found.into_iter().map(shown).collect();
    Ok(axum::Json(Consents { items, next_cursor }))
}

#[derive(Serialize, ToSchema)]
pub struct ConsentDecided {
    pub consent: ConsentShown,
    /// The link to hand over, where the person has to activate the account with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activation: Option<Activation>,
}

/// Agrees, as the second person: neither who asked nor who it is about.
#[utoipa::path(
    post, path = "/api/v1/offices/{office}/consents/{consent}/agree", tag = "people",
    params(("office" = OfficeId, Path), ("consent" = ConsentId, Path)),
    responses((status = 200, body = ConsentDecided), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn agree(
    State(app): State<App>,
    caller: Caller,
    Path((office, consent)): Path<(OfficeId, ConsentId)>,
) -> Result<axum::Json<ConsentDecided>> {
    let decided = app.accounts.decide(&caller.actor, office, consent, Decision::Agree, &caller.origin).await?;
    let activation = decided.link.map(|link| activation(&app, link));
    Ok(axum::Json(ConsentDecided { consent: shown(decided.consent), activation }))
}

/// Refuses, or withdraws one's own request.
#[utoipa::path(
    delete, path = "/api/v1/offices/{office}/consents/{consent}", tag = "people",
    params(("office" = OfficeId, Path), ("consent" = ConsentId, Path)),
    responses((status = 204), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn refuse(
    State(app): State<App>,
    caller: Caller,
    Path((office, consent)): Path<(OfficeId, ConsentId)>,
) -> Result<StatusCode> {
    app.accounts.decide(&caller.actor, office, consent, Decision::Refuse, &caller.origin).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn shown(consent: Consent) -> ConsentShown {
    ConsentShown {
        id: consent.id,
        kind: consent.kind,
        person: Maker { id: consent.person, name: consent.person_name },
        asked_by: Maker { id: consent.asked_by, name: consent.asked_by_name },
        asked_as: consent.asked_as,
        asked_at: consent.asked_at,
        expires_at: consent.expires_at,
        state: consent.state,
        decided_by: consent.decided_by,
        decided_at: consent.decided_at,
    }
}
