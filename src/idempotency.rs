//! `Idempotency-Key`: a request that is repeated after a cut answers the first answer again instead of acting twice.
//!
//! A claim comes first, so that a second caller waits; the answer is written in the transaction of the effect, sealed,
//! because it may hold a link's secret. A claim that its holder no longer renews can be taken over after 12 seconds.

use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::task::AbortHandle;
use uuid::Uuid;

use crate::{
    clock::{Clock, Time},
    db::{Db, Tx, params},
    error::{Error, Kind, Result, say},
    id::{self, OfficeId},
    seal::{self, Secret32},
};

const LEASE: Duration = Duration::from_secs(12);
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// Who repeats what: one office, one route, one key of the client's.
#[derive(Clone, Debug)]
pub struct Name {
    pub office: OfficeId,
    pub route: &'static str,
    pub key: String,
}

/// What a claim found.
pub enum Claim {
    /// The client sent no key.
    Unnamed,
    /// Nobody did this yet: act, and settle in the same transaction.
    First(First),
    /// It was done: compare the content, then answer `answer` again.
    Done(Done),
}

pub struct Done {
    digest: [u8; 32],
    answer: Vec<u8>,
}

/// The right to act once. Dropped without [`First::settle`] it is released, so that a retry may act.
pub struct First {
    db: Db,
    key: Secret32,
    name: Name,
    claim: Uuid,
    renewing: AbortHandle,
    settled: bool,
}

/// The digest of a request's content: its parts, each with its length, so that no two requests share one by accident.
pub fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// Checks the header's text. Printable ASCII, at most so many bytes (`limits.idempotency_key_bytes`).
pub fn checked(key: &str, most: usize) -> Result<String> {
    if !key.is_empty() && key.len() <= most && key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(key.to_owned());
    }
    Err(Error::bad_request(
        "idempotency-key",
        say(
            format!("Idempotency-Key: 1 sampai {most} huruf ASCII tanpa spasi."),
            format!("Idempotency-Key: 1 to {most} ASCII characters without spaces."),
        ),
    ))
}

pub async fn claim(db: &Db, clock: &Clock, key: Secret32, name: Option<Name>) -> Result<Claim> {
    let Some(name) = name else { return Ok(Claim::Unnamed) };
    let claim = id::fresh(clock);
    let now = clock.now();
    let mut tx = db.write().await?;
    // Takes the name if it is free, expired, or held by somebody who stopped renewing.
    let taken = tx
        .execute(
            "INSERT INTO idempotency (office, route, name, digest, boot, lease_to, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (office, route, name) DO UPDATE SET boot = excluded.boot, lease_to = excluded.lease_to,
                 expires_at = excluded.expires_at, answer = NULL, digest = excluded.digest
             WHERE idempotency.expires_at <= $8 OR (idempotency.answer IS NULL AND idempotency.lease_to <= $8)",
            params![name.office, name.route, &name.key, Vec::new(), claim, now.plus(LEASE), now.plus(KEPT), now],
        )
        .await?;
    if taken == 1 {
        tx.commit().await?;
        let renewing = tokio::spawn(renew(db.clone(), clock.clone(), claim)).abort_handle();
        return Ok(Claim::First(First { db: db.clone(), key, name, claim, renewing, settled: false }));
    }
    let row: Option<(Vec<u8>, Option<Vec<u8>>)> = tx
        .one(
            "SELECT digest, answer FROM idempotency WHERE office = $1 AND route = $2 AND name = $3",
            params![name.office, name.route, &name.key],
        )
        .await?;
    match row {
        Some((digest, Some(sealed))) => {
            let answer = seal::unwrap(&key, &context(&name), &sealed)?.to_vec();
            Ok(Claim::Done(Done {
                digest: digest.try_into().map_err(|_| Error::internal("a digest of 32 bytes"))?,
                answer,
            }))
        }
        _ => Err(still_running()),
    }
}

impl Done {
    /// The first answer, if the content is the same; 422 for other content under the same key.
    pub fn answer(self, digest: &[u8; 32]) -> Result<Vec<u8>> {
        if self.digest == *digest {
            return Ok(self.answer);
        }
        Err(Error::new(
            Kind::Invalid,
            "idempotency-key-reused",
            say(
                "Idempotency-Key ini sudah dipakai untuk isi lain. Pakai kunci baru untuk kiriman baru.",
                "This Idempotency-Key was used for other content. Use a new key for a new request.",
            ),
        ))
    }
}

impl First {
    /// Writes the answer in the transaction of the effect. An error means that the claim was lost: roll back.
    pub async fn settle(mut self, tx: &mut Tx, digest: &[u8; 32], answer: &[u8]) -> Result<()> {
        let sealed = seal::wrap(&self.key, &context(&self.name), answer);
        let changed = tx
            .execute(
                "UPDATE idempotency SET answer = $2, digest = $3 WHERE boot = $1 AND answer IS NULL",
                params![self.claim, sealed, *digest],
            )
            .await?;
        self.settled = true;
        if changed == 1 { Ok(()) } else { Err(still_running()) }
    }
}

impl Drop for First {
    fn drop(&mut self) {
        self.renewing.abort();
        if self.settled {
            return;
        }
        let (db, claim) = (self.db.clone(), self.claim);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let released =
                    db.execute("DELETE FROM idempotency WHERE boot = $1 AND answer IS NULL", params![claim]).await;
                if let Err(cause) = released {
                    tracing::debug!(cause = %cause.chain(), "a claim ends by its lease instead");
                }
            });
        }
    }
}

async fn renew(db: Db, clock: Clock, claim: Uuid) {
    loop {
        tokio::time::sleep(LEASE / 3).await;
        let until = clock.now().plus(LEASE);
        let renewed = db
            .execute("UPDATE idempotency SET lease_to = $2 WHERE boot = $1 AND answer IS NULL", params![claim, until])
            .await;
        if let Err(cause) = renewed {
            tracing::debug!(cause = %cause.chain(), "a claim was not renewed");
        }
    }
}

/// Frees what a former life of this node was doing. Only for a database of which this is the one node.
pub async fn free_all(db: &Db) -> Result<()> {
    db.execute("DELETE FROM idempotency WHERE answer IS NULL", params![]).await.map(drop)
}

pub async fn forget_expired(db: &Db, now: Time) -> Result<()> {
    db.execute("DELETE FROM idempotency WHERE expires_at <= $1", params![now]).await.map(drop)
}

fn context(name: &Name) -> Vec<u8> {
    format!("idempotency:{}:{}:{}", name.office, name.route, name.key).into_bytes()
}

fn still_running() -> Error {
    Error::conflict(
        "still-running",
        say(
            "Kiriman pertama dengan kunci ini masih diproses. Tunggu sebentar, lalu ulangi.",
            "The first request with this key is still running. Wait a moment and repeat it.",
        ),
    )
    .retry_after(2)
}
