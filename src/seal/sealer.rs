//! One pass over a file: fingerprint of what comes in, age file of what goes out, digest of what will lie in the store.

use std::collections::HashSet;
use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use age::secrecy::ExposeSecret;
use age::stream::StreamWriter;
use age_core::format::{FileKey, Stanza};
use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::{CHUNK, NONCE, ObjectKey, RecoveryRecipient};
use crate::blob::ObjectName;
use crate::error::{Error, Result};

pub type Digest = [u8; 32];

pub fn digest_of(bytes: &[u8]) -> Digest {
    Sha256::digest(bytes).into()
}

/// Seals one file under a fresh identity of its own. Nothing is sealed until [`Sealer::finish`] was called.
pub struct Sealer {
    writer: StreamWriter<Out>,
    out: Out,
    fingerprint: Sha256,
    plain_size: u64,
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
        let own = Capture { recipient: identity.to_public(), file_key: Mutex::default() };
        let recipients = std::iter::once(&own as &dyn age::Recipient)
            .chain(recovery.map(|recovery| &recovery.recipient as &dyn age::Recipient));
        let encryptor = age::Encryptor::with_recipients(recipients).map_err(Error::internal)?;
        let out = Out::default();
        let writer = encryptor.wrap_output(out.clone())?;

        let written = out.lock().bytes.clone();
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
        Ok(Sealer { writer, out, fingerprint: Sha256::new(), plain_size: 0, key, recovery })
    }

    /// Takes more of the file and gives the sealed bytes that are ready, often none.
    pub fn push(&mut self, plain: &[u8]) -> Result<Bytes> {
        self.out.lock().bytes.reserve(plain.len() + plain.len() / 1024);
        // Chunk by chunk, so that each pass finds the bytes still in the processor's cache.
        for piece in plain.chunks(CHUNK as usize) {
            self.fingerprint.update(piece);
            self.writer.write_all(piece)?;
        }
        self.plain_size += plain.len() as u64;
        Ok(self.out.take())
    }

    /// Seals the last chunk and gives it with everything that must be kept.
    pub fn finish(self) -> Result<(Bytes, Sealed)> {
        let Sealer { writer, out, fingerprint, plain_size, mut key, recovery } = self;
        writer.finish()?;
        let tail = out.take();
        let (digest, sealed_size) = out.digest();
        let name = ObjectName::Object(digest);
        key.plain_size = plain_size;
        key.sealed_size = sealed_size;
        if !key.is_consistent() {
            return Err(Error::internal("age wrote another number of bytes than its format says"));
        }
        let fingerprint = fingerprint.finalize().into();
        Ok((tail, Sealed { name, fingerprint, key, plain_size, sealed_size, recovery }))
    }

    pub fn plain_size(&self) -> u64 {
        self.plain_size
    }
}

/// Where age writes to. It is shared because age's writer does not let its target be reached before the end.
#[derive(Clone, Default)]
struct Out(Arc<Mutex<Ready>>);

#[derive(Default)]
struct Ready {
    bytes: Vec<u8>,
    digest: Sha256,
    total: u64,
}

impl Out {
    fn lock(&self) -> MutexGuard<'_, Ready> {
        lock(&self.0)
    }

    fn take(&self) -> Bytes {
        mem::take(&mut self.lock().bytes).into()
    }

    fn digest(&self) -> (Digest, u64) {
        let ready = self.lock();
        (ready.digest.clone().finalize().into(), ready.total)
    }
}

impl Write for Out {
    fn write(&mut self, sealed: &[u8]) -> io::Result<usize> {
        let mut ready = self.lock();
        ready.digest.update(sealed);
        ready.total += sealed.len() as u64;
        ready.bytes.extend_from_slice(sealed);
        Ok(sealed.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Wraps the file key to the object's own identity and keeps a copy, so that ranges need no header.
struct Capture {
    recipient: age::x25519::Recipient,
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
