//! Typed ids: a prefix that says what it names, and a UUIDv7 in lower-case base32hex, so that ids sort by creation.

use data_encoding::{Encoding, Specification};
use std::sync::LazyLock;
use uuid::Uuid;

use crate::clock::Clock;

/// Bytes from the operating system; the only source of randomness in the program.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    #[expect(clippy::disallowed_methods, reason = "the one place where randomness enters")]
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// A random secret of 160 bits for links, tokens and activation, in 32 letters that survive being typed.
pub fn secret() -> String {
    LETTERS.encode(&random::<20>())
}

/// A fresh UUIDv7 of the clock's present millisecond.
pub fn fresh(clock: &Clock) -> Uuid {
    uuid::Builder::from_unix_timestamp_millis(clock.now().0.max(0) as u64, &random()).into_uuid()
}

static LETTERS: LazyLock<Encoding> = LazyLock::new(|| {
    let mut letters = Specification::new();
    letters.symbols.push_str("0123456789abcdefghijklmnopqrstuv");
    letters.encoding().expect("32 distinct letters")
});

pub fn to_letters(bytes: &[u8]) -> String {
    LETTERS.encode(bytes)
}

pub fn from_letters(text: &str) -> Option<Vec<u8>> {
    LETTERS.decode(text.as_bytes()).ok()
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl $name {
            pub const PREFIX: &'static str = $prefix;

            pub fn fresh(clock: &Clock) -> Self {
                Self(fresh(clock))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!($prefix, "_{}"), to_letters(self.0.as_bytes()))
            }
        }

        impl std::str::FromStr for $name {
            type Err = Unreadable;

            fn from_str(text: &str) -> Result<Self, Unreadable> {
                let letters = text.strip_prefix(concat!($prefix, "_")).ok_or(Unreadable)?;
                let bytes = from_letters(letters).ok_or(Unreadable)?;
                Ok(Self(Uuid::from_slice(&bytes).map_err(|_| Unreadable)?))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
                text.parse().map_err(|_| serde::de::Error::custom(concat!("expected an id such as ", $prefix, "_…")))
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::SchemaType::Type(utoipa::openapi::schema::Type::String))
                    .pattern(Some(concat!("^", $prefix, "_[0-9a-v]{26}$")))
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {}
    )* }
}

/// The text is no id of the expected kind. Callers answer as if the thing did not exist.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("not an id of this kind")]
pub struct Unreadable;

ids! {
    DocumentId = "doc";
    VersionId = "ver";
    BlobId = "blb";
    OfficeId = "ofc";
    PersonId = "usr";
    PostId = "pst";
    SessionId = "ses";
    TokenId = "tok";
    LinkId = "lnk";
    DropId = "drp";
    JobId = "job";
    UploadId = "upl";
    AuditId = "aud";
    GrantId = "grt";
    ConsentId = "cns";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn an_id_reads_back_and_refuses_other_kinds() {
        let id = DocumentId::fresh(&Clock::default());
        assert_eq!(id.to_string().parse::<DocumentId>().expect("own text"), id);
        assert!(id.to_string().parse::<OfficeId>().is_err());
        assert!("doc_".parse::<DocumentId>().is_err());
        assert!("doc_zzzz".parse::<DocumentId>().is_err());
    }

    #[test]
    fn ids_sort_by_creation() {
        let clock = Clock::default();
        let first = DocumentId::fresh(&clock);
        clock.advance(Duration::from_millis(2));
        let second = DocumentId::fresh(&clock);
        assert!(first.to_string() < second.to_string());
    }

    #[test]
    fn secrets_carry_160_bits_and_differ() {
        assert_eq!(secret().len(), 32);
        assert_ne!(secret(), secret());
    }
}
