//! Strict extractors: what a request says and we do not know is an error, never ignored.

use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    http::{header, request::Parts},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use super::{
    body::{broken_off, cut_off},
    digest::verified,
};
use crate::{
    app::App,
    error::{Error, Kind, Result, say},
};

/// A JSON body within `server.json_bytes`; types deny unknown fields.
#[derive(Debug)]
pub struct Json<T>(pub T);

/// Query parameters; types deny unknown ones.
#[derive(Debug)]
pub struct Query<T>(pub T);

/// Path parameters; one that cannot be read names nothing, hence 404.
#[derive(Debug)]
pub struct Path<T>(pub T);

/// A posted HTML form within `server.json_bytes`.
#[derive(Debug)]
pub struct Form<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for Json<T> {
    type Rejection = Error;

    async fn from_request(request: Request, app: &App) -> Result<Json<T>> {
        let is_json =
            request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
                value
                    .parse::<mime::Mime>()
                    .is_ok_and(|mime| mime.subtype() == mime::JSON || mime.suffix() == Some(mime::JSON))
            });
        if !is_json {
            return Err(Error::new(
                Kind::UnsupportedMedia,
                "json-expected",
                say(
                    "Kirim isi sebagai JSON dengan Content-Type: application/json.",
                    "Send the body as JSON with Content-Type: application/json.",
                ),
            ));
        }
        let body = collect(request, app.config.server.json_bytes).await?;
        parse_json(&body).map(Json)
    }
}

/// Reads JSON and names the field that is wrong by a JSON pointer.
pub fn parse_json<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    let mut from = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut from).map_err(|cause| {
        let inner = cause.inner();
        if inner.is_syntax() || inner.is_eof() {
            return Error::bad_request(
                "not-json",
                say(format!("Isi bukan JSON yang benar: {inner}"), format!("The body is not valid JSON: {inner}")),
            );
        }
        let path = cause.path().to_string();
        let pointer =
            if path == "." { String::new() } else { format!("/{}", path.replace(['.', '['], "/").replace(']', "")) };
        let why = inner.to_string();
        Error::invalid(
            pointer,
            say(format!("Isian tidak sesuai: {}", indonesian(&why)), format!("Not as expected: {why}")),
        )
    })?;
    from.end().map_err(|cause| {
        Error::bad_request(
            "not-json",
            say(format!("Isi bukan JSON yang benar: {cause}"), format!("The body is not valid JSON: {cause}")),
        )
    })?;
    // A type of named fields would also take their values as a list.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(Error::invalid("", say("Kirim satu objek JSON: {…}.", "Send one JSON object: {…}.")));
    }
    Ok(value)
}

async fn collect(request: Request, limit: usize) -> Result<bytes::Bytes> {
    let (head, body) = request.into_parts();
    match Limited::new(verified(&head.headers, body)?, limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(cause) if cause.is::<LengthLimitError>() => Err(Error::too_large(say(
            format!("Isi permintaan melebihi {limit} bita (server.json_bytes)."),
            format!("The body is larger than {limit} bytes (server.json_bytes)."),
        ))),
        Err(cause) => Err(match cause.downcast::<axum::Error>() {
            Ok(cause) => broken_off(*cause),
            Err(cause) => cut_off().because(cause),
        }),
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Query<T>> {
        let axum::extract::Query(query) = axum::extract::Query::try_from_uri(&parts.uri).map_err(|cause| {
            let why = std::error::Error::source(&cause).map_or_else(|| cause.to_string(), ToString::to_string);
            Error::invalid(
                "/query",
                say(
                    format!("Parameter alamat tidak sesuai: {}", indonesian(&why)),
                    format!("A query parameter is not as expected: {why}"),
                ),
            )
        })?;
        Ok(Query(query))
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Path<T>> {
        let axum::extract::Path(path) = axum::extract::Path::from_request_parts(parts, state)
            .await
            .map_err(|_: axum::extract::rejection::PathRejection| Error::not_found())?;
        super::strict::check(parts)?;
        Ok(Path(path))
    }
}

impl<T: DeserializeOwned> FromRequest<App> for Form<T> {
    type Rejection = Error;

    async fn from_request(request: Request, app: &App) -> Result<Form<T>> {
        let body = collect(request, app.config.server.json_bytes).await?;
        let pairs = serde_urlencoded::from_bytes(&body).map_err(|cause| {
            Error::invalid(
                "/form",
                say(
                    format!("Isian formulir tidak sesuai: {}", indonesian(&cause.to_string())),
                    format!("The form is not as expected: {cause}"),
                ),
            )
        })?;
        Ok(Form(pairs))
    }
}

/// What a deserializer says, with its own words in Indonesian; names and values stay as they are.
fn indonesian(said: &str) -> String {
    const WORDS: [(&str, &str); 12] = [
        ("unknown field", "isian tidak dikenal"),
        ("unknown variant", "pilihan tidak dikenal"),
        ("missing field", "isian yang wajib tidak ada:"),
        ("duplicate field", "isian ditulis dua kali:"),
        ("invalid type:", "jenisnya salah:"),
        ("invalid value:", "nilainya salah:"),
        ("invalid length", "panjangnya salah"),
        (", expected one of", "; yang dikenal:"),
        (", expected", "; yang diharapkan:"),
        ("` or `", "` atau `"),
        (" at line ", " pada baris "),
        (" column ", " kolom "),
    ];
    WORDS.iter().fold(said.to_owned(), |said, (english, ours)| said.replacen(english, ours, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Class {
        Biasa,
        Terbatas,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked {
        _class: Option<Class>,
        _pages: u32,
    }

    #[test]
    fn what_is_wrong_in_a_body_is_said_in_the_readers_language() {
        let said = |body: &str| {
            let error = parse_json::<Asked>(body.as_bytes()).expect_err("it is wrong");
            error.fields()[0].detail.id.clone()
        };
        let one_of = said(r#"{"_class":"aneh","_pages":1}"#);
        assert!(
            one_of.contains("pilihan tidak dikenal `aneh`; yang dikenal: `biasa`")
                || one_of.contains("yang diharapkan: `biasa`"),
            "{one_of}"
        );
        assert!(said(r#"{"_pages":"x"}"#).contains("jenisnya salah: string \"x\"; yang diharapkan: u32"));
        assert!(said("{}").contains("isian yang wajib tidak ada: `_pages`"));
        assert!(said(r#"{"pages":1}"#).contains("isian tidak dikenal `pages`; yang "));
        for body in [r#"{"_class":"aneh","_pages":1}"#, r#"{"_pages":"x"}"#, "{}", r#"{"pages":1}"#] {
            let said = said(body);
            assert!(!["expected", "unknown", "missing", "invalid"].iter().any(|word| said.contains(word)), "{said}");
        }
    }
}
