//! Sealing a stream in constant memory, without holding up the threads that serve others.

use std::path::PathBuf;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};

use super::RecoveryRecipient;
use super::body::SealedBody;
use super::sealer::{Sealed, Sealer};
use super::spool::Spool;
use crate::error::{Error, Result, say};

/// Handing work to another thread costs some 10 µs: worth it for this much, not for a letter.
const BATCH: usize = 256 * 1024;

/// How large a file may be, and where its sealed bytes wait.
#[derive(Clone, Debug)]
pub struct Limits {
    pub max_plain: u64,
    pub spool_memory: usize,
    pub spool_folder: PathBuf,
}

impl Limits {
    pub fn new(spool_folder: impl Into<PathBuf>) -> Limits {
        Limits { max_plain: 4 << 30, spool_memory: 16 << 20, spool_folder: spool_folder.into() }
    }
}

/// Seals everything that `plain` yields. An error of the stream, or too many bytes, leaves nothing behind.
pub async fn seal_stream<E: Into<Error>>(
    plain: impl Stream<Item = Result<Bytes, E>>,
    limits: &Limits,
    recovery: Option<&RecoveryRecipient>,
) -> Result<(Sealed, SealedBody)> {
    seal_stream_by(Sealer::new(recovery)?, plain, limits).await
}

/// The same with a sealer that is made already.
pub async fn seal_stream_by<E: Into<Error>>(
    sealer: Sealer,
    plain: impl Stream<Item = Result<Bytes, E>>,
    limits: &Limits,
) -> Result<(Sealed, SealedBody)> {
    let mut work = Work { sealer, spool: Spool::new(&limits.spool_folder, limits.spool_memory) };
    let mut plain = std::pin::pin!(plain);
    let mut batch = Batch::default();
    let mut received = 0u64;
    while let Some(piece) = plain.next().await {
        let piece = piece.map_err(Into::into)?;
        received += piece.len() as u64;
        if received > limits.max_plain {
            return Err(too_large(limits.max_plain));
        }
        batch.add(piece);
        if batch.size >= BATCH {
            work = work.seal_elsewhere(std::mem::take(&mut batch)).await?;
        }
    }
    if work.spool.has_room(batch.size + BATCH) {
        work.seal(batch)?;
    } else {
        work = work.seal_elsewhere(batch).await?;
    }
    work.finish()
}

/// Seals bytes that are in memory already, such as the text of a page.
pub fn seal_bytes(plain: &[u8], recovery: Option<&RecoveryRecipient>) -> Result<(Sealed, SealedBody)> {
    let work = Work { sealer: Sealer::new(recovery)?, spool: Spool::in_memory() };
    let mut work = work;
    let sealed = work.sealer.push(plain)?;
    work.spool.write(&sealed)?;
    work.finish()
}

struct Work {
    sealer: Sealer,
    spool: Spool,
}

#[derive(Default)]
struct Batch {
    pieces: Vec<Bytes>,
    size: usize,
}

impl Batch {
    fn add(&mut self, piece: Bytes) {
        self.size += piece.len();
        self.pieces.push(piece);
    }
}

impl Work {
    fn seal(&mut self, batch: Batch) -> Result<()> {
        for piece in batch.pieces {
            let sealed = self.sealer.push(&piece)?;
            self.spool.write(&sealed)?;
        }
        Ok(())
    }

    async fn seal_elsewhere(mut self, batch: Batch) -> Result<Work> {
        tokio::task::spawn_blocking(move || self.seal(batch).map(|()| self)).await.map_err(Error::internal)?
    }

    fn finish(mut self) -> Result<(Sealed, SealedBody)> {
        let (tail, sealed) = self.sealer.finish()?;
        self.spool.write(&tail)?;
        let body = self.spool.finish(&sealed)?;
        Ok((sealed, body))
    }
}

fn too_large(limit: u64) -> Error {
    let mib = limit >> 20;
    Error::too_large(say(
        format!("Berkas lebih besar daripada {mib} MiB yang diizinkan. Perkecil atau bagi berkasnya."),
        format!("The file is larger than the {mib} MiB that are allowed. Make it smaller or split it."),
    ))
}
