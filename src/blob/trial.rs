//! Whether a store does what Lumbung asks of it, tried with real calls. What is written is small, lies among the parts of
//! an upload that nobody began, and is taken away again; where that fails, the sweep takes it.

use std::future::Future;
use std::ops::Range;
use std::time::Instant;

use bytes::Bytes;
use futures_util::TryStreamExt;
use serde::Serialize;

use super::{BlobStore, Listed, ObjectName, Place, Prefix, is_missing};
use crate::{
    clock::Clock,
    error::{Error, Result},
    id::{UploadId, random},
    seal::SealedBody,
};

const SMALL: usize = 100_000;
/// Goes over the wire in many pieces.
const LARGE: usize = 8 << 20;

/// One thing that was asked of the store.
#[derive(Debug, Serialize)]
pub struct Trial {
    pub what: &'static str,
    /// The calls of the S3 API that it takes.
    pub calls: &'static str,
    pub outcome: Outcome,
    /// What was seen instead of what was wanted.
    pub why: String,
    pub milliseconds: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Ok,
    /// Lumbung works, with one protection less.
    Weaker,
    Failed,
}

/// What a trial found wanting; an error of the store's own is a failure as well.
pub(super) struct Wanting {
    outcome: Outcome,
    why: String,
}

impl Wanting {
    pub(super) fn weaker(why: &str) -> Wanting {
        Wanting { outcome: Outcome::Weaker, why: why.into() }
    }
}

impl From<Error> for Wanting {
    fn from(cause: Error) -> Wanting {
        Wanting { outcome: Outcome::Failed, why: cause.chain() }
    }
}

pub(super) type Tried = std::result::Result<(), Wanting>;

pub(super) fn must(holds: bool, otherwise: &str) -> Tried {
    if holds { Ok(()) } else { Err(Wanting { outcome: Outcome::Failed, why: otherwise.into() }) }
}

#[derive(Default)]
struct Trials(Vec<Trial>);

impl Trials {
    async fn run(&mut self, what: &'static str, calls: &'static str, trial: impl Future<Output = Tried>) {
        let started = Instant::now();
        let (outcome, why) = match trial.await {
            Ok(()) => (Outcome::Ok, String::new()),
            Err(wanting) => (wanting.outcome, wanting.why),
        };
        let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.push(Trial { what, calls, outcome, why, milliseconds });
    }
}

impl BlobStore {
    /// Tries everything in turn; a trial that fails does not keep the others from being made.
    pub async fn trials(&self) -> Vec<Trial> {
        let upload = UploadId::fresh(&Clock::default());
        let part = |number| ObjectName::part(upload, number);
        let mut trials = Trials::default();
        trials.run("menjawab / answers", "HeadBucket", async { Ok(self.probe().await?) }).await;
        trials
            .run(
                "mengembalikan yang diterima / gives back what it took",
                "PutObject, GetObject",
                self.gives_back(part(1), SMALL),
            )
            .await;
        trials
            .run(
                "menerima 8 MiB sekaligus / takes 8 MiB at once",
                "PutObject, GetObject",
                self.gives_back(part(2), LARGE),
            )
            .await;
        trials.run("memberi sebagian isi / gives ranges", "GetObject (Range)", self.gives_ranges(part(3))).await;
        trials
            .run(
                "langsung memberi yang terakhir ditulis / gives at once what was written last",
                "PutObject, GetObject",
                self.is_consistent(part(4)),
            )
            .await;
        trials
            .run(
                "tahu ukuran dan yang tidak ada / tells sizes and what is missing",
                "HeadObject",
                self.tells_sizes(part(5), part(6)),
            )
            .await;
        trials.run("mendaftar yang ditulis / lists what was written", "ListObjectsV2", self.lists(upload)).await;
        trials.run("menyisihkan objek / sets an object aside", "CopyObject", self.sets_aside(part(7))).await;
        if let Place::S3(s3) = &self.place {
            trials
                .run(
                    "mendaftar per halaman / lists in pages",
                    "ListObjectsV2 (ContinuationToken)",
                    s3.lists_in_pages(upload),
                )
                .await;
            trials
                .run(
                    "memeriksa checksum / checks checksums",
                    "PutObject (x-amz-checksum-sha256)",
                    s3.checks_sums(part(8)),
                )
                .await;
            trials
                .run("menyimpan checksum / keeps checksums", "HeadObject (ChecksumMode)", s3.keeps_sums(part(9)))
                .await;
            trials
                .run(
                    "menulis sekali saja bila diminta / writes once where told to",
                    "PutObject (If-None-Match)",
                    s3.writes_once(part(10)),
                )
                .await;
            let calls = "GetBucketVersioning, ListObjectVersions, DeleteObject (versionId)";
            trials.run("menghapus semua versi / erases every version", calls, s3.erases_versions(part(11))).await;
            let lock = async { Ok(s3.must_honour_lock().await?) };
            trials
                .run("mengunci objek bila diminta / locks objects where told to", "GetObjectLockConfiguration", lock)
                .await;
        }
        trials.run("menghapus objek / takes objects away", "DeleteObject", self.takes_away(upload)).await;
        trials.0
    }

