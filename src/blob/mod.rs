//! The object store: a folder, an S3-compatible server, or memory. One contract for all three, and one conformance
//! suite (`tests/it/store`) that holds them to it.
//!
//! The contract: what [`BlobStore::put`] acknowledged survives a power cut. Objects are written once; a second put of
//! the same bytes is fine, of other bytes a conflict, and only parts of uploads are replaced. What is missing is
//! told apart from what fails ([`is_missing`]). Everything that comes here is sealed already; the store learns count, size and time.

mod folder;
mod memory;
mod name;
mod s3;
mod s3_keep;
mod s3_trial;
mod settings;
mod trial;

pub use folder::Folder;
pub use memory::{Fault, Memory};
pub use name::{ObjectName, Prefix, RecordName};
pub use s3::S3;
pub use settings::{Kind, Patience, S3Settings, Settings};
pub use trial::{Outcome, Trial};

use std::ops::Range;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;

use crate::clock::Time;
use crate::error::{self, Error, Result, say};
use crate::measure::Timed;
use crate::proof::Proof;
use crate::seal::SealedBody;

/// Cheap to clone; all clones are the same store.
#[derive(Clone, Debug)]
pub struct BlobStore {
    place: Place,
    calls: Timed,
    written: Proof,
}

#[derive(Clone, Debug)]
enum Place {
    Folder(Folder),
    S3(S3),
    Memory(Memory),
}

impl From<Place> for BlobStore {
    fn from(place: Place) -> BlobStore {
        BlobStore { place, calls: Timed::default(), written: Proof::default() }
    }
}

impl From<Memory> for BlobStore {
    fn from(memory: Memory) -> BlobStore {
        Place::Memory(memory).into()
    }
}

/// An object, or a range of it, on its way out of the store.
pub struct Body {
    /// The size of the whole object.
    pub object_size: u64,
    /// How many bytes the stream yields; it ends with an error when there are fewer.
    pub length: u64,
    pub stream: BoxStream<'static, Result<Bytes>>,
}

/// What lies in the store, under a path that may or may not be ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub path: String,
    pub size: u64,
}

/// What a server does by itself against loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Protection {
    /// Whether former versions are kept; `None` where it did not say.
    pub versioned: Option<bool>,
    /// Days for which an object cannot be deleted; 0 for none.
    pub lock_days: u32,
}

impl BlobStore {
    /// Makes the folder, or the bucket where the settings ask for it. Harmless beside a running server.
    pub async fn open(settings: &Settings) -> Result<BlobStore> {
        match settings.kind {
            Kind::Folder => {
                let folder = Folder::new(&settings.folder);
                folder.prepare().await?;
                Ok(Place::Folder(folder).into())
            }
            Kind::S3 => {
                let s3 = S3::new(&settings.s3);
                if settings.s3.create_bucket {
                    s3.create_bucket().await?;
                }
                s3.must_honour_lock().await?;
                Ok(Place::S3(s3).into())
            }
        }
    }

    pub fn memory() -> BlobStore {
        Memory::default().into()
    }

    /// Durable when it returns. Retrying after any error is safe.
    pub async fn put(&self, name: &ObjectName, body: &SealedBody) -> Result<()> {
        if matches!(name, ObjectName::Object(digest) if digest != body.digest()) {
            return Err(Error::internal("an object's name is not the digest of its bytes"));
        }
        let call = async {
            match &self.place {
                Place::Folder(folder) => folder.put(name, body).await,
                Place::S3(s3) => s3.put(name, body).await,
                Place::Memory(memory) => memory.put(name, body).await,
            }
        };
        let done = self.calls.run("put", call).await;
        match &done {
            Ok(()) => self.written.renew(),
            Err(cause) if cause.kind() == error::Kind::Unavailable => self.written.doubt(),
            Err(_) => {}
        }
        done
    }

    /// Where there is no such object, an error that [`is_missing`]; so is a range that is not within the object, of
    /// another kind.
    pub async fn get(&self, name: &ObjectName, range: Option<Range<u64>>) -> Result<Body> {
        let call = async {
            match &self.place {
                Place::Folder(folder) => folder.get(name, range).await,
                Place::S3(s3) => s3.get(name, range).await,
                Place::Memory(memory) => memory.get(name, range).await,
            }
        };
        self.calls.run("get", call).await?.ok_or_else(missing)
    }

    /// The size of an object; `None` where there is none.
    pub async fn head(&self, name: &ObjectName) -> Result<Option<u64>> {
        let call = async {
            match &self.place {
                Place::Folder(folder) => folder.head(name).await,
                Place::S3(s3) => s3.head(name).await,
                Place::Memory(memory) => memory.head(name).await,
            }
        };
        self.calls.run("head", call).await
    }

    /// Deleting what is not there is fine. Former versions that the server keeps go as well; see [`BlobStore::erase`].
    pub async fn delete(&self, name: &ObjectName) -> Result<()> {
        self.erase(name).await.map(drop)
    }

