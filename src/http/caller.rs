//! Who is calling. A handler that takes a [`Caller`] cannot run for nobody.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, Method, header, request::Parts},
};

use super::{pace::Pace, strict};
use crate::{
    access::Actor,
    account::Credentials,
    app::App,
    audit::Origin,
    error::{Error, Result, say},
    id::OfficeId,
};

/// Somebody who proved who they are, and where the request came from.
#[derive(Clone, Debug)]
pub struct Caller {
    pub actor: Actor,
    pub origin: Origin,
}

/// Perhaps somebody; for pages and calls that strangers may use too.
#[derive(Clone, Debug)]
pub struct Who {
    pub actor: Option<Actor>,
    pub origin: Origin,
}

/// The name of the web session's cookie.
pub const COOKIE: &str = "lumbung";

impl FromRequestParts<App> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Caller> {
        let Who { actor, origin } = Who::from_request_parts(parts, app).await?;
        let actor = actor.ok_or_else(Error::unauthorized)?;
        strict::check(parts)?;
        Ok(Caller { actor, origin })
    }
}

impl FromRequestParts<App> for Who {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Who> {
        let origin = parts.extensions.get::<Origin>().cloned().unwrap_or_else(Origin::machine);
        let acting = acting_office(parts)?;
        let bearer = bearer(&parts.headers);
        let cookie = cookie(parts, COOKIE);
        let credentials = match (&bearer, &cookie) {
            (Some(token), _) => Credentials::Bearer(token),
            (None, Some(cookie)) => {
                same_origin(app, parts)?;
                Credentials::Cookie(cookie)
            }
            (None, None) => return Ok(Who { actor: None, origin }),
        };
        let actor = app.accounts.authenticate(credentials, acting).await?;
        if let (Some(_), Some(pace)) = (&actor, parts.extensions.get::<Pace>()) {
            pace.prove(&parts.headers);
        }
        Ok(Who { actor, origin })
    }
}

fn acting_office(parts: &Parts) -> Result<Option<OfficeId>> {
    let Some(value) = parts.headers.get("lumbung-office") else { return Ok(None) };
    value.to_str().ok().and_then(|text| text.parse().ok()).map(Some).ok_or_else(|| {
        Error::bad_request(
            "lumbung-office",
            say(
                "Kepala Lumbung-Office harus berupa id kantor (ofc_…).",
                "The header Lumbung-Office must be an office id (ofc_…).",
            ),
        )
    })
}

/// What a request shows to prove who asks: a bearer's token before a page's cookie.
pub fn credential(headers: &HeaderMap) -> Option<String> {
    bearer(headers).or_else(|| cookie_in(headers, COOKIE))
}

/// The token of `Authorization: Bearer`.
fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

pub fn cookie(parts: &Parts, name: &str) -> Option<String> {
    cookie_in(&parts.headers, name)
}

fn cookie_in(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
}

/// A cookie is sent by the browser whoever asks it to: an unsafe method must come from our own pages.
fn same_origin(app: &App, parts: &Parts) -> Result<()> {
    if matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let fine = match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => site == "same-origin" || site == "none",
        (None, Some(origin)) => {
            let host = text("host").unwrap_or("");
            let is_ours =
                origin == app.public_url() || origin.split_once("://").is_some_and(|(_, theirs)| theirs == host);
            // Pages of links send no referrer, and with it no origin; the cookie itself comes from our own site only.
            is_ours || origin == "null" && parts.uri.path().starts_with("/s/")
        }
        (None, None) => false,
    };
    if fine { Ok(()) } else { Err(foreign()) }
}

fn foreign() -> Error {
    Error::forbidden(
        "foreign-origin",
        say(
            "Permintaan ini datang dari situs lain dan ditolak. Buka Lumbung langsung, lalu ulangi.",
            "This request came from another site and was refused. Open Lumbung itself and repeat it.",
        ),
    )
}
