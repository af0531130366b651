//! A store in memory, for tests: it counts what is fetched and fails in the ways that real stores do.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};

use super::{Body, Listed, ObjectName, Prefix, occupied, unavailable, within};
use crate::error::Result;
use crate::seal::{Place, SealedBody};

const PIECE: usize = 128 * 1024;

#[derive(Clone, Debug, Default)]
pub struct Memory(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    objects: Mutex<BTreeMap<String, Bytes>>,
    fault: Mutex<Option<Fault>>,
    requests: AtomicU64,
    bytes: AtomicU64,
}

/// How the store misbehaves until told otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Every call fails and changes nothing.
    Unavailable,
    /// No call ever returns.
    Hangs,
    /// A put is done, but its answer gets lost.
    LosesAnswers,
}

impl Memory {
    pub fn misbehave(&self, fault: Option<Fault>) {
        *lock(&self.0.fault) = fault;
    }

    /// How many reads there were, and how many bytes they were asked for.
    pub fn fetched(&self) -> (u64, u64) {
        (self.0.requests.load(Ordering::Relaxed), self.0.bytes.load(Ordering::Relaxed))
    }

    /// Changes the bytes behind the program's back, as rot or an intruder would. False where there is no such object.
    pub fn tamper(&self, name: &ObjectName, change: impl FnOnce(&mut Vec<u8>)) -> bool {
        let mut objects = self.objects();
        let Some(object) = objects.get_mut(&name.to_string()) else { return false };
        let mut bytes = object.to_vec();
        change(&mut bytes);
        *object = bytes.into();
        true
    }

    pub(super) async fn put(&self, name: &ObjectName, body: &SealedBody) -> Result<()> {
        self.weather().await?;
        let bytes = match body.place() {
            Place::Memory(bytes) => bytes.clone(),
            Place::File(file) => fs::read(file.path())?.into(),
        };
        let path = name.to_string();
        let mut objects = self.objects();
        match objects.get(&path) {
            Some(there) if name.is_write_once() && *there != bytes => return Err(occupied(name)),
            _ => objects.insert(path, bytes),
        };
        match *lock(&self.0.fault) {
            Some(Fault::LosesAnswers) => Err(unavailable("the answer was lost")),
            _ => Ok(()),
        }
    }

    pub(super) async fn get(&self, name: &ObjectName, range: Option<Range<u64>>) -> Result<Option<Body>> {
        self.weather().await?;
        let Some(object) = self.objects().get(&name.to_string()).cloned() else { return Ok(None) };
        let object_size = object.len() as u64;
        let range = within(range, object_size)?;
        let length = range.end - range.start;
        self.0.requests.fetch_add(1, Ordering::Relaxed);
        self.0.bytes.fetch_add(length, Ordering::Relaxed);
        let bytes = object.slice(range.start as usize..range.end as usize);
        let pieces = (0..bytes.len()).step_by(PIECE).map(move |at| Ok(bytes.slice(at..bytes.len().min(at + PIECE))));
        Ok(Some(Body { object_size, length, stream: stream::iter(pieces).boxed() }))
    }

    pub(super) async fn head(&self, name: &ObjectName) -> Result<Option<u64>> {
        self.weather().await?;
        Ok(self.objects().get(&name.to_string()).map(|object| object.len() as u64))
    }

    pub(super) async fn delete(&self, name: &ObjectName) -> Result<()> {
        self.weather().await?;
        self.objects().remove(&name.to_string());
        Ok(())
    }

    pub(super) async fn rename(&self, from: &ObjectName, to: &ObjectName) -> Result<bool> {
        self.weather().await?;
        let mut objects = self.objects();
        let Some(object) = objects.remove(&from.to_string()) else { return Ok(false) };
        objects.insert(to.to_string(), object);
        Ok(true)
    }

    pub(super) fn list(&self, prefix: Prefix) -> BoxStream<'static, Result<Listed>> {
        let memory = self.clone();
        let prefix = prefix.to_string();
        let listed = async move {
            memory.weather().await?;
            let objects = memory.objects();
            let ours = objects.iter().filter(|(path, _)| path.starts_with(&prefix));
            Ok(ours.map(|(path, object)| Ok(Listed { path: path.clone(), size: object.len() as u64 })).collect())
        };
        stream::once(listed)
            .flat_map(|all: Result<Vec<Result<Listed>>>| stream::iter(all.unwrap_or_else(|cause| vec![Err(cause)])))
            .boxed()
    }

    pub(super) async fn probe(&self) -> Result<()> {
        self.weather().await
    }

    async fn weather(&self) -> Result<()> {
        let fault = *lock(&self.0.fault);
        match fault {
            Some(Fault::Unavailable) => Err(unavailable("told to be away")),
            Some(Fault::Hangs) => std::future::pending().await,
            Some(Fault::LosesAnswers) | None => Ok(()),
        }
    }

    fn objects(&self) -> MutexGuard<'_, BTreeMap<String, Bytes>> {
        lock(&self.0.objects)
    }
}

/// Nothing panics while it holds one of these locks halfway through a change.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
