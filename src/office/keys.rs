//! Keys of offices: for each office key-encryption keys in versions and one key for finding duplicates, random, wrapped
//! by the master key, kept opened in memory while the program runs.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use uuid::Uuid;
use zeroize::Zeroizing;

use super::sql;
use crate::{
    clock::Clock,
    db::{Db, Tx},
    error::{Error, Result},
    id::{BlobId, OfficeId},
    seal::{MasterKey, Secret32, unwrap, unwrap_any, wrap},
};

/// Opens and wraps with the keys of any office. Cheap to clone; every clone shares what was opened.
#[derive(Clone)]
pub struct OfficeKeys {
    db: Db,
    master: MasterKey,
    opened: Shared<(Uuid, i64), Arc<Opened>>,
    newest: Shared<Uuid, i64>,
}

/// What every clone sees.
type Shared<K, V> = Arc<RwLock<HashMap<K, V>>>;

struct Opened {
    version: i64,
    kek: Secret32,
    dedupe: Secret32,
}

impl OfficeKeys {
    pub fn new(db: Db, master: &MasterKey) -> OfficeKeys {
        // Keys are asked for in the midst of transactions.
        OfficeKeys { db: db.aside(), master: master.clone(), opened: Arc::default(), newest: Arc::default() }
    }

    /// One version of an office's key-encryption key.
    pub async fn kek(&self, office: OfficeId, version: i64) -> Result<Secret32> {
        Ok(self.version(office, version).await?.kek.clone())
    }

    /// Names duplicates inside one office and nowhere else. It stays the same when the key-encryption key is rotated.
    pub async fn dedupe_key(&self, office: OfficeId) -> Result<Secret32> {
        Ok(self.newest(office).await?.dedupe.clone())
    }

    /// Wraps a blob's own key for an office that may open it, under the newest version of its key.
    pub async fn wrap_for(&self, office: OfficeId, blob: BlobId, object_key: &[u8]) -> Result<(i64, Vec<u8>)> {
        let keys = self.newest(office).await?;
        Ok((keys.version, wrap(&keys.kek, &blob_context(office, blob), object_key)))
    }

