//! What a stranger is told. Without the secret there is one answer for everything that does not open; with it, the three
//! answers that say what is still missing.

use serde::Serialize;

use crate::error::{Error, Kind, Result, say};

/// What an opening still needs besides the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = LinkNeed)]
pub enum Need {
    Password,
    Code,
    Login,
}

impl Need {
    pub fn as_str(self) -> &'static str {
        match self {
            Need::Password => "password",
            Need::Code => "code",
            Need::Login => "login",
        }
    }

    pub(in crate::share) fn refuse<T>(self) -> Result<T> {
        let (slug, detail) = match self {
            Need::Password => (
                "link-password",
                say(
                    "Tautan ini berkata sandi. Masukkan kata sandi yang diberikan pengirim.",
                    "This link has a password. Enter the one that the sender gave you.",
                ),
            ),
            Need::Code => (
                "link-code",
                say(
                    "Tautan ini untuk alamat surel tertentu. Minta kode sekali pakai, lalu masukkan di sini.",
                    "This link is for certain e-mail addresses. Ask for a one-time code and enter it here.",
                ),
            ),
            Need::Login => (
                "link-login",
                say(
                    "Tautan ini untuk kantor tertentu. Masuk dengan akun kantor yang menerimanya.",
                    "This link is for certain offices. Log in with an account of an office that received it.",
                ),
            ),
        };
        Err(Error::new(Kind::Unauthorized, slug, detail))
    }
}

/// Unknown, wrong secret, expired, not yet open, exhausted, paused, pending, revoked: all of them are this value.
pub(super) fn unusable() -> Error {
    Error::new(
        Kind::NotFound,
        "link-unusable",
        say(
            "Tautan ini tidak dapat dibuka. Periksa apakah alamatnya lengkap, atau minta pengirim mengirim tautan baru.",
            "This link cannot be opened. Check that the address is complete, or ask the sender for a new link.",
        ),
    )
}

/// No ticket, or one that ended: the link has to be opened again.
pub(super) fn no_ticket() -> Error {
    Error::new(
        Kind::Unauthorized,
        "grant-ended",
        say(
            "Bukaan ini sudah berakhir. Buka tautannya sekali lagi.",
            "This opening has ended. Open the link once more.",
        ),
    )
}
