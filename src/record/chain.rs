//! Finding the chain in a bucket: from its newest record back to the full one that it begins with.

use futures_util::{StreamExt, TryStreamExt};

use super::line::{Header, Kinds, unreadable};
use crate::{
    blob::{BlobStore, ObjectName, Prefix},
    error::{Error, Kind, Result, say},
    seal::{HEAD, ObjectKey, Opener, RecoveryIdentity},
};

/// A record that opens with the identity at hand.
pub(super) struct Link {
    pub name: ObjectName,
    pub key: ObjectKey,
    pub header: Header,
    /// What the record after it says its bytes are; none for the newest.
    pub expected: Option<[u8; 32]>,
}

/// From the full record to the newest.
pub struct Chain {
    pub(super) links: Vec<Link>,
    /// Records newer than the chain's end that do not open: another installation's, or damaged.
    pub(super) unopened: usize,
}

/// `r/<time>-<node>-<seq>`
pub(super) fn seq_of(name: &ObjectName) -> Option<i64> {
    match name {
        ObjectName::Record(record) => record.as_str().rsplit_once('-')?.1.parse().ok(),
        _ => None,
    }
}

/// When a record was begun, from its name alone.
pub(super) fn time_of(name: &ObjectName) -> Option<i64> {
    match name {
        ObjectName::Record(record) => record.as_str().split('-').next()?.parse().ok(),
        _ => None,
    }
}

pub(super) async fn listed(store: &BlobStore) -> Result<Vec<(ObjectName, u64)>> {
    let mut found: Vec<(ObjectName, u64)> = store
        .list(Prefix::Records)
        .try_filter_map(|object| async move { Ok(object.name().map(|name| (name, object.size))) })
        .try_collect()
        .await?;
    found.sort_by_key(|(name, _)| std::cmp::Reverse(seq_of(name)));
    Ok(found)
}

pub(super) async fn find(store: &BlobStore, identity: &RecoveryIdentity) -> Result<Chain> {
    let listed = listed(store).await?;
    if listed.is_empty() {
        return Err(nothing_there());
    }
    let mut links: Vec<Link> = Vec::new();
    let mut unopened = 0;
    for (name, size) in listed {
        let wanted = links.last().map(|link| link.header.previous.clone().ok_or_else(broken)).transpose()?;
        if wanted.as_ref().is_some_and(|wanted| wanted.object != name.to_string()) {
            // Written under a claim that was lost: what it held is in the records of the chain.
            continue;
        }
        let expected = wanted.map(|wanted| digest(&wanted.sha256)).transpose()?;
        match open(store, identity, &name, size).await {
            Ok((key, header)) => {
                let is_base = header.kind == Kinds::Full;
                links.push(Link { name, key, header, expected });
                if is_base {
                    links.reverse();
                    return Ok(Chain { links, unopened });
                }
            }
            Err(cause) if links.is_empty() && cause.kind() == Kind::Invalid => unopened += 1,
            Err(cause) => return Err(cause),
        }
    }
    Err(if links.is_empty() { nothing_opens() } else { broken() })
}

/// Reads only as much as holds the first line.
async fn open(
    store: &BlobStore,
    identity: &RecoveryIdentity,
    name: &ObjectName,
    size: u64,
) -> Result<(ObjectKey, Header)> {
    let head = store.get(name, Some(0..size.min(HEAD))).await?.collect().await?;
    let key = identity.recover(&head, size)?;
    let opener = Opener::new(&key);
    let plan = opener.plan(0..key.plain_size().min(16 << 10))?;
    let sealed = store.get(name, Some(plan.sealed())).await?.collect().await?;
    let text = opener.open_range(&plan, &sealed)?;
    let line = text.split(|byte| *byte == b'\n').next().ok_or_else(unreadable)?;
    Ok((key, Header::parse(line)?))
}

/// The record's text, whose sealed bytes are compared with what the next record says of them.
pub(super) async fn text(
    store: &BlobStore,
    link: &Link,
) -> Result<impl futures_util::Stream<Item = Result<bytes::Bytes>> + Send + use<>> {
    use sha2::{Digest, Sha256};
    let opener = Opener::new(&link.key);
    let plan = opener.plan_whole();
    let start = plan.sealed().start;
    let head = store.get(&link.name, Some(0..start)).await?.collect().await?;
    let mut hash = Sha256::new();
    hash.update(&head);
    let mut sealed = store.get(&link.name, Some(plan.sealed())).await?.stream;
    let (expected, name) = (link.expected, link.name.to_string());
    let hashed = async_stream::try_stream! {
        while let Some(piece) = sealed.next().await {
            let piece = piece?;
            hash.update(&piece);
            yield piece;
        }
        if expected.is_some_and(|expected| expected != <[u8; 32]>::from(hash.finalize())) {
            Err(altered(&name))?;
        }
    };
    Ok(opener.open_stream(plan, hashed))
}

fn digest(hex: &str) -> Result<[u8; 32]> {
    let bytes = data_encoding::HEXLOWER.decode(hex.as_bytes()).map_err(|_| unreadable())?;
    bytes.try_into().map_err(|_| unreadable())
}

fn nothing_there() -> Error {
    refused(
        "no-records",
        "Tidak ada catatan (r/…) di penyimpanan ini. Periksa bagian [storage] konfigurasi.",
        "There are no records (r/…) in this store. Check the section [storage] of the configuration.",
    )
}

fn nothing_opens() -> Error {
    refused(
        "records-unopened",
        "Tidak ada catatan yang terbuka dengan kunci pemulihan ini. Pakai kunci pemulihan kabupaten yang berlaku.",
        "No record opens with this recovery key. Use the recovery key that is in force.",
    )
}

fn broken() -> Error {
    refused(
        "records-broken",
        "Rantai catatan terputus: ada catatan yang hilang dari penyimpanan. Pulihkan objek r/ dari cermin atau versi lama.",
        "The chain of records is broken: one is missing from the store. Bring back the objects under r/ from a mirror or from older versions.",
    )
}

fn altered(name: &str) -> Error {
    let id = format!("Catatan {name} bukan yang dahulu ditulis. Pulihkan objek itu dari cermin atau versi lama.");
    let en =
        format!("The record {name} is not the one that was written. Bring it back from a mirror or an older version.");
    Error::new(Kind::Invalid, "record-altered", say(id, en))
}

fn refused(slug: &'static str, id: &'static str, en: &'static str) -> Error {
    Error::new(Kind::Invalid, slug, say(id, en))
}
