//! Destroying a document: its rows and keys in one transaction with the tombstone and the audit entry, then its objects with
//! every copy. What cannot be taken away yet is told, with the day on which it can.

use hmac::{Hmac, Mac};
use serde::Serialize;
use sha2::Sha256;

use super::{Place, Vault, chore::Turn, erase::Attempt, sql};
use crate::{
    audit::{self, Entry, Origin, Who},
    clock::Time,
    crash::{Point, point},
    db::{self, Tx},
    document::{self, Document},
    error::{Error, Result, say},
    id::{DocumentId, OfficeId},
    record, share,
};

const TRASH: &str = "trash";
const EVERY: std::time::Duration = std::time::Duration::from_secs(3600);

/// Who wants a document destroyed, and why. The reason is kept with the tombstone: no names, no titles.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    pub document: DocumentId,
    pub who: Who,
    pub reason: &'a str,
    pub origin: &'a Origin,
}

/// What was done, and what still exists.
#[derive(Clone, Debug, Serialize)]
pub struct Destroyed {
    pub document: DocumentId,
    /// SHA-256 of the newest version's original, as on receipts.
    pub fingerprint: String,
    pub versions: usize,
    /// Versions whose bytes stay, because another document of the office has the same.
    pub shared: usize,
    pub remains: Vec<Remain>,
    /// The holder of the recovery identity could still open what remains.
    pub recoverable: bool,
    /// Until when records in the bucket may still hold its details and keys, wrapped for the recovery identity and the master
    /// key. Absent where none are written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records_until: Option<Time>,
}

/// A copy that could not be taken away yet. Without a time it goes with the next sweep that reaches the store.
#[derive(Clone, Debug, Serialize)]
pub struct Remain {
    pub object: String,
    #[serde(rename = "where")]
    pub place: Place,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
}

/// What the transaction has left to do.
struct Rest {
    fingerprint: [u8; 32],
    versions: usize,
    shared: usize,
    condemned: Vec<uuid::Uuid>,
}

impl Vault {
    /// Destroys what has been in the trash for `trash.days`; once an hour, by one node. Returns how many.
    pub async fn empty_trash(&self) -> Result<u64> {
        // A database that does not fit the store may not know what was restored from the trash.
        if self.is_stopped().await? {
            return Ok(0);
        }
        let Some((turn, ())) = self.take_turn::<()>(TRASH, false).await? else { return Ok(0) };
        let now = self.clock.now();
        let destroyed = self.while_kept(&turn, self.empty(&turn, now)).await?;
        self.end_turn(turn, &(), now.plus(EVERY)).await?;
        Ok(destroyed)
    }

    async fn empty(&self, turn: &Turn, now: Time) -> Result<u64> {
        let before = now.minus(self.settings.trash);
        let (mut destroyed, mut after) = (0, uuid::Uuid::nil());
        loop {
            let batch = sql::expired(&self.db, before, now, after, 50).await?;
            let Some(last) = batch.last() else { return Ok(destroyed) };
            after = *last;
            for id in batch {
                let (document, origin) = (DocumentId(id), Origin::machine());
                let order = Order { document, who: Who::Machine, reason: "trash.days", origin: &origin };
                match self.destroy_trashed_before(order, before).await {
                    Ok(done) => destroyed += u64::from(done.is_some()),
                    // One that cannot be destroyed must not keep all others.
                    Err(cause) => tracing::error!(%document, cause = %cause.chain(), "a document was not destroyed"),
                }
            }
            self.keep_turn(turn).await?;
        }
    }

    /// Destroys a document that lies in the trash, now.
    pub async fn destroy(&self, order: Order<'_>) -> Result<Destroyed> {
        let (reason, most) = (order.reason.trim(), self.settings.reason_chars);
        let fine = !reason.is_empty() && reason.chars().count() <= most && !reason.chars().any(char::is_control);
        if !fine {
            return Err(Error::invalid(
                "/reason",
                say(
                    format!("Tulis alasan pemusnahan, paling banyak {most} huruf, dalam satu baris."),
                    format!("Say why it is destroyed, in one line of at most {most} characters."),
                ),
            ));
        }
        let order = Order { reason, ..order };
        self.destroy_trashed_before(order, self.clock.now()).await?.ok_or_else(not_destroyable)
    }

    async fn destroy_trashed_before(&self, order: Order<'_>, before: Time) -> Result<Option<Destroyed>> {
        let mut tx = self.db.write().await?;
        let found = document::load_any(&mut tx, &self.keys, order.document).await?;
        let Some(rest) = self.destroy_rows(&mut tx, &found, order, before).await? else { return Ok(None) };
        point(Point::DestroyWritten);
        tx.commit().await?;
        point(Point::DestroyCommitted);
        let remains = self.erase_now(order.document, &rest.condemned).await?;
        let kept = serde_json::json!({ "remains": remains });
        sql::set_remains(&self.db, order.document, &kept.to_string()).await?;
        Ok(Some(Destroyed {
            document: order.document,
            fingerprint: document::fingerprint(&rest.fingerprint),
            versions: rest.versions,
            shared: rest.shared,
            records_until: self.records_until().await?,
            recoverable: db::installation(&self.db, "recovery_recipient").await?.is_some(),
            remains,
        }))
    }

    /// A server that locks objects keeps the records for its days more.
    async fn records_until(&self) -> Result<Option<Time>> {
        let until = record::named_until(&self.db, self.clock.now(), self.settings.records_forget).await?;
        let locked = std::time::Duration::from_secs(u64::from(self.store.protection().await.lock_days) * 86_400);
        Ok(until.map(|until| until.plus(locked)))
    }

