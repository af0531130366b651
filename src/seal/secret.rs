//! Small secrets, and the wrapping of one key by another.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::error::{Error, Result};
use crate::id;

const VERSION: u8 = 1;
const NONCE: usize = 12;

/// Seals a small value under `kek`. The same `context` must be given to open it, so that a row copied to another
/// place in the database does not open there.
pub fn wrap(kek: &Secret32, context: &[u8], plain: &[u8]) -> Vec<u8> {
    let nonce: [u8; NONCE] = id::random();
    let sealed = cipher(kek)
        .encrypt(Nonce::from_slice(&nonce), Payload { msg: plain, aad: context })
        .expect("small values are far below the cipher's limit");
    let mut wrapped = Vec::with_capacity(1 + NONCE + sealed.len());
    wrapped.push(VERSION);
    wrapped.extend_from_slice(&nonce);
    wrapped.extend_from_slice(&sealed);
    wrapped
}

/// Opens what [`wrap`] made; any other key, context or byte is refused.
pub fn unwrap(kek: &Secret32, context: &[u8], wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let sealed = match wrapped {
        [VERSION, sealed @ ..] if sealed.len() >= NONCE => sealed,
        _ => return Err(Error::internal("a wrapped key is of no known version")),
    };
    let (nonce, sealed) = sealed.split_at(NONCE);
    cipher(kek)
        .decrypt(Nonce::from_slice(nonce), Payload { msg: sealed, aad: context })
        .map(Zeroizing::new)
        .map_err(|_| Error::internal("a wrapped key does not open: other key, other place, or damaged"))
}

/// Opens with whichever of these keys it was wrapped under.
pub fn unwrap_any(keks: &[Secret32], context: &[u8], wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let mut outcome = Err(Error::internal("no key was given to open with"));
    for kek in keks {
        outcome = unwrap(kek, context, wrapped);
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

fn cipher(kek: &Secret32) -> Aes256Gcm {
    Aes256Gcm::new(kek.as_bytes().into())
}

/// 32 secret bytes: wiped when dropped, never printed.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret32(Box<[u8; 32]>);

impl Secret32 {
    pub fn random() -> Secret32 {
        Secret32::from(Zeroizing::new(id::random()))
    }

    pub fn from_slice(bytes: &[u8]) -> Result<Secret32> {
        let bytes =
            <[u8; 32]>::try_from(bytes).map_err(|_| Error::internal("a key has another length than 32 bytes"))?;
        Ok(Secret32::from(Zeroizing::new(bytes)))
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<Zeroizing<[u8; 32]>> for Secret32 {
    fn from(bytes: Zeroizing<[u8; 32]>) -> Secret32 {
        Secret32(Box::new(*bytes))
    }
}

impl fmt::Debug for Secret32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret32(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrapped_key_opens_only_with_its_key_and_context() {
        let kek = Secret32::random();
        let wrapped = wrap(&kek, b"office 1, blob 2", b"the blob's key");
        assert_eq!(**unwrap(&kek, b"office 1, blob 2", &wrapped).expect("own key and context"), *b"the blob's key");
        assert!(unwrap(&kek, b"office 1, blob 3", &wrapped).is_err());
        assert!(unwrap(&Secret32::random(), b"office 1, blob 2", &wrapped).is_err());
    }

    #[test]
    fn every_flipped_bit_and_every_cut_of_a_wrapped_key_is_refused() {
        let kek = Secret32::random();
        let wrapped = wrap(&kek, b"", b"secret");
        for bit in 0..wrapped.len() * 8 {
            let mut damaged = wrapped.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(unwrap(&kek, b"", &damaged).is_err(), "bit {bit}");
        }
        for len in 0..wrapped.len() {
            assert!(unwrap(&kek, b"", &wrapped[..len]).is_err(), "length {len}");
        }
    }

    #[test]
    fn wrapping_twice_gives_different_bytes() {
        let kek = Secret32::random();
        assert_ne!(wrap(&kek, b"", b"secret"), wrap(&kek, b"", b"secret"));
    }

    #[test]
    fn a_secret_prints_nothing_of_itself() {
        let secret = Secret32::from(Zeroizing::new([0xAB; 32]));
        assert_eq!(format!("{secret:?}"), "Secret32(…)");
    }
}
