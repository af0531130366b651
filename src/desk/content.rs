//! The original bytes on their way out, by range, as an attachment that no browser will run.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    app::App,
    audit::Who,
    document::Version,
    download::{Grant, Span},
    error::Result,
    http::Caller,
};

/// The name of a reader for counting readings: a token, or a person.
pub fn reader(caller: &Caller) -> String {
    match Who::from(&caller.actor) {
        Who::Token(token, _) => token.to_string(),
        _ => caller.actor.person().to_string(),
    }
}

pub fn tag(version: &Version) -> HeaderValue {
    let text = format!("\"{}\"", data_encoding::HEXLOWER.encode(&version.fingerprint));
    HeaderValue::from_str(&text).expect("hexadecimal in quotes is a header value")
}

pub fn is_unchanged(headers: &HeaderMap, version: &Version) -> bool {
    let tag = tag(version);
    headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|listed| listed.split(',').any(|one| one.trim().as_bytes() == tag.as_bytes()))
}

/// Answers with the original that the grant allows. HEAD learns the headers and reads nothing.
pub async fn send(app: &App, grant: &Grant, method: &Method, headers: &HeaderMap) -> Result<Response> {
    let version = grant.version();
    let size = version.size as u64;
    let asked = asked_range(headers, &tag(version), size)?;
    let (status, span) = match asked {
        Some(span) => (StatusCode::PARTIAL_CONTENT, span),
        None => (StatusCode::OK, Span { start: 0, end: size }),
    };
    let content = app.shelf.content(grant, Some(span)).await?;
    let body = if method == Method::HEAD { Body::empty() } else { Body::from_stream(content.stream) };
    let mut response = (status, body).into_response();
    let out = response.headers_mut();
    out.insert(header::CONTENT_LENGTH, HeaderValue::from(span.end - span.start));
    if status == StatusCode::PARTIAL_CONTENT {
        let text = format!("bytes {}-{}/{size}", span.start, span.end - 1);
        out.insert(header::CONTENT_RANGE, HeaderValue::from_str(&text).expect("digits are a header value"));
    }
    describe(out, version);
    Ok(response)
}

fn describe(out: &mut HeaderMap, version: &Version) {
    let value =
        |text: String| HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("application/octet-stream"));
    out.insert(header::CONTENT_TYPE, value(version.media_type.clone()));
    out.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    out.insert(header::ETAG, tag(version));
    let digest = format!("sha-256=:{}:", STANDARD.encode(version.fingerprint));
    out.insert(HeaderName::from_static("repr-digest"), value(digest));
    out.insert(header::CONTENT_DISPOSITION, disposition(&version.file_name));
    // Whatever the bytes are, a browser that opens them runs nothing in our name.
    out.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'"));
}

/// RFC 6266: a plain name for old programs, the real one in UTF-8 for the rest.
fn disposition(name: &str) -> HeaderValue {
    const KEPT: &percent_encoding::AsciiSet =
        &percent_encoding::NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_');
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || " .-_()".contains(c) { c } else { '_' }).collect();
    let full = percent_encoding::utf8_percent_encode(name, KEPT);
    let text = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{full}");
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("attachment"))
}

/// One range of `bytes=`; several ranges, or a stale `If-Range`, get everything, as RFC 9110 allows.
pub fn asked_range(headers: &HeaderMap, tag: &HeaderValue, size: u64) -> Result<Option<Span>> {
    let Some(text) = headers.get(header::RANGE).and_then(|value| value.to_str().ok()) else { return Ok(None) };
    let if_range = headers.get(header::IF_RANGE);
    if if_range.is_some_and(|value| value.as_bytes() != tag.as_bytes()) {
        return Ok(None);
    }
    let Some(spec) = text.trim().strip_prefix("bytes=") else { return Ok(None) };
    let Some((first, last)) = spec.trim().split_once('-') else { return Ok(None) };
    if last.contains(',') || first.contains(',') {
        return Ok(None);
    }
    let span = match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => Span { start: first, end: last.saturating_add(1).min(size) },
        (Ok(first), Err(_)) if last.trim().is_empty() => Span { start: first, end: size },
        (Err(_), Ok(suffix)) if first.trim().is_empty() => Span { start: size.saturating_sub(suffix), end: size },
        _ => return Ok(None),
    };
    if span.start >= span.end { Err(crate::download::no_such_range(size)) } else { Ok(Some(span)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_headers_whatever_they_hold() {
        let value = disposition("Surat \"undangan\"\u{e9}.pdf");
        let text = value.to_str().expect("ascii");
        assert_eq!(
            text,
            "attachment; filename=\"Surat _undangan__.pdf\"; filename*=UTF-8''Surat%20%22undangan%22%C3%A9.pdf"
        );
    }
}
