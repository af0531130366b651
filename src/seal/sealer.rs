//! One pass over a file: fingerprint of what comes in, age file of what goes out, digest of what will lie in the store.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use age::secrecy::ExposeSecret;
use age_core::format::{FileKey, Stanza};
use bytes::{Bytes, BytesMut};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::payload::{Payload, Position};
use super::stanza::Recipient;
use super::{CHUNK, NONCE, ObjectKey, RecoveryRecipient, TAG};
use crate::blob::ObjectName;
use crate::error::{Error, Result};

pub type Digest = [u8; 32];

pub fn digest_of(bytes: &[u8]) -> Digest {
    Sha256::digest(bytes).into()
}

/// Seals one file under a fresh identity of its own. Nothing is sealed until [`Sealer::finish`] was called.
pub struct Sealer {
    payload: Payload,
    /// Sealed bytes that nobody took yet and, from `sealed_until` on, the plaintext of the chunk under way.
    out: BytesMut,
    sealed_until: usize,
    chunk: u64,
    fingerprint: Sha256,
    digest: Sha256,
    plain_size: u64,
    sealed_size: u64,
    key: ObjectKey,
    recovery: i64,
}

/// What is known of a file after it was sealed.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// The object's name: SHA-256 of the sealed bytes, which is also its checksum on the wire.
    pub name: ObjectName,
    /// SHA-256 of the plaintext: the document's public identity.
    pub fingerprint: Digest,
    pub key: ObjectKey,
    pub plain_size: u64,
    pub sealed_size: u64,
    /// Generation of the recovery recipient that it names; 0 where it names none.
    pub recovery: i64,
}

impl Sealer {
    pub fn new(recovery: Option<&RecoveryRecipient>) -> Result<Sealer> {
        Sealer::under(&age::x25519::Identity::generate(), recovery)
    }

    /// Under an identity that opens other files too: records and backups are opened by whoever holds the master key.
    pub(super) fn under(identity: &age::x25519::Identity, recovery: Option<&RecoveryRecipient>) -> Result<Sealer> {
        let own = Capture { recipient: Recipient::of(&identity.to_public())?, file_key: Mutex::default() };
        let recipients = std::iter::once(&own as &dyn age::Recipient)
            .chain(recovery.map(|recovery| &recovery.recipient as &dyn age::Recipient));
        let encryptor = age::Encryptor::with_recipients(recipients).map_err(Error::internal)?;
        // Header and nonce are written at once; what age would write the payload with is not needed.
        let mut written = Vec::new();
        drop(encryptor.wrap_output(&mut written)?);

        let header_len = written.len() - NONCE;
        let file_key = lock(&own.file_key).take().ok_or_else(|| Error::internal("age wrapped no file key"))?;
        let key = ObjectKey {
            identity: identity.to_string().expose_secret().to_owned(),
            file_key: *file_key,
            nonce: written[header_len..].try_into().expect("a slice of its length"),
            header_len: u16::try_from(header_len).map_err(Error::internal)?,
            plain_size: 0,
            sealed_size: 0,
        };
        let recovery = recovery.map_or(0, RecoveryRecipient::generation);
        Ok(Sealer {
            payload: Payload::new(&key.file_key, &key.nonce),
            sealed_until: written.len(),
            sealed_size: written.len() as u64,
            digest: Sha256::new_with_prefix(&written),
            out: BytesMut::from(&written[..]),
            chunk: 0,
            fingerprint: Sha256::new(),
            plain_size: 0,
            key,
            recovery,
        })
    }

    /// Takes more of the file and gives the sealed bytes that are ready, often none.
    pub fn push(&mut self, mut plain: &[u8]) -> Result<Bytes> {
        self.plain_size += plain.len() as u64;
        self.out.reserve(plain.len() + plain.len() / 1024 + TAG as usize);
        while !plain.is_empty() {
            let room = CHUNK as usize - (self.out.len() - self.sealed_until);
            if room == 0 {
                // More follows, so that this one is not the last.
                self.seal_chunk(false)?;
                continue;
            }
            let (piece, rest) = plain.split_at(room.min(plain.len()));
            // Chunk by chunk, so that each pass finds the bytes still in the processor's cache.
            self.fingerprint.update(piece);
            self.out.extend_from_slice(piece);
            plain = rest;
        }
        let ready = self.out.split_to(std::mem::take(&mut self.sealed_until));
        Ok(ready.freeze())
    }

    /// Seals the last chunk and gives it with everything that must be kept.
    pub fn finish(mut self) -> Result<(Bytes, Sealed)> {
        self.seal_chunk(true)?;
        let Sealer { out, fingerprint, digest, plain_size, sealed_size, mut key, recovery, .. } = self;
        let name = ObjectName::Object(digest.finalize().into());
        key.plain_size = plain_size;
        key.sealed_size = sealed_size;
        if !key.is_consistent() {
            return Err(Error::internal("more or fewer bytes were sealed than the format says"));
        }
        let fingerprint = fingerprint.finalize().into();
        Ok((out.freeze(), Sealed { name, fingerprint, key, plain_size, sealed_size, recovery }))
    }

    fn seal_chunk(&mut self, is_last: bool) -> Result<()> {
        let chunk = &mut self.out[self.sealed_until..];
        let tag = self.payload.seal(Position { number: self.chunk, is_last }, chunk)?;
        self.out.extend_from_slice(&tag);
        let sealed = &self.out[self.sealed_until..];
        self.digest.update(sealed);
        self.sealed_size += sealed.len() as u64;
        self.sealed_until = self.out.len();
        self.chunk += 1;
        Ok(())
    }

    pub fn plain_size(&self) -> u64 {
        self.plain_size
    }
}

/// Wraps the file key to the object's own identity and keeps a copy, so that ranges need no header.
struct Capture {
    recipient: Recipient,
    file_key: Mutex<Option<Zeroizing<[u8; 16]>>>,
}

impl age::Recipient for Capture {
    fn wrap_file_key(&self, file_key: &FileKey) -> Result<(Vec<Stanza>, HashSet<String>), age::EncryptError> {
        lock(&self.file_key).replace(Zeroizing::new(*file_key.expose_secret()));
        self.recipient.wrap_file_key(file_key)
    }
}

/// Nothing in here panics while it holds a lock, so that a poisoned one still guards whole data.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