    pub async fn unwrap_for(
        &self,
        office: OfficeId,
        blob: BlobId,
        version: i64,
        wrapped: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>> {
        let keys = self.version(office, version).await?;
        unwrap(&keys.kek, &blob_context(office, blob), wrapped)
    }

    /// Seals a small value of an office; the version of the key travels in front of it.
    pub async fn seal(&self, office: OfficeId, context: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
        let keys = self.newest(office).await?;
        let mut sealed = keys.version.to_be_bytes().to_vec();
        sealed.extend(wrap(&keys.kek, &value_context(office, context), plain));
        Ok(sealed)
    }

    pub async fn open(&self, office: OfficeId, context: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let (version, wrapped) =
            sealed.split_first_chunk::<8>().ok_or_else(|| Error::internal("a sealed value is too short"))?;
        let keys = self.version(office, i64::from_be_bytes(*version)).await?;
        unwrap(&keys.kek, &value_context(office, context), wrapped)
    }

    /// The first keys of a new office, in the transaction that makes the office.
    pub async fn create(&self, tx: &mut Tx, clock: &Clock, office: OfficeId) -> Result<()> {
        let version = 1;
        let (kek, dedupe) = (Secret32::random(), Secret32::random());
        let kek = wrap_kek(&self.master, office, version, kek.as_bytes());
        let dedupe = wrap_dedupe(&self.master, office, dedupe.as_bytes());
        sql::insert_keys(tx, office, version, kek, dedupe, clock.now()).await
    }

    /// A new version of an office's key; its key for duplicates stays.
    pub async fn renew(&self, tx: &mut Tx, clock: &Clock, office: OfficeId) -> Result<()> {
        let newest = sql::keys(tx, office, None).await?.ok_or_else(|| Error::internal("an office without keys"))?;
        let version = newest.version + 1;
        let dedupe = open_dedupe(&self.master, office, &newest.dedupe)?;
        let kek = wrap_kek(&self.master, office, version, Secret32::random().as_bytes());
        sql::insert_keys(tx, office, version, kek, wrap_dedupe(&self.master, office, &dedupe), clock.now()).await
    }

    /// Another node may have renewed keys: which version is the newest is asked again.
    pub fn forget_newest(&self) {
        self.newest.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub async fn newest_version(&self, office: OfficeId) -> Result<i64> {
        Ok(self.newest(office).await?.version)
    }

    async fn newest(&self, office: OfficeId) -> Result<Arc<Opened>> {
        let known = self.newest.read().unwrap_or_else(PoisonError::into_inner).get(&office.0).copied();
        if let Some(version) = known {
            return self.version(office, version).await;
        }
        let keys = self.load(office, None).await?;
        self.newest.write().unwrap_or_else(PoisonError::into_inner).insert(office.0, keys.version);
        Ok(keys)
    }

    async fn version(&self, office: OfficeId, version: i64) -> Result<Arc<Opened>> {
        let known = self.opened.read().unwrap_or_else(PoisonError::into_inner).get(&(office.0, version)).cloned();
        match known {
            Some(keys) => Ok(keys),
            None => self.load(office, Some(version)).await,
        }
    }

    async fn load(&self, office: OfficeId, version: Option<i64>) -> Result<Arc<Opened>> {
        let mut tx = self.db.read().await?;
        let row =
            sql::keys(&mut tx, office, version).await?.ok_or_else(|| Error::internal("an office without keys"))?;
        let keys = Arc::new(Opened {
            version: row.version,
            kek: Secret32::from_slice(&open_kek(&self.master, office, row.version, &row.kek)?)?,
            dedupe: Secret32::from_slice(&open_dedupe(&self.master, office, &row.dedupe)?)?,
        });
        let mut opened = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        opened.insert((office.0, row.version), keys.clone());
        Ok(keys)
    }
}

const PURPOSE: &str = "office keys";

/// An office's key as `office_key.kek` holds it.
pub fn wrap_kek(master: &MasterKey, office: OfficeId, version: i64, kek: &[u8]) -> Vec<u8> {
    wrap(&Secret32::from(master.derive(PURPOSE)), &kek_context(office, version), kek)
}

pub fn wrap_dedupe(master: &MasterKey, office: OfficeId, key: &[u8]) -> Vec<u8> {
    wrap(&Secret32::from(master.derive(PURPOSE)), &dedupe_context(office), key)
}

pub fn open_kek(master: &MasterKey, office: OfficeId, version: i64, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    unwrap_any(&master.derive_any(PURPOSE), &kek_context(office, version), wrapped)
}

pub fn open_dedupe(master: &MasterKey, office: OfficeId, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    unwrap_any(&master.derive_any(PURPOSE), &dedupe_context(office), wrapped)
}

/// Wraps every office's keys under the master key in force, whichever of its keys they open with.
pub async fn rewrap(tx: &mut Tx, master: &MasterKey) -> Result<u64> {
    let rows = sql::all_keys(tx).await?;
    for row in &rows {
        let office = OfficeId(row.office);
        let kek = open_kek(master, office, row.version, &row.kek)?;
        let dedupe = open_dedupe(master, office, &row.dedupe)?;
        let (kek, dedupe) = (wrap_kek(master, office, row.version, &kek), wrap_dedupe(master, office, &dedupe));
        sql::set_keys(tx, office, row.version, kek, dedupe).await?;
    }
    Ok(rows.len() as u64)
}

/// A row that is copied to another office, version or blob does not open there.
fn kek_context(office: OfficeId, version: i64) -> Vec<u8> {
    format!("kek {office} {version}").into_bytes()
}

fn dedupe_context(office: OfficeId) -> Vec<u8> {
    format!("dedupe {office}").into_bytes()
}

fn blob_context(office: OfficeId, blob: BlobId) -> Vec<u8> {
    format!("blob {office} {blob}").into_bytes()
}

fn value_context(office: OfficeId, context: &[u8]) -> Vec<u8> {
    let mut whole = format!("value {office} ").into_bytes();
    whole.extend_from_slice(context);
    whole
}
