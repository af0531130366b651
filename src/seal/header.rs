//! A new header for an object that is sealed already: another recovery recipient, the same payload. An age header holds the
//! file key, wrapped for each recipient, and a MAC under that key (age specification, "Header"); the payload's key does
//! not depend on it, so that the payload is copied as it is.

use age::Recipient as _;
use age_core::format::{FileKey, write::age_stanza};
use age_core::primitives::hkdf;
use bytes::Bytes;
use cookie_factory::gen_simple;
use futures_util::{Stream, StreamExt};
use hmac::{Hmac, Mac};
use sha2::{Digest as _, Sha256};

use super::spool::Spool;
use super::stanza::Recipient;
use super::{Limits, NONCE, ObjectKey, RecoveryRecipient, Sealed, SealedBody};
use crate::blob::ObjectName;
use crate::error::{Error, Result};

const VERSION_LINE: &[u8] = b"age-encryption.org/v1\n";

/// Copies a stored object under a header for `recovery`. The stored bytes must have the digest that `name` says: damage is
/// not copied under a new name.
pub async fn copy_for<S>(
    name: &ObjectName,
    key: &ObjectKey,
    recovery: &RecoveryRecipient,
    stored: S,
    limits: &Limits,
) -> Result<(Sealed, SealedBody)>
where
    S: Stream<Item = Result<Bytes>> + Send,
{
    let (head, key) = header(key, recovery)?;
    let mut spool = Spool::new(&limits.spool_folder, limits.spool_memory);
    let (mut before, mut after) = (Sha256::new(), Sha256::new());
    after.update(&head);
    spool.write(&head)?;
    let mut left_of_head = key.1;
    let mut stored = std::pin::pin!(stored);
    while let Some(piece) = stored.next().await {
        let piece = piece?;
        before.update(&piece);
        let payload = piece.slice(piece.len().min(left_of_head)..);
        left_of_head -= piece.len() - payload.len();
        after.update(&payload);
        spool.write(&payload)?;
    }
    if ObjectName::Object(before.finalize().into()) != *name {
        return Err(Error::internal("the stored object is not what its name says; run lumbung verify --scrub"));
    }
    let key = key.0;
    let (plain_size, sealed_size) = (key.plain_size, key.sealed_size);
    let name = ObjectName::Object(after.finalize().into());
    let sealed = Sealed { name, fingerprint: [0; 32], key, plain_size, sealed_size, recovery: recovery.generation() };
    let body = spool.finish(&sealed)?;
    Ok((sealed, body))
}

/// Header and nonce, the key that goes with them, and where the payload begins in the object as it was.
fn header(key: &ObjectKey, recovery: &RecoveryRecipient) -> Result<(Vec<u8>, (ObjectKey, usize))> {
    let own: age::x25519::Identity = match key.age_identity_line() {
        Some(line) => line.parse().map_err(Error::internal)?,
        None => age::x25519::Identity::generate(),
    };
    let file_key = FileKey::new(Box::new(key.file_key));
    let mut head = VERSION_LINE.to_vec();
    for recipient in [&Recipient::of(&own.to_public())?, &recovery.recipient] {
        let (stanzas, _) = recipient.wrap_file_key(&file_key).map_err(Error::internal)?;
        for stanza in &stanzas {
            head = gen_simple(age_stanza(&stanza.tag, &stanza.args, &stanza.body), head)
                .map_err(|cause| Error::internal(format!("{cause:?}")))?;
        }
    }
    head.extend_from_slice(b"---");
    let mut mac = Hmac::<Sha256>::new_from_slice(&hkdf(b"", b"header", &key.file_key)).map_err(Error::internal)?;
    mac.update(&head);
    let mac = data_encoding::BASE64_NOPAD.encode(&mac.finalize().into_bytes());
    head.extend_from_slice(format!(" {mac}\n").as_bytes());
    let former_start = key.payload_start();
    let mut anew = key.clone();
    anew.identity = age::secrecy::ExposeSecret::expose_secret(&own.to_string()).to_owned();
    anew.header_len = u16::try_from(head.len()).map_err(Error::internal)?;
    anew.sealed_size = key.sealed_size - former_start + head.len() as u64 + NONCE as u64;
    head.extend_from_slice(&key.nonce);
    if !anew.is_consistent() {
        return Err(Error::internal("a copied object would have another size than its format says"));
    }
    Ok((head, (anew, usize::try_from(former_start).map_err(Error::internal)?)))
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;
    use crate::seal::{Opener, Place, RecoveryIdentity, seal_bytes};

    fn bytes_of(body: &SealedBody) -> Bytes {
        match body.place() {
            Place::Memory(bytes) => bytes.clone(),
            Place::File(file) => std::fs::read(file.path()).unwrap().into(),
        }
    }

    async fn copied(
        former: &Bytes,
        sealed: &Sealed,
        to: &RecoveryIdentity,
        folder: &std::path::Path,
    ) -> Result<(Sealed, Bytes)> {
        let pieces: Vec<Result<Bytes>> = former.chunks(100).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        let limits = Limits::new(folder);
        let (anew, body) = copy_for(&sealed.name, &sealed.key, &to.recipient(), stream::iter(pieces), &limits).await?;
        Ok((anew, bytes_of(&body)))
    }

    #[tokio::test]
    async fn a_copy_opens_for_the_new_identity_and_its_own_and_not_for_the_former() {
        let folder = tempfile::tempdir().unwrap();
        let (former, new) = (RecoveryIdentity::generate(), RecoveryIdentity::generate());
        for size in [1, 65_536, 200_000] {
            let plain = vec![9; size];
            let (sealed, body) = seal_bytes(&plain, Some(&former.recipient())).unwrap();
            let stored = bytes_of(&body);
            let (anew, bytes) = copied(&stored, &sealed, &new, folder.path()).await.unwrap();
            assert!(former.recover(&bytes, anew.sealed_size).is_err());
            let own = anew.key.age_identity_line().unwrap();
            for key in [
                anew.key.clone(),
                new.recover(&bytes, anew.sealed_size).unwrap(),
                ObjectKey::from_identity(own, &bytes, anew.sealed_size).unwrap(),
            ] {
                let opener = Opener::new(&key);
                let plan = opener.plan_whole();
                let part = plan.sealed();
                let opened = opener.open_range(&plan, &bytes[part.start as usize..part.end as usize]).unwrap();
                assert_eq!(opened, plain);
            }
            assert_eq!(anew.key.derive("x").as_bytes(), sealed.key.derive("x").as_bytes());
        }
    }

    #[tokio::test]
    async fn damage_is_not_copied() {
        let folder = tempfile::tempdir().unwrap();
        let recovery = RecoveryIdentity::generate();
        let (sealed, body) = seal_bytes(b"surat", Some(&recovery.recipient())).unwrap();
        let mut stored = bytes_of(&body).to_vec();
        *stored.last_mut().unwrap() ^= 1;
        assert!(copied(&stored.into(), &sealed, &recovery, folder.path()).await.is_err());
    }
}
