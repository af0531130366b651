//! Opening: the whole of an object or any range of it, by decrypting only the chunks that are touched.
//!
//! The sizes come from the key, never from the store, so that a store that cuts, swaps or repeats chunks is refused.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};

use super::payload::{Payload, Position, damaged};
use super::{CHUNK, ObjectKey, SEALED_CHUNK, TAG, chunks};
use crate::error::{Error, Kind, Result, say};

/// Opens one object.
#[derive(Clone)]
pub struct Opener {
    payload: Payload,
    payload_start: u64,
    plain_size: u64,
    sealed_size: u64,
}

/// A range of the plaintext, checked against the file's size, and the sealed bytes that it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    sealed: Range<u64>,
    first_chunk: u64,
    skip: usize,
    length: u64,
}

impl Plan {
    /// What to fetch from the store; empty for an empty range.
    pub fn sealed(&self) -> Range<u64> {
        self.sealed.clone()
    }

    /// How many plaintext bytes come out.
    pub fn length(&self) -> u64 {
        self.length
    }
}

impl Opener {
    pub fn new(key: &ObjectKey) -> Opener {
        Opener {
            payload: Payload::new(&key.file_key, &key.nonce),
            payload_start: key.payload_start(),
            plain_size: key.plain_size,
            sealed_size: key.sealed_size,
        }
    }

    pub fn plain_size(&self) -> u64 {
        self.plain_size
    }

    /// Refuses a range that does not lie within the file.
    pub fn plan(&self, range: Range<u64>) -> Result<Plan> {
        if range.start > range.end || range.end > self.plain_size {
            return Err(outside(self.plain_size));
        }
        if range.is_empty() {
            let sealed = self.payload_start..self.payload_start;
            return Ok(Plan { sealed, first_chunk: 0, skip: 0, length: 0 });
        }
        let first_chunk = range.start / CHUNK;
        let after_last = (range.end - 1) / CHUNK + 1;
        let from = self.payload_start + first_chunk * SEALED_CHUNK;
        let to = (self.payload_start + after_last * SEALED_CHUNK).min(self.sealed_size);
        let skip = (range.start % CHUNK) as usize;
        Ok(Plan { sealed: from..to, first_chunk, skip, length: range.end - range.start })
    }

    /// Everything. Unlike an empty range, an empty file has a chunk to check.
    pub fn plan_whole(&self) -> Plan {
        let sealed = self.payload_start..self.sealed_size;
        Plan { sealed, first_chunk: 0, skip: 0, length: self.plain_size }
    }

    /// Decrypts a range whose sealed bytes are all here.
    pub fn open_range(&self, plan: &Plan, sealed: &[u8]) -> Result<Bytes> {
        let mut reader = Reader::new(self.clone(), plan.clone());
        let mut plain = BytesMut::with_capacity(plan.length as usize);
        reader.push(Bytes::copy_from_slice(sealed))?;
        while let Some(piece) = reader.next_plain()? {
            plain.extend_from_slice(&piece);
        }
        reader.finish()?;
        Ok(plain.freeze())
    }

    /// Decrypts while the sealed bytes arrive. No plaintext leaves before its chunk was authenticated; the stream ends
    /// with an error where sealed bytes are missing, altered or too many.
    pub fn open_stream<S>(&self, plan: Plan, sealed: S) -> impl Stream<Item = Result<Bytes>> + Send + use<S>
    where
        S: Stream<Item = Result<Bytes>> + Send,
    {
        let mut reader = Reader::new(self.clone(), plan);
        async_stream::try_stream! {
            let mut sealed = std::pin::pin!(sealed);
            while let Some(piece) = sealed.next().await {
                reader.push(piece?)?;
                while let Some(plain) = reader.next_plain()? {
                    yield plain;
                }
            }
            reader.finish()?;
        }
    }

    /// Decrypts chunk `number` in place and leaves its plaintext in `chunk`.
    fn open_chunk(&self, number: u64, chunk: &mut BytesMut) -> Result<()> {
        let is_last = number + 1 == chunks(self.plain_size);
        self.payload.open(Position { number, is_last }, chunk)
    }

    fn sealed_len_of(&self, number: u64) -> u64 {
        (self.plain_size - number * CHUNK).min(CHUNK) + TAG
    }
}

/// The state between pieces: at most one chunk and the piece at hand are held.
struct Reader {
    opener: Opener,
    waiting: VecDeque<Bytes>,
    waiting_len: u64,
    next_chunk: u64,
    skip: usize,
    /// Sealed bytes that must still arrive, and plaintext bytes that must still leave.
    due: u64,
    left: u64,
}

impl Reader {
    fn new(opener: Opener, plan: Plan) -> Reader {
        let due = plan.sealed.end - plan.sealed.start;
        let Plan { first_chunk, skip, length, .. } = plan;
        Reader { opener, waiting: VecDeque::new(), waiting_len: 0, next_chunk: first_chunk, skip, due, left: length }
    }

    fn push(&mut self, sealed: Bytes) -> Result<()> {
        let len = sealed.len() as u64;
        self.due = self.due.checked_sub(len).ok_or_else(damaged)?;
        self.waiting_len += len;
        self.waiting.push_back(sealed);
        Ok(())
    }

    /// The plaintext of the next chunk, once it is here whole.
    fn next_plain(&mut self) -> Result<Option<Bytes>> {
        if self.waiting_len == 0 {
            return Ok(None);
        }
        let want = self.opener.sealed_len_of(self.next_chunk);
        if self.waiting_len < want {
            return Ok(None);
        }
        let mut chunk = self.collect(want as usize);
        self.opener.open_chunk(self.next_chunk, &mut chunk)?;
        self.next_chunk += 1;
        let mut plain = chunk.freeze().split_off(std::mem::take(&mut self.skip));
        plain.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= plain.len() as u64;
        Ok(Some(plain))
    }

    fn collect(&mut self, want: usize) -> BytesMut {
        let mut chunk = BytesMut::with_capacity(want);
        while chunk.len() < want {
            let mut front = self.waiting.pop_front().expect("as many bytes wait as were counted");
            let rest = front.split_off(front.len().min(want - chunk.len()));
            chunk.extend_from_slice(&front);
            if !rest.is_empty() {
                self.waiting.push_front(rest);
            }
        }
        self.waiting_len -= want as u64;
        chunk
    }

    fn finish(&self) -> Result<()> {
        if self.due == 0 && self.left == 0 && self.waiting_len == 0 { Ok(()) } else { Err(damaged()) }
    }
}

fn outside(size: u64) -> Error {
    Error::new(
        Kind::RangeNotSatisfiable,
        "range",
        say(
            format!("Rentang yang diminta di luar berkas yang berukuran {size} bita."),
            format!("The range asked for is outside the file of {size} bytes."),
        ),
    )
}

#[cfg(test)]
#[path = "open_tests.rs"]
mod tests;
