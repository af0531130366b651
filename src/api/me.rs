//! Who is asking, what they may do, and their own password and one-time codes.

use axum::{extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    access::{Act, Role, TokenScope, Via},
    account::{self, Posting},
    app::App,
    clock::Time,
    error::{Error, Result},
    http::{Caller, Json, Problem},
    id::PersonId,
    office::{self, Brief},
};

#[derive(Serialize, ToSchema)]
pub struct Me {
    pub person: Myself,
    /// The office that acts in this request.
    pub office: Brief,
    /// The roles in that office.
    pub roles: Vec<Role>,
    /// Every active post; the header `Lumbung-Office` chooses between offices.
    pub posts: Vec<PostShown>,
    /// What role and token allow together.
    pub may: Vec<Act>,
    /// `session`, `web` or `token`.
    pub via: &'static str,
    /// The scopes of the token that asks.
    pub scopes: Option<Vec<TokenScope>>,
}

#[derive(Serialize, ToSchema)]
pub struct Myself {
    pub id: PersonId,
    pub login: String,
    pub name: String,
    pub email: String,
    /// Whether a one-time code is asked for at login.
    pub totp: bool,
}

/// A post that holds.
#[derive(Serialize, ToSchema)]
pub struct PostShown {
    pub office: Brief,
    pub role: Role,
    #[schema(value_type = String, format = DateTime)]
    pub since: Time,
}

impl From<Posting> for PostShown {
    fn from(posting: Posting) -> PostShown {
        PostShown { office: posting.office, role: posting.role, since: posting.since }
    }
}

/// Who is asking and what they may do.
#[utoipa::path(
    get, path = "/api/v1/me", tag = "people",
    responses((status = 200, body = Me), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn get(State(app): State<App>, caller: Caller) -> Result<axum::Json<Me>> {
    let actor = &caller.actor;
    let mut tx = app.db.read().await?;
    let person = account::person(&mut tx, actor.person()).await?.ok_or_else(Error::unauthorized)?;
    let office = office::find(&mut tx, actor.office()).await?.ok_or_else(Error::unauthorized)?;
    let posts = account::postings(&mut tx, &app.clock, actor.person()).await?;
    let (via, scopes) = match actor.via() {
        Via::Session(_) => ("session", None),
        Via::Web(_) => ("web", None),
        Via::Token { scopes, .. } => ("token", Some(scopes.clone())),
    };
    // A token acts in one office and tells nothing of its maker's other posts.
    let is_token = scopes.is_some();
    let posts = posts.into_iter().filter(|post| !is_token || post.office.id == actor.office());
    Ok(axum::Json(Me {
        person: Myself {
            id: person.id,
            login: person.login,
            name: person.name,
            email: person.email,
            totp: person.has_totp,
        },
        office: office.brief(),
        roles: actor.roles().to_vec(),
        posts: posts.map(PostShown::from).collect(),
        may: Act::ALL.into_iter().filter(|act| actor.may(*act)).collect(),
        via,
        scopes,
    }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    /// The present password.
    password: String,
    new_password: String,
}

/// Changes the caller's password and ends their other sessions.
#[utoipa::path(
    put, path = "/api/v1/me/password", tag = "people", request_body = NewPassword,
    responses((status = 204), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn password(State(app): State<App>, caller: Caller, Json(body): Json<NewPassword>) -> Result<StatusCode> {
    app.accounts.change_password(&caller.actor, &body.password, &body.new_password, &caller.origin).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Serialize, ToSchema)]
pub struct TotpSecret {
    /// In base32, to be typed into the authenticator app.
    pub secret: String,
    /// `otpauth://…`, to be shown as a QR code.
    pub url: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TotpBegin {
    /// The present password.
    password: String,
}

/// Begins enrolling one-time codes, by the password; they are asked for only after `PUT` confirmed one.
#[utoipa::path(
    post, path = "/api/v1/me/totp", tag = "people", request_body = TotpBegin,
    responses((status = 201, body = TotpSecret), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn enrol(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<TotpBegin>,
) -> Result<(StatusCode, axum::Json<TotpSecret>)> {
    let enrolment = app.accounts.enrol_totp(&caller.actor, &body.password, &caller.origin).await?;
    Ok((StatusCode::CREATED, axum::Json(TotpSecret { secret: enrolment.secret, url: enrolment.url })))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TotpCode {
    /// The six digits that the app shows.
    code: String,
}

/// Confirms the app's first code: from the next login on a code is asked for.
#[utoipa::path(
    put, path = "/api/v1/me/totp", tag = "people", request_body = TotpCode,
    responses((status = 204), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn confirm(State(app): State<App>, caller: Caller, Json(body): Json<TotpCode>) -> Result<StatusCode> {
    app.accounts.confirm_totp(&caller.actor, &body.code, &caller.origin).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TotpEnd {
    password: String,
    code: String,
}

/// Turns one-time codes off, by the password and a code.
#[utoipa::path(
    delete, path = "/api/v1/me/totp", tag = "people", request_body = TotpEnd,
    responses((status = 204), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn disable(State(app): State<App>, caller: Caller, Json(body): Json<TotpEnd>) -> Result<StatusCode> {
    app.accounts.disable_totp(&caller.actor, &body.password, &body.code, &caller.origin).await?;
    Ok(StatusCode::NO_CONTENT)
}
