//! `ETag` and `If-Match` of resources that are edited: two clerks cannot overwrite each other unseen.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, header, request::Parts},
};

use crate::error::{Error, Kind, Result, say};

/// The strong ETag of a resource at a revision.
pub fn etag(revision: i64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{revision}\"")).expect("digits in quotes are a header value")
}

/// What the caller says about the state that is changed.
#[derive(Clone, Debug)]
pub struct IfMatch(Option<String>);

impl IfMatch {
    pub fn of(headers: &HeaderMap) -> IfMatch {
        let listed = headers.get(header::IF_MATCH).and_then(|value| value.to_str().ok());
        IfMatch(listed.map(str::to_owned))
    }

    /// For PATCH: 428 when missing, 412 when stale.
    pub fn required(&self, revision: i64) -> Result<()> {
        if self.0.is_none() {
            return Err(Error::new(
                Kind::PreconditionRequired,
                "if-match-required",
                say(
                    "Sertakan If-Match dengan ETag terakhir, agar perubahan orang lain tidak tertimpa.",
                    "Send If-Match with the latest ETag, so that nobody's change is overwritten.",
                ),
            ));
        }
        self.accepted(revision)
    }

    /// For DELETE and actions: checked when given, never required.
    pub fn accepted(&self, revision: i64) -> Result<()> {
        let Some(listed) = &self.0 else { return Ok(()) };
        let fits = |tag: &str| tag == "*" || tag.trim_matches('"').parse() == Ok(revision);
        if listed.split(',').any(|tag| fits(tag.trim())) {
            return Ok(());
        }
        Err(Error::new(
            Kind::PreconditionFailed,
            "stale",
            say(
                "Sudah diubah orang lain. Muat ulang, lalu ulangi perubahan Anda.",
                "Changed by somebody else meanwhile. Load it again and repeat your change.",
            ),
        ))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<IfMatch, Self::Rejection> {
        Ok(IfMatch::of(&parts.headers))
    }
}
