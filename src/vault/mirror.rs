//! The mirror: every object, the records too, is copied to a second store as documents arrive. What is still to be copied stands in the rows
//! themselves, so that nothing is forgotten, and a mirror that is added later is filled from the beginning.

use futures_util::StreamExt;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{Place, Vault, chore::Turn, sql};
use crate::{
    blob::{self, BlobStore, ObjectName},
    crash::{Point, point},
    error::{Error, Result},
    seal::{Digest, SealedBody, Spool},
};

const MIRROR: &str = "mirror";
const BATCH: i64 = 100;

impl Vault {
    /// Copies what the mirror does not have yet. Returns how many objects; an object that is damaged here is passed over
    /// and becomes a finding.
    pub async fn follow_mirror(&self) -> Result<u64> {
        let Some(mirror) = &self.mirror else { return Ok(0) };
        if sql::mirror_lag(&self.db).await?.0 == 0 {
            return Ok(0);
        }
        let Some((turn, ())) = self.take_turn::<()>(MIRROR, true).await? else { return Ok(0) };
        let copied = self.while_kept(&turn, self.copy_all(&turn, mirror)).await?;
        self.end_turn(turn, &(), self.clock.now()).await?;
        Ok(copied)
    }

    /// Originals first, then what is derived from them, then the records that name both.
    async fn copy_all(&self, turn: &Turn, mirror: &BlobStore) -> Result<u64> {
        let mut copied = 0;
        let mut after = Uuid::nil();
        loop {
            let blobs = sql::unmirrored_blobs(&self.db, after, BATCH).await?;
            let Some((last, _)) = blobs.last() else { break };
            after = *last;
            copied += self.copy_each(turn, mirror, blobs.iter().map(|(_, object)| object)).await?;
        }
        let mut after = String::new();
        loop {
            let derived = sql::unmirrored_derivations(&self.db, &after, BATCH).await?;
            let Some((last,)) = derived.last() else { break };
            after.clone_from(last);
            copied += self.copy_each(turn, mirror, derived.iter().map(|(object,)| object)).await?;
        }
        let mut after = 0;
        loop {
            let records = sql::unmirrored_records(&self.db, after, BATCH).await?;
            let Some((last, _)) = records.last() else { return Ok(copied) };
            after = *last;
            copied += self.copy_each(turn, mirror, records.iter().map(|(_, object)| object)).await?;
        }
    }

    async fn copy_each(
        &self,
        turn: &Turn,
        mirror: &BlobStore,
        objects: impl Iterator<Item = &String> + Send,
    ) -> Result<u64> {
        let mut copied = 0;
        for object in objects {
            copied += u64::from(self.copy(mirror, object).await?);
        }
        self.keep_turn(turn).await?;
        Ok(copied)
    }

    async fn copy(&self, mirror: &BlobStore, object: &str) -> Result<bool> {
        let name: ObjectName = object.parse()?;
        let Some(body) = self.sound_copy(Place::Store, &name).await? else {
            let expected = sql::is_expected(&self.db, object).await?;
            if expected {
                self.note_unsound(object).await?;
            }
            return Ok(false);
        };
        mirror.put(&name, &body).await?;
        point(Point::MirrorCopied);
        if !sql::set_mirrored(&self.db, object, self.clock.now()).await? {
            // It was replaced or destroyed while it was copied.
            mirror.erase(&name).await?;
            return Ok(false);
        }
        Ok(true)
    }

    async fn note_unsound(&self, object: &str) -> Result<()> {
        let there = self.store.head(&object.parse()?).await?.is_some();
        let kind = if there { "digest" } else { "missing" };
        self.note_damage(Place::Store, object, kind, None).await
    }

    /// An object's sealed bytes, if they are the ones that its name says, or for a record the database.
    pub(super) async fn sound_copy(&self, place: Place, name: &ObjectName) -> Result<Option<SealedBody>> {
        let Some(right) = self.right_digest(name).await? else { return Ok(None) };
        let store = self.at(place).ok_or_else(|| Error::internal("there is no mirror"))?;
        let mut body = match store.get(name, None).await {
            Ok(body) => body,
            Err(cause) if blob::is_away(&cause) => return Err(cause),
            Err(_) => return Ok(None),
        };
        let mut spool = Spool::new(&self.settings.spool, self.settings.spool_memory);
        let mut hash = Sha256::new();
        while let Some(piece) = body.stream.next().await {
            let piece = match piece {
                Ok(piece) => piece,
                Err(cause) if blob::is_away(&cause) => return Err(cause),
                Err(_) => return Ok(None),
            };
            hash.update(&piece);
            if spool.has_room(piece.len()) {
                spool.write(&piece)?;
            } else {
                let written = tokio::task::spawn_blocking(move || spool.write(&piece).map(|()| spool));
                spool = written.await.map_err(Error::internal)??;
            }
        }
        let digest: Digest = hash.finalize().into();
        Ok((digest == right).then(|| spool.finish_copy(digest)))
    }

    async fn right_digest(&self, name: &ObjectName) -> Result<Option<Digest>> {
        match name {
            ObjectName::Object(digest) => Ok(Some(*digest)),
            _ => Ok(sql::record_digest(&self.db, &name.to_string()).await?.and_then(|digest| digest.try_into().ok())),
        }
    }
}