    /// After the commit nobody can load, find or open it.
    async fn destroy_rows(
        &self,
        tx: &mut Tx,
        found: &Document,
        order: Order<'_>,
        before: Time,
    ) -> Result<Option<Rest>> {
        let (id, now) = (found.id, self.clock.now());
        if !sql::set_destroyed(tx, id, before, now).await? {
            return Ok(None);
        }
        let versions = sql::versions(tx, id).await?;
        sql::discard_derivations(tx, id, now).await?;
        sql::drop_rows(tx, id).await?;
        let mut blobs: Vec<_> = versions.iter().map(|(_, blob, _)| *blob).collect();
        // Always in one order, so that two of these never wait for each other.
        blobs.sort();
        blobs.dedup();
        let (mut condemned, mut shared) = (Vec::new(), 0);
        for blob in blobs {
            if sql::condemn(tx, blob).await? { condemned.push(blob) } else { shared += 1 }
        }
        share::end_all(tx, &self.clock, id, "destroyed").await?;
        record::note_destroyed(tx).await?;
        self.bury(tx, found, order, &versions).await?;
        document::touch_index(tx, &self.clock, id).await?;
        let entry = Entry {
            who: order.who,
            office: Some(found.office),
            action: "document.destroy",
            object: Some(id.to_string()),
            result: "ok",
            origin: order.origin,
            detail: serde_json::json!({ "versions": versions.len(), "shared": shared }),
        };
        audit::record(tx, &self.clock, entry).await?;
        Ok(Some(Rest { fingerprint: found.version.fingerprint, versions: versions.len(), shared, condemned }))
    }

    async fn bury(
        &self,
        tx: &mut Tx,
        found: &Document,
        order: Order<'_>,
        versions: &[(i64, uuid::Uuid, Vec<u8>)],
    ) -> Result<()> {
        let listed: Vec<_> = versions
            .iter()
            .map(|(number, _, print)| {
                let print = format!("sha256:{}", data_encoding::HEXLOWER.encode(print));
                serde_json::json!({ "number": number, "fingerprint": print })
            })
            .collect();
        let person = match order.who {
            Who::Person(person) | Who::Token(_, person) => Some(person),
            _ => None,
        };
        let stone = sql::Tombstone {
            document: found.id,
            office: found.office,
            fingerprint: &found.version.fingerprint,
            title_hash: &self.title_hash(found.office, &found.details.title).await?,
            versions: serde_json::json!({ "versions": listed }).to_string(),
            person,
            reason: order.reason,
            at: self.clock.now(),
        };
        sql::insert_tombstone(tx, &stone).await
    }

    /// Proves later which title it was, to the office that has the key; nobody else can try out titles on it.
    pub async fn title_hash(&self, office: OfficeId, title: &str) -> Result<[u8; 32]> {
        let key = self.keys.dedupe_key(office).await?;
        let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).map_err(Error::internal)?;
        mac.update(b"title\0");
        mac.update(title.as_bytes());
        Ok(mac.finalize().into_bytes().into())
    }

    /// The objects of what was just destroyed. A store that is away, or a sweep that waits for an operator, leaves them to
    /// a later sweep: without their keys they are noise.
    async fn erase_now(&self, document: DocumentId, condemned: &[uuid::Uuid]) -> Result<Vec<Remain>> {
        let objects = sql::discarded_of(&self.db, document).await?;
        let stopped = self.is_stopped().await?;
        let mut remains = Vec::new();
        if !stopped {
            let mut tx = self.db.write().await?;
            sql::doom_condemned(&mut tx).await?;
            tx.commit().await?;
        }
        for blob in condemned {
            let Some((object, state)) = sql::object_of(&self.db, *blob).await? else { continue };
            let outcome = match state.as_str() {
                "gone" => continue,
                "deleting" if !stopped => self.erase_blob(*blob, &object).await,
                _ => Ok(self.later(&object)),
            };
            remains.extend(self.told(outcome, &object));
        }
        for object in objects {
            let outcome = if stopped { Ok(self.later(&object)) } else { self.erase_discarded(&object).await };
            remains.extend(self.told(outcome, &object));
        }
        Ok(remains)
    }

    /// Nothing was asked to let go of it: it is wherever it was.
    fn later(&self, object: &str) -> Attempt {
        let places = [Some(Place::Store), self.mirror.as_ref().map(|_| Place::Mirror)];
        let remain = |place| Remain { object: object.to_owned(), place, until: None };
        Attempt { remains: places.into_iter().flatten().map(remain).collect(), failed: None }
    }

    fn told(&self, outcome: Result<Attempt>, object: &str) -> Vec<Remain> {
        let (remains, failed) = match outcome {
            Ok(attempt) => (attempt.remains, attempt.failed),
            Err(cause) => (self.later(object).remains, Some(cause)),
        };
        if let Some(cause) = failed {
            tracing::warn!(object, cause = %cause.chain(), "an object stays where it is until the next sweep");
        }
        remains
    }
}

fn not_destroyable() -> Error {
    Error::conflict(
        "not-destroyable",
        say(
            "Hanya dokumen di tempat sampah yang dapat dimusnahkan, dan tidak selama sebuah surat yang sudah dibuka penerimanya masih merujuknya. Buang dahulu dokumennya, atau tunggu.",
            "Only a document in the trash can be destroyed, and not while a letter that its recipient has opened refers to it. Move it to the trash first, or wait.",
        ),
    )
}