    /// Takes an object away with every version of it that the server keeps. Where the server retains some of them, the
    /// name is gone and the time tells until when the bytes are not.
    pub async fn erase(&self, name: &ObjectName) -> Result<Option<Time>> {
        let call = async {
            match &self.place {
                Place::Folder(folder) => folder.delete(name).await.map(|()| None),
                Place::S3(s3) => s3.erase(name).await,
                Place::Memory(memory) => memory.delete(name).await.map(|()| None),
            }
        };
        self.calls.run("delete", call).await
    }

    /// Sets an object aside under `q/`, for a sweep that must not delete what it does not know. False where it is gone.
    pub async fn quarantine(&self, name: &ObjectName) -> Result<bool> {
        if matches!(name, ObjectName::Quarantined(_)) {
            return Err(Error::internal("what is in quarantine stays there"));
        }
        let aside = ObjectName::Quarantined(Box::new(name.clone()));
        let call = async {
            match &self.place {
                Place::Folder(folder) => folder.rename(name, &aside).await,
                Place::S3(s3) => s3.rename(name, &aside).await,
                Place::Memory(memory) => memory.rename(name, &aside).await,
            }
        };
        self.calls.run("rename", call).await
    }

    /// Everything under a prefix, foreign paths too, fetched in pages as the stream is read.
    pub fn list(&self, prefix: Prefix) -> BoxStream<'static, Result<Listed>> {
        match &self.place {
            Place::Folder(folder) => folder.list(prefix),
            Place::S3(s3) => s3.list(prefix),
            Place::Memory(memory) => memory.list(prefix),
        }
    }

    /// How long the store takes to answer, call by call.
    pub fn calls(&self) -> &Timed {
        &self.calls
    }

    /// What the server itself does against loss.
    pub async fn protection(&self) -> Protection {
        match &self.place {
            Place::S3(s3) => s3.protection().await,
            Place::Folder(_) | Place::Memory(_) => Protection::default(),
        }
    }

    /// Says cheaply whether the store answers.
    pub async fn probe(&self) -> Result<()> {
        match &self.place {
            Place::Folder(folder) => folder.probe().await,
            Place::S3(s3) => s3.probe().await,
            Place::Memory(memory) => memory.probe().await,
        }
    }

    /// Whether the store answers and would take an object: where none was written lately, a byte is written and taken away.
    pub async fn must_take_writes(&self) -> Result<()> {
        self.probe().await?;
        let trial = async {
            match &self.place {
                Place::Folder(folder) => folder.try_write().await,
                Place::S3(s3) => s3.try_write().await,
                Place::Memory(_) => Ok(()),
            }
        };
        self.written.or_by(trial).await
    }
}

impl Body {
    /// All bytes at once; for what is known to be small.
    pub async fn collect(mut self) -> Result<Bytes> {
        let mut all = Vec::with_capacity(usize::try_from(self.length).unwrap_or(0));
        while let Some(piece) = self.stream.next().await {
            all.extend_from_slice(&piece?);
        }
        Ok(all.into())
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Body({} of {} bytes)", self.length, self.object_size)
    }
}

impl Listed {
    /// `None` for a path that Lumbung did not write.
    pub fn name(&self) -> Option<ObjectName> {
        ObjectName::parse(&self.path)
    }
}

/// True for the error of [`BlobStore::get`] where there is no such object.
pub fn is_missing(cause: &Error) -> bool {
    cause.slug() == MISSING
}

/// Whether a store tells nothing about an object because it is away: it may tell later. A disk that does not give the bytes of
/// one object back is not away; for that object it is the same as other bytes.
pub fn is_away(cause: &Error) -> bool {
    cause.kind() == error::Kind::Unavailable && cause.slug() != error::DISK_UNUSABLE
}

const MISSING: &str = "object-missing";

fn missing() -> Error {
    Error::new(
        error::Kind::Internal,
        MISSING,
        say(
            "Isi berkas ini tidak ada lagi di penyimpanan. Sampaikan kepada operator agar menjalankan lumbung verify.",
            "The content of this file is gone from the store. Tell the operator to run lumbung verify.",
        ),
    )
}

/// The range to read, checked against the object.
fn within(range: Option<Range<u64>>, size: u64) -> Result<Range<u64>> {
    let range = range.unwrap_or(0..size);
    if range.start <= range.end && range.end <= size { Ok(range) } else { Err(outside(size)) }
}

fn outside(size: u64) -> Error {
    Error::new(
        error::Kind::RangeNotSatisfiable,
        "range",
        say(
            format!("Rentang yang diminta di luar objek yang berukuran {size} bita."),
            format!("The range asked for is outside the object of {size} bytes."),
        ),
    )
}

/// A name that is written once holds other bytes: two programs write to one store, or somebody tampered with it.
fn occupied(name: &ObjectName) -> Error {
    Error::conflict(
        "object-differs",
        say(
            format!(
                "Objek {name} sudah ada dengan isi lain. Penyimpanan mungkin diubah dari luar; jalankan lumbung verify."
            ),
            format!(
                "The object {name} exists with other content. The store may have been altered; run lumbung verify."
            ),
        ),
    )
}

fn unavailable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::unavailable(
        "store-unavailable",
        say(
            "Penyimpanan berkas tidak menjawab. Tidak ada yang hilang; coba lagi sebentar.",
            "The object store does not answer. Nothing is lost; try again shortly.",
        ),
    )
    .because(cause)
}
