//! One sealed file: magic, salt, then chunks of AES-256-GCM.
//!
//! The key of a file is derived from the index key, its random salt and its path, so that a path that is written anew
//! never meets an old nonce under the same key, and a file put under another name does not open. A nonce is the
//! chunk's number and a flag on the last one: chunks cannot be swapped, dropped or cut off unseen.
//!
//! AES-256-GCM of AWS-LC, which TLS brings along: a question opens megabytes of chunks, and the pure Rust `aes-gcm` of the small
//! sealed values took four times as long for that.

use std::{
    fmt,
    fs::File,
    io::{self, Write},
    ops::Range,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use hkdf::Hkdf;
use sha2::Sha256;
use tantivy::{
    HasLen,
    directory::{AntiCallToken, FileHandle, OwnedBytes, TerminatingWrite},
};
use zeroize::Zeroizing;

use super::{cache::Cache, handles::Handle};
use crate::crash::{Point, point};
use crate::id;

const MAGIC: &[u8; 8] = b"lumbidx1";
const SALT: usize = 32;
const HEAD: usize = MAGIC.len() + SALT;
const TAG: usize = 16;
/// Small enough that one posting list does not cost much, large enough that the tag does not.
const CHUNK: usize = 32 * 1024;

/// Writes a sealed file chunk by chunk; nothing is readable before `terminate`.
pub(super) struct Sealer {
    file: File,
    cipher: LessSafeKey,
    chunk: Vec<u8>,
    sealed: u64,
    durable: bool,
    /// Of what it ends, where a process may be made to die.
    at_end: Option<Point>,
}

impl Sealer {
    pub(super) fn begin(mut file: File, key: &[u8; 32], path: &Path, durable: bool) -> io::Result<Sealer> {
        let salt = id::random::<SALT>();
        file.write_all(MAGIC)?;
        file.write_all(&salt)?;
        Ok(Sealer {
            file,
            cipher: cipher(key, &salt, path),
            chunk: Vec::with_capacity(CHUNK + TAG),
            sealed: 0,
            durable,
            at_end: path.extension().filter(|kind| *kind == "del").map(|_| Point::RemovalsMarked),
        })
    }

    fn seal_chunk(&mut self, last: bool) -> io::Result<()> {
        self.cipher
            .seal_in_place_append_tag(nonce(self.sealed, last), Aad::empty(), &mut self.chunk)
            .map_err(|_| io::Error::other("sealing failed"))?;
        self.file.write_all(&self.chunk)?;
        self.chunk.clear();
        self.sealed += 1;
        Ok(())
    }

    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.seal_chunk(true)?;
        if self.durable {
            self.file.sync_all()?;
        }
        Ok(())
    }
}

