//! What opens one sealed object: kept only wrapped, in the database.

use std::fmt;

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{HEADER_CAP, NONCE, Secret32, TAG, chunks};
use crate::error::{Error, Result};

const VERSION: u8 = 1;
const FIXED: usize = 1 + 16 + NONCE + 2 + 8 + 8;

/// The key of one object: its own age identity for the stock `age` program, and what a range read needs without
/// reading the header again.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct ObjectKey {
    pub(super) identity: String,
    pub(super) file_key: [u8; 16],
    pub(super) nonce: [u8; NONCE],
    pub(super) header_len: u16,
    pub(super) plain_size: u64,
    pub(super) sealed_size: u64,
}

impl ObjectKey {
    /// The line `AGE-SECRET-KEY-1…` that the stock `age` program opens the object with. A key that was recovered
    /// from the bucket by the recovery identity has none: its object opens with that identity only.
    pub fn age_identity_line(&self) -> Option<&str> {
        Some(self.identity.as_str()).filter(|line| !line.is_empty())
    }

    pub fn plain_size(&self) -> u64 {
        self.plain_size
    }

    pub fn sealed_size(&self) -> u64 {
        self.sealed_size
    }

    /// A key that follows from this one. It rests on the payload's key alone: it stays the same when the object is
    /// copied under a new header.
    pub fn derive(&self, purpose: &str) -> Secret32 {
        let mut derived = Zeroizing::new([0; 32]);
        Hkdf::<Sha256>::new(Some(&self.nonce), &self.file_key)
            .expand(purpose.as_bytes(), derived.as_mut())
            .expect("32 bytes are within HKDF's limit");
        Secret32::from(derived)
    }

    /// To be wrapped before it is kept.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(FIXED + self.identity.len()));
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.file_key);
        bytes.extend_from_slice(&self.nonce);
        bytes.extend_from_slice(&self.header_len.to_be_bytes());
        bytes.extend_from_slice(&self.plain_size.to_be_bytes());
        bytes.extend_from_slice(&self.sealed_size.to_be_bytes());
        bytes.extend_from_slice(self.identity.as_bytes());
        bytes
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<ObjectKey> {
        ObjectKey::parse(bytes).ok_or_else(|| Error::internal("an object's key is of no known version, or damaged"))
    }

    fn parse(bytes: &[u8]) -> Option<ObjectKey> {
        let (&version, rest) = bytes.split_first()?;
        let (file_key, rest) = rest.split_first_chunk()?;
        let (nonce, rest) = rest.split_first_chunk()?;
        let (header_len, rest) = rest.split_first_chunk()?;
        let (plain_size, rest) = rest.split_first_chunk()?;
        let (sealed_size, rest) = rest.split_first_chunk()?;
        let key = ObjectKey {
            identity: std::str::from_utf8(rest).ok()?.to_owned(),
            file_key: *file_key,
            nonce: *nonce,
            header_len: u16::from_be_bytes(*header_len),
            plain_size: u64::from_be_bytes(*plain_size),
            sealed_size: u64::from_be_bytes(*sealed_size),
        };
        (version == VERSION && key.is_consistent()).then_some(key)
    }

    /// Where the first chunk begins.
    pub(super) fn payload_start(&self) -> u64 {
        u64::from(self.header_len) + NONCE as u64
    }

    /// The sizes follow from one another; ranges are computed from them, so a key whose sizes disagree is refused.
    pub(super) fn is_consistent(&self) -> bool {
        usize::from(self.header_len) <= HEADER_CAP
            && sealed_size(self.header_len, self.plain_size) == Some(self.sealed_size)
    }
}

pub(super) fn sealed_size(header_len: u16, plain_size: u64) -> Option<u64> {
    let tags = chunks(plain_size).checked_mul(TAG)?;
    plain_size.checked_add(tags)?.checked_add(u64::from(header_len) + NONCE as u64)
}

impl fmt::Debug for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectKey")
            .field("plain_size", &self.plain_size)
            .field("sealed_size", &self.sealed_size)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> ObjectKey {
        let sealed_size = sealed_size(300, 70_000).expect("small");
        let identity = "AGE-SECRET-KEY-1EXAMPLE".to_owned();
        ObjectKey { identity, file_key: [7; 16], nonce: [9; NONCE], header_len: 300, plain_size: 70_000, sealed_size }
    }

    #[test]
    fn a_key_reads_back_from_its_bytes() {
        assert_eq!(ObjectKey::from_bytes(&key().to_bytes()).expect("own bytes"), key());
    }

    #[test]
    fn bytes_that_are_cut_or_whose_sizes_disagree_are_refused() {
        for len in 0..FIXED {
            assert!(ObjectKey::from_bytes(&key().to_bytes()[..len]).is_err(), "length {len}");
        }
        let mut lying = key();
        lying.plain_size += 1;
        assert!(ObjectKey::from_bytes(&lying.to_bytes()).is_err());
        lying.plain_size = u64::MAX;
        assert!(ObjectKey::from_bytes(&lying.to_bytes()).is_err());
    }

    #[test]
    fn a_key_prints_no_secret() {
        let printed = format!("{:?}", key());
        assert!(!printed.contains("AGE-SECRET") && !printed.contains("[7"), "{printed}");
    }
}
