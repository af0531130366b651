//! The one transaction that makes received bytes a document: blob, document, version, audit entry and jobs together.

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Ingest, Received, sql};
use crate::{
    audit::{self, Entry, Origin, Who},
    db::Tx,
    document::{self, Created, Details, Document, NewDocument, NewVersion, Recorded},
    error::{Error, Result, say},
    id::{DocumentId, DropId, OfficeId, PersonId, VersionId},
    queue::{Job, Queue},
    read,
};

/// Reads the pages of a version, puts its text into sealed derivations and tells the index.
#[derive(Debug, Serialize, Deserialize)]
pub struct ReadPages {
    pub version: VersionId,
}

impl Job for ReadPages {
    const KIND: &'static str = "read_pages";
}

/// Has the antivirus daemon look at a version; only where one is configured.
#[derive(Debug, Serialize, Deserialize)]
pub struct ScanVersion {
    pub version: VersionId,
}

impl Job for ScanVersion {
    const KIND: &'static str = "scan_version";
}

/// What recording needs beside the transaction.
#[derive(Clone, Copy)]
pub struct Recording<'a> {
    pub ingest: &'a Ingest,
    pub queue: &'a Queue,
    pub zone: &'a TimeZone,
}

/// Who brings it in, and from where.
#[derive(Clone, Debug)]
pub struct Accepted {
    pub who: Who,
    pub person: Option<PersonId>,
    pub origin: Origin,
    /// The upload-only link that it came through.
    pub drop: Option<DropId>,
}

impl Accepted {
    /// Whoever has the secret of an upload-only link: nobody that we know.
    pub fn through(drop: DropId, origin: &Origin) -> Accepted {
        Accepted { who: Who::Nobody, person: None, origin: origin.clone(), drop: Some(drop) }
    }
}

/// A document that was made of what was received.
#[derive(Debug)]
pub struct Kept {
    pub created: Created,
    /// The office had these bytes already, so that their blob is shared.
    pub is_twin: bool,
}

/// Makes a document of what was received. The value is what a handler may acknowledge with, after the commit.
pub async fn record(
    tx: &mut Tx,
    with: Recording<'_>,
    received: Received,
    details: &Details,
    accepted: &Accepted,
) -> Result<Kept> {
    let blob = settle_blob(tx, &received).await?;
    let is_twin = blob != received.blob.0;
    let created = create(tx, with, received, blob, details, accepted).await?;
    Ok(Kept { created, is_twin })
}

/// The same where the office has no such file yet, as for nearly every one, without a question to the database. Where it has one,
/// or the sweep took ours, the transaction fails with what [`crate::db::is_unmet`] knows: then it is to be recorded the other way.
pub async fn record_alone(
    tx: &mut Tx,
    with: Recording<'_>,
    received: Received,
    details: &Details,
    accepted: &Accepted,
) -> Result<Created> {
    sql::must_live_alone(tx, received.blob, received.office, &received.dedupe).await?;
    let blob = received.blob.0;
    create(tx, with, received, blob, details, accepted).await
}

async fn create(
    tx: &mut Tx,
    with: Recording<'_>,
    received: Received,
    blob: Uuid,
    details: &Details,
    accepted: &Accepted,
) -> Result<Created> {
    let office = received.office;
    let new = new_version(received, blob, accepted, String::new());
    let is_read = new.is_read;
    let Ingest { clock, keys, .. } = with.ingest;
    let origin = if accepted.drop.is_some() { "drop" } else { "upload" };
    let new = NewDocument { office, details, origin, version: new };
    let created = document::create(tx, clock, keys, new, with.zone).await?;
    settle(tx, with, office, created.recorded, is_read, "document.upload", accepted).await?;
    Ok(created)
}

/// Makes what was received the newest version of an own document.
pub async fn record_version(
    tx: &mut Tx,
    with: Recording<'_>,
    document: &Document,
    received: Received,
    note: String,
    accepted: &Accepted,
) -> Result<Recorded> {
    let blob = settle_blob(tx, &received).await?;
    let office = received.office;
    let new = new_version(received, blob, accepted, note);
    let is_read = new.is_read;
    let recorded = document::add_version(tx, &with.ingest.clock, document, new).await?;
    settle(tx, with, office, recorded, is_read, "document.version", accepted).await?;
    Ok(recorded)
}

/// Equal files of one office share one blob: ours stays pending for the sweep. Otherwise ours becomes live, unless its
/// lease ended meanwhile and the sweep has taken it. A twin may go away between two statements.
async fn settle_blob(tx: &mut Tx, received: &Received) -> Result<Uuid> {
    if sql::make_live_alone(tx, received.blob, received.office, &received.dedupe).await? {
        return Ok(received.blob.0);
    }
    if let Some(existing) = sql::take_live_twin(tx, received.office, &received.dedupe).await? {
        return Ok(existing);
    }
    if sql::make_live(tx, received.blob).await? {
        return Ok(received.blob.0);
    }
    Err(Error::unavailable(
        "upload-too-slow",
        say(
            "Unggahan terlalu lama dan dibatalkan. Ulangi unggahannya.",
            "The upload took too long and was dropped. Upload it again.",
        ),
    ))
}

fn new_version(received: Received, blob: Uuid, accepted: &Accepted, note: String) -> NewVersion {
    NewVersion {
        blob,
        media_type: received.media_type.to_owned(),
        is_read: read::is_worth_a_look(received.media_type),
        file_name: received.file_name,
        size: received.size,
        fingerprint: received.fingerprint,
        note,
        made_by: accepted.person,
    }
}

async fn settle(
    tx: &mut Tx,
    with: Recording<'_>,
    office: OfficeId,
    recorded: Recorded,
    is_read: bool,
    action: &'static str,
    accepted: &Accepted,
) -> Result<()> {
    if with.ingest.limits.is_scanned {
        with.queue.enqueue(tx, &ScanVersion { version: recorded.version }, Some(office)).await?;
    }
    if is_read {
        with.queue.enqueue(tx, &ReadPages { version: recorded.version }, Some(office)).await?;
    }
    let mut detail = serde_json::json!({ "version": recorded.version });
    if let Some(drop) = accepted.drop {
        detail["drop"] = serde_json::json!(drop);
    }
    let entry = Entry {
        who: accepted.who,
        office: Some(office),
        action,
        object: Some(recorded.document.to_string()),
        result: "ok",
        origin: &accepted.origin,
        detail,
    };
    audit::record(tx, &with.ingest.clock, entry).await
}

/// The earliest other document of the office with the same bytes that the caller may see.
pub async fn duplicate_of(tx: &mut Tx, recorded: Recorded, is_head: bool) -> Result<Option<DocumentId>> {
    sql::duplicate_of(tx, recorded.document, is_head).await
}