impl Write for Sealer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut rest = bytes;
        while !rest.is_empty() {
            // A full chunk is sealed only when more follows: the last one carries the flag.
            if self.chunk.len() == CHUNK {
                self.seal_chunk(false)?;
            }
            let (now, later) = rest.split_at(rest.len().min(CHUNK - self.chunk.len()));
            self.chunk.extend_from_slice(now);
            rest = later;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl TerminatingWrite for Sealer {
    fn terminate_ref(&mut self, _: AntiCallToken) -> io::Result<()> {
        self.finish()?;
        self.at_end.into_iter().for_each(point);
        Ok(())
    }
}

/// Reads any range of a sealed file; what does not authenticate is an error and raises the directory's alarm.
pub(super) struct Opened {
    id: u64,
    file: Handle,
    cipher: LessSafeKey,
    len: usize,
    chunks: u64,
    cache: Arc<Cache>,
    /// Texts of pages are read for a snippet and not soon again: they would drive out what every question reads.
    is_kept: bool,
    alarm: Arc<AtomicBool>,
}

impl Opened {
    /// `id` names an open file: a path may be written anew, an id is never given twice.
    pub(super) fn open(
        id: u64,
        file: Handle,
        key: &[u8; 32],
        path: &Path,
        cache: Arc<Cache>,
        alarm: Arc<AtomicBool>,
    ) -> io::Result<Opened> {
        let mut head = [0; HEAD];
        let size = file.size()? as usize;
        let readable = size >= HEAD + TAG && file.read_exact_at(&mut head, 0).is_ok() && head.starts_with(MAGIC);
        let body = size.saturating_sub(HEAD);
        let chunks = body.div_ceil(CHUNK + TAG);
        if !readable || body < chunks * TAG {
            return Err(damaged(&alarm));
        }
        let cipher = cipher(key, &head[MAGIC.len()..], path);
        let is_kept = path.extension().is_none_or(|kind| kind != "store");
        let opened =
            Opened { id, file, cipher, len: body - chunks * TAG, chunks: chunks as u64, cache, is_kept, alarm };
        // The last chunk vouches for the length: a file that was cut is found out here.
        opened.chunk(opened.chunks - 1)?;
        Ok(opened)
    }

    /// Authenticates every chunk without keeping any.
    pub(super) fn verify(&self) -> io::Result<()> {
        (0..self.chunks).try_for_each(|at| self.decrypt(at).map(|_| ()))
    }

    fn chunk(&self, at: u64) -> io::Result<OwnedBytes> {
        if let Some(bytes) = self.cache.get(self.id, at) {
            return Ok(bytes);
        }
        let bytes = OwnedBytes::new(self.decrypt(at)?);
        if self.is_kept {
            self.cache.put(self.id, at, bytes.clone());
        }
        Ok(bytes)
    }

    fn decrypt(&self, at: u64) -> io::Result<Vec<u8>> {
        let last = at + 1 == self.chunks;
        let size = if last { self.len - at as usize * CHUNK + TAG } else { CHUNK + TAG };
        let mut bytes = vec![0; size];
        let read = self.file.read_exact_at(&mut bytes, HEAD as u64 + at * (CHUNK + TAG) as u64);
        // Somebody took it away since it was opened.
        read.map_err(|cause| if cause.kind() == io::ErrorKind::NotFound { damaged(&self.alarm) } else { cause })?;
        let opened = self.cipher.open_in_place(nonce(at, last), Aad::empty(), &mut bytes);
        let plain = opened.map_err(|_| damaged(&self.alarm))?.len();
        bytes.truncate(plain);
        Ok(bytes)
    }
}

impl FileHandle for Opened {
    fn read_bytes(&self, range: Range<usize>) -> io::Result<OwnedBytes> {
        if range.is_empty() {
            return Ok(OwnedBytes::empty());
        }
        if range.end > self.len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let (first, last) = (range.start / CHUNK, (range.end - 1) / CHUNK);
        if first == last {
            return Ok(self.chunk(first as u64)?.slice(range.start - first * CHUNK..range.end - first * CHUNK));
        }
        let mut joined = Vec::with_capacity(range.len());
        for at in first..=last {
            let chunk = self.chunk(at as u64)?;
            let from = range.start.saturating_sub(at * CHUNK);
            let to = (range.end - at * CHUNK).min(CHUNK);
            joined.extend_from_slice(&chunk[from..to]);
        }
        Ok(OwnedBytes::new(joined))
    }
}

impl HasLen for Opened {
    fn len(&self) -> usize {
        self.len
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.cache.forget(self.id, self.chunks);
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sealed file of {} bytes", self.len)
    }
}

fn cipher(key: &[u8; 32], salt: &[u8], path: &Path) -> LessSafeKey {
    let mut derived = Zeroizing::new([0; 32]);
    let info = [b"lumbung index file\0", path.as_os_str().as_encoded_bytes()].concat();
    Hkdf::<Sha256>::new(Some(salt), key).expand(&info, &mut *derived).expect("32 bytes are a valid length for HKDF");
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &*derived).expect("32 bytes are a key of AES-256"))
}

fn nonce(chunk: u64, last: bool) -> Nonce {
    let mut nonce = [0; 12];
    nonce[3..11].copy_from_slice(&chunk.to_be_bytes());
    nonce[11] = u8::from(last);
    Nonce::assume_unique_for_key(nonce)
}

fn damaged(alarm: &AtomicBool) -> io::Error {
    alarm.store(true, Ordering::SeqCst);
    io::Error::new(io::ErrorKind::InvalidData, "a sealed index file does not open: damaged, cut, or of another key")
}
