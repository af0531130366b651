//! One error for the whole program: a kind that a caller can act on, a stable slug, and what to do about it in two
//! languages. The map from kind to HTTP status is in one match, [`Error::status`].

use std::{borrow::Cow, fmt};

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One sentence in the two languages of the interface. Indonesian comes first and is the default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Say {
    pub id: Cow<'static, str>,
    pub en: Cow<'static, str>,
}

/// Builds a [`Say`]; both arguments may be literals or formatted strings.
pub fn say(id: impl Into<Cow<'static, str>>, en: impl Into<Cow<'static, str>>) -> Say {
    Say { id: id.into(), en: en.into() }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    BadRequest,
    Unauthorized,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    Conflict,
    /// It was there and does not come back: whoever wants it begins anew.
    Gone,
    PreconditionFailed,
    /// The client stopped sending.
    TimedOut,
    TooLarge,
    UnsupportedMedia,
    RangeNotSatisfiable,
    Invalid,
    PreconditionRequired,
    TooMany,
    /// tus: the bytes differ from their checksum.
    ChecksumMismatch,
    /// Something that we need does not answer; the same request may succeed later.
    Unavailable,
    /// A fault of ours: told to nobody but the log.
    Internal,
}

/// A mistake in one field of a request: a JSON pointer and what to do.
#[derive(Clone, Debug)]
pub struct Field {
    pub pointer: String,
    pub detail: Say,
}

#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: Kind,
    slug: &'static str,
    detail: Say,
    fields: Vec<Field>,
    retry_after: Option<u64>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// `slug` is the last part of the problem's `type`, such as `too-large`; it is part of the public contract.
    pub fn new(kind: Kind, slug: &'static str, detail: Say) -> Error {
        Error(Box::new(Inner { kind, slug, detail, fields: Vec::new(), retry_after: None, source: None }))
    }

    /// What does not exist and what the caller may not see answer with this same value.
    pub fn not_found() -> Error {
        Error::new(
            Kind::NotFound,
            "not-found",
            say(
                "Tidak ditemukan, atau tidak dibuka untuk kantor Anda. Periksa alamatnya, atau minta kantor pemilik membagikannya.",
                "Not found, or not open to your office. Check the address, or ask the owning office to share it.",
            ),
        )
    }

    pub fn invalid(pointer: impl Into<String>, detail: Say) -> Error {
        let summary = say(
            "Isian belum benar; lihat daftar kesalahan dan perbaiki.",
            "Some fields are not right; see the list of errors and correct them.",
        );
        Error::new(Kind::Invalid, "invalid", summary).field(pointer, detail)
    }

    pub fn bad_request(slug: &'static str, detail: Say) -> Error {
        Error::new(Kind::BadRequest, slug, detail)
    }

    pub fn forbidden(slug: &'static str, detail: Say) -> Error {
        Error::new(Kind::Forbidden, slug, detail)
    }

    pub fn unauthorized() -> Error {
        Error::new(
            Kind::Unauthorized,
            "unauthorized",
            say(
                "Masuk dahulu: sesi atau token tidak ada, sudah berakhir, atau tidak sah.",
                "Log in first: the session or token is missing, ended, or not valid.",
            ),
        )
    }

    pub fn conflict(slug: &'static str, detail: Say) -> Error {
        Error::new(Kind::Conflict, slug, detail)
    }

    pub fn too_large(detail: Say) -> Error {
        Error::new(Kind::TooLarge, "too-large", detail)
    }

    pub fn too_many(retry_after: u64) -> Error {
        let detail = say(
            format!("Terlalu banyak percobaan. Coba lagi dalam {retry_after} detik."),
            format!("Too many attempts. Try again in {retry_after} seconds."),
        );
        Error::new(Kind::TooMany, "too-many", detail).retry_after(retry_after)
    }

    pub fn unavailable(slug: &'static str, detail: Say) -> Error {
        Error::new(Kind::Unavailable, slug, detail).retry_after(5)
    }

    /// A fault that the caller can do nothing about. `source` goes to the log, never into an answer.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        let detail = say(
            "Terjadi kesalahan pada peladen. Coba lagi; bila berulang, sampaikan nomor permintaan ini kepada operator.",
            "The server made a mistake. Try again; if it repeats, give this request id to the operator.",
        );
        Error::new(Kind::Internal, "internal", detail).because(source)
    }

    pub fn field(mut self, pointer: impl Into<String>, detail: Say) -> Error {
        self.0.fields.push(Field { pointer: pointer.into(), detail });
        self
    }

    pub fn retry_after(mut self, seconds: u64) -> Error {
        self.0.retry_after = Some(seconds);
        self
    }

    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        self.0.source = Some(source.into());
        self
    }

    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    pub fn slug(&self) -> &'static str {
        self.0.slug
    }

    pub fn detail(&self) -> &Say {
        &self.0.detail
    }

    pub fn fields(&self) -> &[Field] {
        &self.0.fields
    }

    pub fn retry_after_seconds(&self) -> Option<u64> {
        self.0.retry_after
    }

    /// The one map from kinds to HTTP status codes.
    pub fn status(&self) -> u16 {
        match self.0.kind {
            Kind::BadRequest => 400,
            Kind::Unauthorized => 401,
            Kind::Forbidden => 403,
            Kind::NotFound => 404,
            Kind::MethodNotAllowed => 405,
            Kind::TimedOut => 408,
            Kind::Conflict => 409,
            Kind::Gone => 410,
            Kind::PreconditionFailed => 412,
            Kind::TooLarge => 413,
            Kind::UnsupportedMedia => 415,
            Kind::RangeNotSatisfiable => 416,
            Kind::Invalid => 422,
            Kind::PreconditionRequired => 428,
            Kind::TooMany => 429,
            Kind::ChecksumMismatch => 460,
            Kind::Internal => 500,
            Kind::Unavailable => 503,
        }
    }

    /// Kind and causes in one line, for the log.
    pub fn chain(&self) -> String {
        let mut line = format!("{}: {}", self.0.slug, self.0.detail.en);
        let mut next = std::error::Error::source(self);
        while let Some(cause) = next {
            line.push_str(": ");
            line.push_str(&cause.to_string());
            next = cause.source();
        }
        line
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} / {}", self.0.detail.id, self.0.detail.en)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| &**source as _)
    }
}

/// What a failing disk says.
const EIO: i32 = rustix::io::Errno::IO.raw_os_error();

/// What a disk does that fails, in one place or altogether.
pub const DISK_UNUSABLE: &str = "disk-unusable";

impl From<std::io::Error> for Error {
    fn from(cause: std::io::Error) -> Error {
        match cause.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Error::unavailable(
                "disk-full",
                say(
                    "Tempat penyimpanan penuh. Berkas belum diterima; hubungi operator, lalu coba lagi.",
                    "The disk is full. The file was not received; tell the operator, then try again.",
                ),
            )
            .because(cause),
            _ if cause.kind() == std::io::ErrorKind::ReadOnlyFilesystem || cause.raw_os_error() == Some(EIO) => {
                Error::unavailable(
                    DISK_UNUSABLE,
                    say(
                        "Tempat penyimpanan sedang menolak ditulis atau dibaca. Yang sudah diterima tidak hilang; hubungi operator, lalu coba lagi.",
                        "The disk refuses to be written or read. What was received before is not lost; tell the operator, then try again.",
                    ),
                )
                .because(cause)
            }
            _ => Error::internal(cause),
        }
    }
}
