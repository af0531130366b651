//! API tokens of an office.

use axum::{
    extract::{FromRequest, Request, State},
    http::StatusCode,
    response::Response,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{documents, paging, receiving};
use crate::{
    access::TokenScope,
    account::{self, NewToken, Token},
    app::App,
    clock::Time,
    error::{Error, Result},
    http::{Caller, Json, Path, Problem, Query},
    id::{OfficeId, PersonId, TokenId},
    idempotency::{self, Claim},
};

#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenBody {
    /// At most `session.max_token_label` characters.
    #[schema(example = "mesin pindai")]
    label: String,
    scopes: Vec<TokenScope>,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Time,
}

#[derive(Serialize, ToSchema)]
pub struct TokenShown {
    pub id: TokenId,
    pub label: String,
    pub scopes: Vec<TokenScope>,
    pub maker: Maker,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Time,
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Time,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Time>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub seen_at: Option<Time>,
    /// `lmb_…`, in the answer to its making and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// Whose present rights bound the token.
#[derive(Serialize, ToSchema)]
pub struct Maker {
    pub id: PersonId,
    pub name: String,
}

/// Makes a token for the caller's office. It never does more than its scopes and the caller's roles both allow.
#[utoipa::path(
    post, path = "/api/v1/offices/{office}/tokens", tag = "people", request_body = TokenBody,
    params(("office" = OfficeId, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = TokenShown), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Path(office): Path<OfficeId>,
    request: Request,
) -> Result<Response> {
    account::may_handle_tokens(&caller.actor, office)?;
    let name = receiving::repeat_name(&app, request.headers(), office, "tokens")?;
    let Json(body) = <Json<TokenBody> as FromRequest<App>>::from_request(request, &app).await?;
    let mut claim = idempotency::claim(&app.db, &app.clock, app.repeat_key(), name).await?;
    let digest = content(&caller, &body)?;
    if let Claim::Done(done) = claim {
        return Ok(documents::created(done.answer(&digest)?));
    }
    let new = NewToken { label: &body.label, scopes: body.scopes, expires_at: body.expires_at };
    let mut tx = app.db.write().await?;
    let (token, secret) = app.accounts.create_token_in(&mut tx, &caller.actor, office, new, &caller.origin).await?;
    let answer = serde_json::to_vec(&shown(token, Some(secret))).map_err(Error::internal)?;
    documents::commit(tx, &mut claim, &digest, &answer).await?;
    Ok(documents::created(answer))
}

/// A repeat counts as one only from the same person: nobody else is given the secret of the first answer.
pub(super) fn content(caller: &Caller, body: &impl Serialize) -> Result<[u8; 32]> {
    let body = serde_json::to_vec(body).map_err(Error::internal)?;
    Ok(idempotency::digest(&[caller.actor.person().0.as_bytes(), &body]))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct TokensQuery {
    limit: Option<i64>,
    cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct Tokens {
    pub items: Vec<TokenShown>,
    pub next_cursor: Option<String>,
}

/// Tokens, newest first: the office's for its heads and admins, their own for others.
#[utoipa::path(
    get, path = "/api/v1/offices/{office}/tokens", tag = "people", params(("office" = OfficeId, Path), TokensQuery),
    responses((status = 200, body = Tokens), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(office): Path<OfficeId>,
    Query(query): Query<TokensQuery>,
) -> Result<axum::Json<Tokens>> {
    account::may_handle_tokens(&caller.actor, office)?;
    let limit = paging::limit(&app, query.limit)?;
    let before: Option<TokenId> = paging::place(query.cursor.as_deref())?;
    let found = app.accounts.tokens(&caller.actor, office, before, limit + 1).await?;
    let (found, next_cursor) = paging::cut(found, limit, |token| token.id)?;
    let items = found.into_iter().map(|token| shown(token, None)).collect();
    Ok(axum::Json(Tokens { items, next_cursor }))
}

/// Ends a token at once.
#[utoipa::path(
    delete, path = "/api/v1/offices/{office}/tokens/{token}", tag = "people",
    params(("office" = OfficeId, Path), ("token" = TokenId, Path)),
    responses((status = 204), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path((office, token)): Path<(OfficeId, TokenId)>,
) -> Result<StatusCode> {
    app.accounts.end_token(&caller.actor, office, token, &caller.origin).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a token over, so that it outlives its maker's post; from then on the caller's rights bound it.
#[utoipa::path(
    post, path = "/api/v1/offices/{office}/tokens/{token}/adopt", tag = "people",
    params(("office" = OfficeId, Path), ("token" = TokenId, Path)),
    responses((status = 200, body = TokenShown), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn adopt(
    State(app): State<App>,
    caller: Caller,
    Path((office, token)): Path<(OfficeId, TokenId)>,
) -> Result<axum::Json<TokenShown>> {
    let token = app.accounts.adopt_token(&caller.actor, office, token, &caller.origin).await?;
    Ok(axum::Json(shown(token, None)))
}

fn shown(token: Token, secret: Option<String>) -> TokenShown {
    TokenShown {
        id: token.id,
        label: token.label,
        scopes: token.scopes,
        maker: Maker { id: token.maker, name: token.maker_name },
        created_at: token.created_at,
        expires_at: token.expires_at,
        ended_at: token.ended_at,
        seen_at: token.seen_at,
        token: secret,
    }
}
