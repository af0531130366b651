//! The chunks of an age payload: 64 KiB each, sealed with ChaCha20-Poly1305 under a nonce of the chunk's number and a flag
//! on the last (age specification, "Payload"). The `age` crate makes and opens the headers; it offers no single chunks, which
//! range reads need, and its cipher takes twice as long as AWS-LC's for the same bytes.

use std::sync::Arc;

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use bytes::BytesMut;
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{NONCE, TAG};
use crate::error::{Error, Result};

/// What seals and opens the chunks of one file.
#[derive(Clone)]
pub(super) struct Payload(Arc<LessSafeKey>);

/// Which chunk: a payload that was cut, or whose chunks were swapped, does not open.
#[derive(Clone, Copy)]
pub(super) struct Position {
    pub number: u64,
    pub is_last: bool,
}

impl Position {
    /// A key seals one file and a file has each position once, so that no nonce is used twice.
    fn nonce(self) -> Nonce {
        let mut nonce = [0; NONCE_LEN];
        nonce[3..11].copy_from_slice(&self.number.to_be_bytes());
        nonce[11] = u8::from(self.is_last);
        Nonce::assume_unique_for_key(nonce)
    }
}

impl Payload {
    pub fn new(file_key: &[u8; 16], nonce: &[u8; NONCE]) -> Payload {
        let mut key = Zeroizing::new([0; 32]);
        Hkdf::<Sha256>::new(Some(nonce), file_key)
            .expand(b"payload", key.as_mut())
            .expect("32 bytes are within HKDF's limit");
        let key = UnboundKey::new(&CHACHA20_POLY1305, key.as_ref()).expect("32 bytes are the length of its keys");
        Payload(Arc::new(LessSafeKey::new(key)))
    }

    /// Seals in place and gives the tag that follows.
    pub fn seal(&self, at: Position, chunk: &mut [u8]) -> Result<[u8; TAG as usize]> {
        let tag = self.0.seal_in_place_separate_tag(at.nonce(), Aad::empty(), chunk).map_err(Error::internal)?;
        tag.as_ref().try_into().map_err(Error::internal)
    }

    /// Opens in place and leaves the plaintext in `chunk`; an error where it is not what was sealed at this position.
    pub fn open(&self, at: Position, chunk: &mut BytesMut) -> Result<()> {
        let plain = self.0.open_in_place(at.nonce(), Aad::empty(), chunk).map_err(|_| damaged())?.len();
        chunk.truncate(plain);
        Ok(())
    }
}

pub(super) fn damaged() -> Error {
    Error::internal("a sealed object was altered or cut: a chunk of it does not authenticate")
}
