//! The vault: one contract that every store is held to, what only one kind of store can get wrong, and the promises that
//! the sealed objects make to the stock `age` program and to the machine's memory.

mod contract;
mod faulty;
mod folder;
mod frugality;
mod large;
mod s3;
mod stock_age;

use bytes::Bytes;
use lumbung::blob::{BlobStore, ObjectName, Patience, S3Settings, Settings};
use lumbung::error::Result;
use lumbung::seal::{Limits, SealedBody, seal_stream};

use crate::support::minio::{self, Bucket};

/// Bytes that differ from place to place and from seed to seed.
fn bytes(size: usize, seed: u8) -> Bytes {
    (0..size).map(|at| (at / 251 + at % 253) as u8 ^ seed).collect::<Vec<u8>>().into()
}

/// Stands for a sealed object; a store cannot tell the difference.
fn body(size: usize, seed: u8) -> SealedBody {
    SealedBody::from_bytes(bytes(size, seed))
}

fn name_of(body: &SealedBody) -> ObjectName {
    ObjectName::Object(*body.digest())
}

/// A body that waits in a spool file.
async fn spooled(size: usize, spool: &std::path::Path) -> SealedBody {
    let limits = Limits { max_plain: u64::MAX, spool_memory: 1000, spool_folder: spool.to_owned() };
    let plain: [Result<Bytes>; 1] = [Ok(bytes(size, 3))];
    let plain = futures_util::stream::iter(plain);
    seal_stream(plain, &limits, None).await.expect("seals").1
}

pub fn settings_of(bucket: &Bucket) -> S3Settings {
    S3Settings {
        endpoint: bucket.endpoint.clone(),
        region: "us-east-1".into(),
        bucket: bucket.name.clone(),
        access_key: minio::ACCESS_KEY.into(),
        secret_key: minio::SECRET_KEY.into(),
        path_style: true,
        create_bucket: false,
        object_lock_days: 0,
        patience: Patience::default(),
    }
}

pub async fn s3_store(bucket: &Bucket) -> BlobStore {
    BlobStore::open(&Settings::s3(settings_of(bucket))).await.expect("opens")
}
