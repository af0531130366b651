//! Members of an office: who holds which post, inviting, ending, resetting, and what waits for a second person.

use axum::{
    extract::{FromRequest, Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{documents, paging, receiving, tokens};
use crate::{
    access::Role,
    account::{self, Admission, Link, NewMember, Outcome},
    app::App,
    clock::Time,
    error::{Error, Result, say},
    http::{Caller, Json, Path, Problem, Query},
    id::{ConsentId, OfficeId, PersonId, PostId},
    idempotency::{self, Claim},
};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct MembersQuery {
    /// Also posts that have ended.
    #[serde(default)]
    former: bool,
    limit: Option<i64>,
    cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct Members {
    pub items: Vec<MemberShown>,
    pub next_cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct MemberShown {
    pub post: PostId,
    pub person: MemberPerson,
    pub role: Role,
    #[schema(value_type = String, format = DateTime)]
    pub since: Time,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Time>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub activated_at: Option<Time>,
    /// The network from which the account was activated.
    pub activated_from: Option<String>,
    /// Until when an unused activation link works.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub link_until: Option<Time>,
}

#[derive(Serialize, ToSchema)]
pub struct MemberPerson {
    pub id: PersonId,
    pub login: String,
    pub name: String,
    pub email: String,
}

/// Who holds which post, when and from where each account was activated.
#[utoipa::path(
    get, path = "/api/v1/offices/{office}/members", tag = "people", params(("office" = OfficeId, Path), MembersQuery),
    responses((status = 200, body = Members), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(office): Path<OfficeId>,
    Query(query): Query<MembersQuery>,
) -> Result<axum::Json<Members>> {
    let limit = paging::limit(&app, query.limit)?;
    let after: Option<PostId> = paging::place(query.cursor.as_deref())?;
    let found = app.accounts.members(&caller.actor, office, query.former, after, limit + 1).await?;
    let (found, next_cursor) = paging::cut(found, limit, |member| member.post)?;
    let items = found
        .into_iter()
        .map(|member| MemberShown {
            post: member.post,
            person: MemberPerson { id: member.person, login: member.login, name: member.name, email: member.email },
            role: member.role,
            since: member.since,
            until: member.until,
            activated_at: member.activated_at,
            activated_from: member.activated_from,
            link_until: member.link_until,
        })
        .collect();
    Ok(axum::Json(Members { items, next_cursor }))
}

/// Either `login` and `name` for somebody new, or `person` for somebody who has an account.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberBody {
    /// `session.min_login` to `session.max_login` characters.
    login: Option<String>,
    /// At most `session.max_name` characters.
    name: Option<String>,
    #[serde(default)]
    email: String,
    person: Option<PersonId>,
    role: Role,
}

/// What came of an act: a link to hand over, or a request that waits for a second person.
#[derive(Serialize, ToSchema)]
pub struct MemberOutcome {
    /// `done` or `waiting`.
    pub state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post: Option<PostId>,
    /// The request that another head or admin has to agree to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent: Option<ConsentId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activation: Option<Activation>,
}

/// A one-time link to hand to the person, shown once.
#[derive(Serialize, ToSchema)]
pub struct Activation {
    pub url: String,
    /// What stands after `#` in the link.
    pub secret: String,
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Time,
}

pub(super) fn activation(app: &App, link: Link) -> Activation {
    let url = account::activation_url(app.public_url(), &link.secret);
    Activation { url, secret: link.secret, expires_at: link.expires_at }
}

fn outcome(app: &App, outcome: Outcome) -> MemberOutcome {
    match outcome {
        Outcome::Done { person, post, link } => MemberOutcome {
            state: "done",
            person: Some(person),
            post,
            consent: None,
            activation: link.map(|link| activation(app, link)),
        },
        Outcome::Waits(consent) => {
            MemberOutcome { state: "waiting", person: None, post: None, consent: Some(consent), activation: None }
        }
    }
}

/// Gives somebody a post. A new head waits for a second person (`state: waiting`).
#[utoipa::path(
    post, path = "/api/v1/offices/{office}/members", tag = "people", request_body = MemberBody,
    params(("office" = OfficeId, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = MemberOutcome), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Path(office): Path<OfficeId>,
    request: Request,
) -> Result<Response> {
    account::may_change_members(&caller.actor, office)?;
    let name = receiving::repeat_name(&app, request.headers(), office, "members")?;
    let Json(body) = <Json<MemberBody> as FromRequest<App>>::from_request(request, &app).await?;
    let mut claim = idempotency::claim(&app.db, &app.clock, app.repeat_key(), name).await?;
    let digest = tokens::content(&caller, &body)?;
    if let Claim::Done(done) = claim {
        return Ok(documents::created(done.answer(&digest)?));
    }
    let new = NewMember { who: admission(&body)?, role: body.role };
    let mut tx = app.db.write().await?;
    let done = app.accounts.admit_member_in(&mut tx, &caller.actor, office, new, &caller.origin).await?;
    let answer = serde_json::to_vec(&outcome(&app, done)).map_err(Error::internal)?;
    documents::commit(tx, &mut claim, &digest, &answer).await?;
    Ok(documents::created(answer))
}

fn admission(body: &MemberBody) -> Result<Admission<'_>> {
    match (&body.person, &body.login) {
        (Some(person), None) if body.name.is_none() && body.email.is_empty() => Ok(Admission::Known(*person)),
        (None, Some(login)) => {
            let missing = || Error::invalid("/name", say("Nama wajib diisi.", "A name is needed."));
            let name = body.name.as_deref().ok_or_else(missing)?;
            Ok(Admission::New { login, name, email: &body.email })
        }
        _ => Err(Error::invalid(
            "/login",
            say(
                "Isi login dan name untuk orang baru, atau person saja untuk yang sudah berakun.",
                "Give login and name for somebody new, or person alone for somebody who has an account.",
            ),
        )),
    }
}

/// Ends a post. The archive stays with the office.
#[utoipa::path(
    delete, path = "/api/v1/offices/{office}/members/{post}", tag = "people",
    params(("office" = OfficeId, Path), ("post" = PostId, Path)),
    responses((status = 204), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path((office, post)): Path<(OfficeId, PostId)>,
) -> Result<StatusCode> {
    app.accounts.end_post(&caller.actor, office, post, &caller.origin).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A fresh activation link for somebody who never activated (200); for an activated account a request that a second person
/// has to agree to (202).
#[utoipa::path(
    post, path = "/api/v1/offices/{office}/members/{post}/reset", tag = "people",
    params(("office" = OfficeId, Path), ("post" = PostId, Path)),
    responses(
        (status = 200, body = MemberOutcome), (status = 202, body = MemberOutcome),
        (status = "4XX", body = Problem), (status = "5XX", body = Problem)
    )
)]
pub async fn reset(
    State(app): State<App>,
    caller: Caller,
    Path((office, post)): Path<(OfficeId, PostId)>,
) -> Result<Response> {
    let done = app.accounts.reset(&caller.actor, office, post, &caller.origin).await?;
    let status = if matches!(done, Outcome::Waits(_)) { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok((status, axum::Json(outcome(&app, done))).into_response())
}
