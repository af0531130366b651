//! Answers of the web: a rendered page, a redirect, and the calm page into which every refusal turns.

use std::sync::Arc;

use askama::Template;
use axum::{
    body::Body,
    extract::{FromRequestParts, Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::frame::{Frame, Visit};
use crate::{
    app::App,
    error::{Error, Kind, Result, say},
};

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

pub fn show<T: Template>(page: &T) -> Result<Response> {
    show_as(StatusCode::OK, page)
}

/// A form with mistakes is a page too, with a status that says so.
pub fn show_as<T: Template>(status: StatusCode, page: &T) -> Result<Response> {
    let text = page.render().map_err(Error::internal)?;
    Ok((status, [(header::CONTENT_TYPE, HTML)], text).into_response())
}

/// After a form: the browser asks for the next page with GET, so that reloading repeats nothing.
pub fn go(to: &str) -> Response {
    let to = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response()
}

/// A place on this server, from a field that anybody could have written.
pub fn own_path(text: &str) -> &str {
    let is_own =
        text.starts_with('/') && !text.starts_with("//") && !text.contains(|c: char| c == '\\' || c.is_control());
    if is_own { text } else { "/" }
}

/// A text inside a query.
pub fn quoted(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[derive(Template)]
#[template(path = "refusal.html")]
struct RefusalPage {
    f: Frame,
    title: String,
    detail: String,
    request: String,
    /// Of somebody who was sent a link: there is no start of theirs to go to.
    is_stranger: bool,
}

/// Around every page: refuses forms of other sites, and turns an error into a page that says what to do next.
pub async fn around(State(app): State<App>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let mut copy = parts.clone();
    let response =
        if is_foreign(&parts) { foreign().into_response() } else { next.run(Request::from_parts(parts, body)).await };
    // The fallback answers for the API's unknown addresses too, and those speak JSON.
    if copy.uri.path().starts_with("/api/") {
        return response;
    }
    let error = match response.extensions().get::<Arc<Error>>() {
        Some(error) => error.clone(),
        None if response.status() == StatusCode::METHOD_NOT_ALLOWED => Arc::new(Error::not_found()),
        None => return response,
    };
    if error.slug() == "unauthorized" {
        return to_login(&copy.method, &copy.uri.to_string());
    }
    let frame = match Visit::from_request_parts(&mut copy, &app).await {
        Ok(visit) => visit.frame,
        Err(_) => Frame::plain(&app, &copy),
    };
    let request = copy.extensions.get::<crate::audit::Origin>().map(|origin| origin.request.clone());
    let page = RefusalPage {
        title: title(&frame, &error).to_owned(),
        detail: frame.say(error.detail()),
        is_stranger: frame.card.is_none() && ["/s/", "/d/"].iter().any(|start| frame.here.starts_with(start)),
        request: request.filter(|_| error.kind() == Kind::Internal).unwrap_or_default(),
        f: frame,
    };
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, HTML);
    (parts, Body::from(page.render().unwrap_or_default())).into_response()
}

/// What no page answers.
pub async fn nowhere() -> Error {
    Error::not_found()
}

fn to_login(method: &Method, here: &str) -> Response {
    if *method == Method::GET && here != "/" { go(&format!("/masuk?ke={}", quoted(here))) } else { go("/masuk") }
}

/// Browsers say which site a request came from; a form on another site has no business here, cookie or not.
fn is_foreign(parts: &axum::http::request::Parts) -> bool {
    if matches!(parts.method, Method::GET | Method::HEAD) {
        return false;
    }
    let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => site != "same-origin" && site != "none",
        // Browsers name the site only on encrypted ways; what they say instead is the origin, or "null" to tell nothing.
        (None, Some(origin)) => origin.split_once("://").is_some_and(|(_, theirs)| Some(theirs) != text("host")),
        (None, None) => false,
    }
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

fn title<'a>(frame: &Frame, error: &Error) -> &'a str {
    match error.kind() {
        Kind::NotFound if error.slug() == "link-unusable" => {
            frame.t("Tautan tidak dapat dibuka", "This link cannot be opened")
        }
        Kind::NotFound => frame.t("Tidak ditemukan", "Not found"),
        Kind::Unauthorized => frame.t("Bukaan ini sudah berakhir", "This opening has ended"),
        Kind::Forbidden => frame.t("Tidak diizinkan", "Not allowed"),
        Kind::TooMany => frame.t("Tunggu sebentar", "Wait a moment"),
        Kind::TooLarge => frame.t("Terlalu besar", "Too large"),
        Kind::Conflict | Kind::PreconditionFailed => frame.t("Sudah berubah", "Changed meanwhile"),
        Kind::Unavailable => frame.t("Belum dapat dilayani", "Cannot be served now"),
        Kind::Internal => frame.t("Kesalahan peladen", "A fault of the server"),
        _ => frame.t("Permintaan belum dapat diproses", "The request could not be handled"),
    }
}

#[cfg(test)]
mod tests {
    use super::own_path;

    #[test]
    fn a_way_back_never_leads_to_another_host() {
        for foreign in
            ["//evil.id", "https://evil.id", "/\\evil.id", "evil", "/\t/evil.id", "/a\r\nSet-Cookie: x=y", ""]
        {
            assert_eq!(own_path(foreign), "/", "{foreign:?}");
        }
        assert_eq!(own_path("/cari?q=surat"), "/cari?q=surat");
    }
}
