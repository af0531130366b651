//! Logging in, refreshing, logging out, and the sessions of a person.

use axum::{Extension, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{me::PostShown, paging};
use crate::{
    account::{LoggedIn, Login, Opened},
    app::App,
    audit::Origin,
    clock::Time,
    error::{Error, Result},
    http::{Caller, Json, Path, Problem, Query},
    id::{PersonId, SessionId},
};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginBody {
    #[schema(example = "sekdes.setiaasih")]
    login: String,
    password: String,
    /// The six digits of the authenticator app, where it is enrolled.
    code: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct SessionOpened {
    /// Goes into `Authorization: Bearer`.
    pub access_token: String,
    /// Seconds until the access token ends.
    pub expires_in: u64,
    /// Exchanged once for the next pair.
    pub refresh_token: String,
    pub person: PersonShown,
    pub posts: Vec<PostShown>,
}

#[derive(Serialize, ToSchema)]
pub struct PersonShown {
    pub id: PersonId,
    pub login: String,
    pub name: String,
}

/// Logs in. Wrong and unknown logins answer alike; `/errors/login-code` asks for the code of the authenticator app.
#[utoipa::path(
    post, path = "/api/v1/sessions", tag = "people", request_body = LoginBody, security(()),
    responses((status = 201, body = SessionOpened), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn create(
    State(app): State<App>,
    Extension(origin): Extension<Origin>,
    Json(body): Json<LoginBody>,
) -> Result<(StatusCode, axum::Json<SessionOpened>)> {
    let login = Login { login: &body.login, password: &body.password, code: body.code.as_deref() };
    let LoggedIn { person, posts, opened } = app.accounts.login(login, &origin).await?;
    let pair = pair(opened)?;
    let answer = SessionOpened {
        access_token: pair.access_token,
        expires_in: pair.expires_in,
        refresh_token: pair.refresh_token,
        person: PersonShown { id: person.id, login: person.login, name: person.name },
        posts: posts.into_iter().map(PostShown::from).collect(),
    };
    Ok((StatusCode::CREATED, axum::Json(answer)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshBody {
    refresh_token: String,
}

#[derive(Serialize, ToSchema)]
pub struct TokenPair {
    pub access_token: String,
    pub expires_in: u64,
    pub refresh_token: String,
}

/// Exchanges a refresh token for a new pair. A token that is used twice ends the session.
#[utoipa::path(
    post, path = "/api/v1/sessions/refresh", tag = "people", request_body = RefreshBody, security(()),
    responses((status = 200, body = TokenPair), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn refresh(
    State(app): State<App>,
    Extension(origin): Extension<Origin>,
    Json(body): Json<RefreshBody>,
) -> Result<axum::Json<TokenPair>> {
    Ok(axum::Json(pair(app.accounts.refresh(&body.refresh_token, &origin).await?)?))
}

fn pair(opened: Opened) -> Result<TokenPair> {
    match opened {
        Opened::Api { access_token, expires_in, refresh_token, .. } => {
            Ok(TokenPair { access_token, expires_in, refresh_token })
        }
        Opened::Web { .. } => Err(Error::internal("a web session where one of the API was opened")),
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct SessionsQuery {
    limit: Option<i64>,
    cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct Sessions {
    pub items: Vec<SessionShown>,
    pub next_cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct SessionShown {
    pub id: SessionId,
    /// `api` or `web`.
    pub kind: String,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Time,
    #[schema(value_type = String, format = DateTime)]
    pub seen_at: Time,
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Time,
    /// The address shortened to its network.
    pub network: String,
    pub agent: String,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// The caller's own sessions that still hold, newest first.
#[utoipa::path(
    get, path = "/api/v1/sessions", tag = "people", params(SessionsQuery),
    responses((status = 200, body = Sessions), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<SessionsQuery>,
) -> Result<axum::Json<Sessions>> {
    let limit = paging::limit(&app, query.limit)?;
    let before: Option<SessionId> = paging::place(query.cursor.as_deref())?;
    let found = app.accounts.sessions(&caller.actor, before, limit + 1).await?;
    let (found, next_cursor) = paging::cut(found, limit, |session| session.id)?;
    let items = found
        .into_iter()
        .map(|session| SessionShown {
            id: session.id,
            kind: session.kind,
            created_at: session.created_at,
            seen_at: session.seen_at,
            expires_at: session.expires_at,
            network: session.network,
            agent: session.agent,
            current: session.current,
        })
        .collect();
    Ok(axum::Json(Sessions { items, next_cursor }))
}

/// Logs out: the session of this request ends at once.
#[utoipa::path(
    delete, path = "/api/v1/sessions/current", tag = "people",
    responses((status = 204), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn delete_current(State(app): State<App>, caller: Caller) -> Result<StatusCode> {
    app.accounts.end_current(&caller.actor, &caller.origin).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends one of the caller's own sessions at once.
#[utoipa::path(
    delete, path = "/api/v1/sessions/{session}", tag = "people", params(("session" = SessionId, Path)),
    responses((status = 204), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn delete(State(app): State<App>, caller: Caller, Path(session): Path<SessionId>) -> Result<StatusCode> {
    app.accounts.end_session(&caller.actor, session, &caller.origin).await?;
    Ok(StatusCode::NO_CONTENT)
}