    async fn put_random(&self, name: &ObjectName, size: usize) -> Result<Bytes> {
        let body = random_body(size);
        self.put(name, &body.1).await?;
        Ok(body.0)
    }

    async fn read(&self, name: &ObjectName, range: Option<Range<u64>>) -> Result<Bytes> {
        self.get(name, range).await?.collect().await
    }

    async fn gives_back(&self, name: ObjectName, size: usize) -> Tried {
        let bytes = self.put_random(&name, size).await?;
        must(self.read(&name, None).await? == bytes, "isinya lain / other bytes came back")
    }

    async fn gives_ranges(&self, name: ObjectName) -> Tried {
        let bytes = self.put_random(&name, SMALL).await?;
        for range in [0..1, 65_000..65_600, SMALL - 1..SMALL] {
            let got = self.read(&name, Some(range.start as u64..range.end as u64)).await?;
            must(got == bytes[range], "bagian lain yang diberikan / another range came back")?;
        }
        Ok(())
    }

    async fn is_consistent(&self, name: ObjectName) -> Tried {
        for _ in 0..5 {
            let bytes = self.put_random(&name, 1000).await?;
            must(self.read(&name, None).await? == bytes, "isi lama yang diberikan / a former state came back")?;
        }
        Ok(())
    }

    async fn tells_sizes(&self, there: ObjectName, missing: ObjectName) -> Tried {
        self.put_random(&there, SMALL).await?;
        must(self.head(&there).await? == Some(SMALL as u64), "ukurannya lain / another size was told")?;
        must(
            self.head(&missing).await?.is_none(),
            "objek yang tidak ada diberi ukuran / a size was told for an object that is not there",
        )?;
        match self.get(&missing, None).await {
            Err(cause) if is_missing(&cause) => Ok(()),
            Err(cause) => Err(cause.into()),
            Ok(_) => must(false, "objek yang tidak ada diberikan / an object that is not there was given"),
        }
    }

    async fn lists(&self, upload: UploadId) -> Tried {
        let name = ObjectName::part(upload, 20);
        self.put_random(&name, 1000).await?;
        let listed: Vec<Listed> = self.list(Prefix::PartsOf(upload)).try_collect().await?;
        let there = listed.iter().any(|listed| listed.name().as_ref() == Some(&name) && listed.size == 1000);
        must(there, "yang baru ditulis tidak terdaftar / what was just written is not listed")
    }

    async fn sets_aside(&self, name: ObjectName) -> Tried {
        let bytes = self.put_random(&name, SMALL).await?;
        let aside = ObjectName::Quarantined(Box::new(name.clone()));
        must(self.quarantine(&name).await?, "objeknya tidak ditemukan / the object was not found")?;
        let kept = self.read(&aside, None).await? == bytes;
        self.delete(&aside).await?;
        must(kept, "salinannya berisi lain / the copy has other bytes")?;
        must(self.head(&name).await?.is_none(), "objeknya masih di tempatnya / the object is still in its place")
    }

    /// Everything of the former trials, so that the store is left as it was.
    async fn takes_away(&self, upload: UploadId) -> Tried {
        let listed: Vec<Listed> = self.list(Prefix::PartsOf(upload)).try_collect().await?;
        for name in listed.iter().filter_map(Listed::name) {
            self.delete(&name).await?;
            self.delete(&name).await?;
            must(self.head(&name).await?.is_none(), "objek yang dihapus masih ada / a deleted object is still there")?;
        }
        let left: Vec<Listed> = self.list(Prefix::PartsOf(upload)).try_collect().await?;
        must(left.is_empty(), "objek yang dihapus masih terdaftar / a deleted object is still listed")
    }
}

/// A store may compress or recognise what it knows; it does not know this.
pub(super) fn random_body(size: usize) -> (Bytes, SealedBody) {
    let mut bytes = Vec::with_capacity(size + 1024);
    while bytes.len() < size {
        bytes.extend_from_slice(&random::<1024>());
    }
    bytes.truncate(size);
    let bytes = Bytes::from(bytes);
    (bytes.clone(), SealedBody::from_bytes(bytes))
}
