//! RFC 9457 problems. A handler's error travels in the response's extensions until [`around`](super::around) knows the
//! language and the request id and writes the body.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
    response::IntoResponse,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::Lang;
use crate::error::{Error, Say};

/// What went wrong and what to do (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// A stable slug such as `/errors/too-large`.
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    /// One sentence that says what to do.
    pub detail: String,
    /// Give this to the operator when something must be looked up.
    pub request_id: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
}

/// A mistake in one field of the request.
#[derive(Debug, Serialize, ToSchema)]
pub struct FieldProblem {
    /// A JSON pointer into the body, or `/query/name`.
    pub pointer: String,
    pub detail: String,
}

impl IntoResponse for Error {
    fn into_response(self) -> Response<Body> {
        let status = StatusCode::from_u16(self.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        if let Some(seconds) = self.retry_after_seconds() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

pub(super) fn write(error: &Error, lang: Lang, request_id: &str) -> Problem {
    let said = |text: &Say| lang.of(text).to_owned();
    Problem {
        kind: format!("/errors/{}", error.slug()),
        title: said(&title(error.status())),
        status: error.status(),
        detail: said(error.detail()),
        request_id: request_id.to_owned(),
        errors: error
            .fields()
            .iter()
            .map(|field| FieldProblem { pointer: field.pointer.clone(), detail: said(&field.detail) })
            .collect(),
    }
}

fn title(status: u16) -> Say {
    use crate::error::say;
    match status {
        400 => say("Permintaan tidak dapat dibaca", "The request cannot be read"),
        401 => say("Masuk dahulu", "Log in first"),
        403 => say("Tidak diizinkan", "Not allowed"),
        404 => say("Tidak ditemukan", "Not found"),
        405 => say("Cara ini tidak dikenal di alamat ini", "This method is not known at this address"),
        408 => say("Kiriman terhenti", "The sending stopped"),
        409 => say("Berbenturan dengan keadaan sekarang", "In conflict with the present state"),
        410 => say("Tidak dapat dilanjutkan", "Cannot go on"),
        412 => say("Sudah diubah orang lain", "Changed by somebody else meanwhile"),
        413 => say("Terlalu besar", "Too large"),
        415 => say("Jenis isi tidak dikenal", "Unknown type of content"),
        416 => say("Bagian itu tidak ada", "No such range"),
        422 => say("Isian belum benar", "Some fields are not right"),
        428 => say("Sebutkan keadaan yang diubah", "Say which state you change"),
        429 => say("Terlalu sering", "Too often"),
        460 => say("Rusak di jalan", "Damaged on the way"),
        503 => say("Belum dapat dilayani", "Cannot be served now"),
        _ => say("Kesalahan peladen", "A fault of the server"),
    }
}
