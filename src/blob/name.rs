//! Names of objects: the only place where a storage path is made or understood.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;

use crate::error::{Error, Result};
use crate::id::UploadId;
use crate::seal::Digest;

/// What an object is. Its path follows from this and from nothing that a user typed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectName {
    /// `o/<2 hex>/<64 hex>`: a sealed object, named by the SHA-256 of its bytes; written once.
    Object(Digest),
    /// `u/<upload>/<n>`: a sealed part of an upload that goes on; a part that was never acknowledged is overwritten.
    Part { upload: UploadId, number: u64 },
    /// `r/<time>-<node>-<seq>`: a sealed batch of metadata records; written once.
    Record(RecordName),
    /// `q/…`: an object that the sweep set aside instead of deleting it.
    Quarantined(Box<ObjectName>),
}

/// Lower-case letters, digits and dashes, at most 100, such as `1795428000000-a1b2-7`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordName(String);

impl RecordName {
    pub fn parse(text: &str) -> Option<RecordName> {
        let fine = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        ((1..=100).contains(&text.len()) && text.bytes().all(fine)).then(|| RecordName(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ObjectName {
    pub fn part(upload: UploadId, number: u64) -> ObjectName {
        ObjectName::Part { upload, number }
    }

    /// Understands a path of the store; `None` for anything that is not ours.
    pub fn parse(path: &str) -> Option<ObjectName> {
        if let Some(inner) = path.strip_prefix("q/") {
            let inner = ObjectName::parse(inner)?;
            let nested = matches!(inner, ObjectName::Quarantined(_));
            return (!nested).then(|| ObjectName::Quarantined(Box::new(inner)));
        }
        let (area, rest) = path.split_once('/')?;
        let name = match area {
            "o" => {
                let (_, hex) = rest.split_once('/')?;
                ObjectName::Object(HEXLOWER.decode(hex.as_bytes()).ok()?.try_into().ok()?)
            }
            "u" => {
                let (upload, number) = rest.split_once('/')?;
                ObjectName::Part { upload: upload.parse().ok()?, number: number.parse().ok()? }
            }
            "r" => ObjectName::Record(RecordName::parse(rest)?),
            _ => return None,
        };
        // Only the one spelling that we write ourselves is ours.
        (name.to_string() == path).then_some(name)
    }

    /// False only for parts of uploads.
    pub fn is_write_once(&self) -> bool {
        !matches!(self, ObjectName::Part { .. })
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ObjectName::Object(digest) => {
                let hex = HEXLOWER.encode(digest);
                write!(f, "o/{}/{hex}", &hex[..2])
            }
            ObjectName::Part { upload, number } => write!(f, "u/{upload}/{number}"),
            ObjectName::Record(name) => write!(f, "r/{}", name.0),
            ObjectName::Quarantined(inner) => write!(f, "q/{inner}"),
        }
    }
}

/// For names that the database kept.
impl FromStr for ObjectName {
    type Err = Error;

    fn from_str(path: &str) -> Result<ObjectName> {
        ObjectName::parse(path).ok_or_else(|| Error::internal("the database holds an object name of no known form"))
    }
}

/// What to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefix {
    All,
    Objects,
    /// Objects whose digest begins with this byte: a 256th of all, so that a listing can be cut into steps.
    ObjectsUnder(u8),
    Parts,
    PartsOf(UploadId),
    Records,
    Quarantine,
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Prefix::All => Ok(()),
            Prefix::Objects => f.write_str("o/"),
            Prefix::ObjectsUnder(byte) => write!(f, "o/{byte:02x}/"),
            Prefix::Parts => f.write_str("u/"),
            Prefix::PartsOf(upload) => write!(f, "u/{upload}/"),
            Prefix::Records => f.write_str("r/"),
            Prefix::Quarantine => f.write_str("q/"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn every_name_reads_back_from_its_path() {
        let object = ObjectName::Object([0xAB; 32]);
        assert!(object.to_string().starts_with("o/ab/abab"));
        let part = ObjectName::Part { upload: UploadId::fresh(&Clock::default()), number: 12 };
        let record = ObjectName::Record(RecordName::parse("1795428000000-a1-7").expect("valid"));
        for name in [object.clone(), part, record, ObjectName::Quarantined(Box::new(object))] {
            assert_eq!(ObjectName::parse(&name.to_string()), Some(name));
        }
    }

    #[test]
    fn paths_that_are_not_ours_are_no_names() {
        let hex = "ab".repeat(32);
        for path in [
            String::new(),
            "o/".into(),
            format!("o/ab/{}", &hex[2..]),
            format!("o/cd/{hex}"),
            format!("o/AB/{}", hex.to_uppercase()),
            format!("q/q/o/ab/{hex}"),
            "u/upl_x/1".into(),
            "r/../../etc/passwd".into(),
            "r/".into(),
            "x/1".into(),
        ] {
            assert_eq!(ObjectName::parse(&path), None, "{path}");
        }
    }
}
