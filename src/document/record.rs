//! Changes of documents. Each runs in the caller's transaction, beside its audit entry and its jobs.

use jiff::tz::TimeZone;
use uuid::Uuid;

use super::{Details, Document, Scan, SecurityClass, State, Version, touch_index};
use crate::{
    access::{Sight, Standing},
    clock::{Clock, Time},
    db::{Tx, params},
    error::{Error, Result, say},
    id::{DocumentId, OfficeId, PersonId, VersionId},
    office::{Brief, OfficeKeys},
};

/// A version that is about to be recorded: its bytes are in the store already.
#[derive(Clone, Debug)]
pub struct NewVersion {
    pub blob: Uuid,
    pub file_name: String,
    pub media_type: String,
    pub size: u64,
    pub fingerprint: [u8; 32],
    pub note: String,
    /// False for a kind of file that is kept and not read.
    pub is_read: bool,
    pub made_by: Option<PersonId>,
}

impl NewVersion {
    /// The first version of a document as it is while nobody has read it.
    fn recorded_as(self, id: VersionId, state: State) -> Version {
        Version {
            id,
            number: 1,
            blob: self.blob,
            file_name: self.file_name,
            media_type: self.media_type,
            size: self.size as i64,
            fingerprint: self.fingerprint,
            pages: None,
            pages_read: 0,
            pictures: false,
            signed: false,
            personal_data: None,
            scan: Scan::Unchecked,
            state,
            reason: None,
        }
    }
}

/// What was recorded.
#[derive(Clone, Copy, Debug)]
pub struct Recorded {
    pub document: DocumentId,
    pub version: VersionId,
}

/// A document as it was just recorded with its first version, for the answer to whoever brought it in.
#[derive(Debug)]
pub struct Created {
    pub recorded: Recorded,
    version: Version,
    origin: String,
    at: Time,
}

impl Created {
    /// All of it is known already: nothing is asked of the database again.
    pub fn into_document(self, owner: Brief, office_number: i64, details: Details) -> Document {
        Document {
            id: self.recorded.document,
            office: owner.id,
            owner,
            office_number,
            details,
            state: self.version.state,
            reason: None,
            version: self.version,
            versions: 1,
            revision: 1,
            origin: self.origin,
            received_at: self.at,
            updated_at: self.at,
            trashed_at: None,
            standing: Standing::Own,
            unopened: false,
        }
    }
}

/// A document that is about to be recorded with its first version.
#[derive(Debug)]
pub struct NewDocument<'a> {
    pub office: OfficeId,
    pub details: &'a Details,
    /// `upload` or `drop`.
    pub origin: &'a str,
    pub version: NewVersion,
}

pub async fn create(
    tx: &mut Tx,
    clock: &Clock,
    keys: &OfficeKeys,
    new: NewDocument<'_>,
    zone: &TimeZone,
) -> Result<Created> {
    let NewDocument { office, details, origin, version: new } = new;
    let now = clock.now();
    let (document, version) = (DocumentId::fresh(clock), VersionId::fresh(clock));
    let state = first_state(&new);
    let columns = Columns::of(details, keys, office, document).await?;
    tx.insert(
        "INSERT INTO document (id, office, title, number, sender, recipient, summary, sealed, kind, security_class, urgency,
             classification, reach, date, sort_day, labels, state, version, origin, made_by, received_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $21)",
        params![
            document, office, columns.title, columns.number, columns.sender, columns.recipient, columns.summary,
            columns.sealed, details.kind.clone(), details.security_class.level(), details.urgency.as_str(),
            details.classification.clone(), details.reach.as_str(), details.date.clone(), sort_day(details, now, zone),
            columns.labels, state.as_str(), version, origin, new.made_by, now
        ],
    )
    .await?;
    insert_version(tx, document, version, 1, &new, state, now).await?;
    touch_index(tx, clock, document).await?;
    let recorded = Recorded { document, version };
    Ok(Created { recorded, version: new.recorded_as(version, state), origin: origin.to_owned(), at: now })
}

/// A new version of an own document; it becomes the one that is found and shown.
pub async fn add_version(tx: &mut Tx, clock: &Clock, document: &Document, new: NewVersion) -> Result<Recorded> {
    document.must_be_own()?;
    let now = clock.now();
    let version = VersionId::fresh(clock);
    let state = first_state(&new);
    // First, because it holds the document: whoever would destroy it meanwhile then sees this version too, and whoever adds
    // another at the same moment counts this one.
    let changed = tx
        .execute(
            "UPDATE document SET version = $2, state = $3, reason = NULL, revision = revision + 1, updated_at = $4
             WHERE id = $1 AND trashed_at IS NULL AND destroyed_at IS NULL",
            params![document.id, version, state.as_str(), now],
        )
        .await?;
    if changed == 0 {
        return Err(Error::not_found());
    }
    let last: Option<(i64,)> =
        tx.one("SELECT MAX(number) FROM version WHERE document = $1", params![document.id]).await?;
    let number = last.map_or(1, |(number,)| number + 1);
    insert_version(tx, document.id, version, number, &new, state, now).await?;
    touch_index(tx, clock, document.id).await?;
    Ok(Recorded { document: document.id, version })
}

async fn insert_version(
    tx: &mut Tx,
    document: DocumentId,
    version: VersionId,
    number: i64,
    new: &NewVersion,
    state: State,
    now: Time,
) -> Result<()> {
    tx.insert(
        "INSERT INTO version (id, document, number, blob, file_name, media_type, size, fingerprint, note, made_by, made_at, state)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        params![
            version, document, number, new.blob, &new.file_name, new.media_type.as_str(), new.size as i64,
            new.fingerprint, new.note.as_str(), new.made_by, now, state.as_str()
        ],
    )
    .await
}

fn first_state(new: &NewVersion) -> State {
    if new.is_read { State::Received } else { State::Stored }
}

/// A document without a date counts by the day on which it was received.
fn sort_day(details: &Details, received: Time, zone: &TimeZone) -> String {
    details.date.clone().unwrap_or_else(|| received.day(zone).to_string())
}

/// Writes changed details. Raising a class is anybody's who may edit; lowering from rahasia is the head's.
pub async fn edit(
    tx: &mut Tx,
    clock: &Clock,
    keys: &OfficeKeys,
    sight: Sight,
    document: &Document,
    details: &Details,
    zone: &TimeZone,
) -> Result<()> {
    document.must_be_own()?;
    document.must_be_opened()?;
    let (before, after) = (document.class(), details.security_class);
    if before >= SecurityClass::Rahasia && after < before && !sight.is_head() {
        return Err(Error::forbidden(
            "class-needs-head",
            say(
                "Hanya pimpinan yang boleh menurunkan sifat rahasia atau sangat rahasia.",
                "Only the head may lower the class rahasia or sangat_rahasia.",
            ),
        ));
    }
    let columns = Columns::of(details, keys, document.office, document.id).await?;
    let changed = tx
        .execute(
            "UPDATE document SET title = $2, number = $3, sender = $4, recipient = $5, summary = $6, sealed = $7, kind = $8,
                 security_class = $9, urgency = $10, classification = $11, reach = $12, date = $13, sort_day = $14,
                 labels = $15, updated_at = $16, revision = revision + 1
             WHERE id = $1 AND revision = $17",
            params![
                document.id, columns.title, columns.number, columns.sender, columns.recipient, columns.summary,
                columns.sealed, details.kind.clone(), after.level(), details.urgency.as_str(),
                details.classification.clone(), details.reach.as_str(), details.date.clone(),
                sort_day(details, document.received_at, zone), columns.labels, clock.now(), document.revision
            ],
        )
        .await?;
    if changed == 0 {
        return Err(Error::new(
            crate::error::Kind::PreconditionFailed,
            "stale",
            say(
                "Sudah diubah orang lain. Muat ulang, lalu ulangi.",
                "Changed by somebody else meanwhile. Load it again.",
            ),
        ));
    }
    touch_index(tx, clock, document.id).await
}

pub async fn trash(tx: &mut Tx, clock: &Clock, document: &Document) -> Result<()> {
    document.must_be_own()?;
    tx.execute(
        "UPDATE document SET trashed_at = $2, updated_at = $2, revision = revision + 1
         WHERE id = $1 AND trashed_at IS NULL AND destroyed_at IS NULL",
        params![document.id, clock.now()],
    )
    .await?;
    touch_index(tx, clock, document.id).await
}

pub async fn restore(tx: &mut Tx, clock: &Clock, document: &Document) -> Result<()> {
    let changed = tx
        .execute(
            "UPDATE document SET trashed_at = NULL, updated_at = $2, revision = revision + 1
             WHERE id = $1 AND destroyed_at IS NULL",
            params![document.id, clock.now()],
        )
        .await?;
    if changed == 0 {
        return Err(Error::not_found());
    }
    touch_index(tx, clock, document.id).await
}

/// The reader has begun, or has come so far.
pub async fn note_progress(tx: &mut Tx, version: VersionId, read: i64, of: Option<i64>) -> Result<()> {
    tx.execute(
        "UPDATE version SET state = 'reading', pages_read = $2, pages = $3 WHERE id = $1",
        params![version, read, of],
    )
    .await?;
    tx.execute(
        "UPDATE document SET state = 'reading', reason = NULL WHERE version = $1 AND state IN ('received', 'reading', 'unreadable')",
        params![version],
    )
    .await
    .map(drop)
}

/// How reading ended, as the version remembers it.
#[derive(Clone, Debug)]
pub struct Settled {
    pub state: State,
    pub reason: Option<String>,
    pub media_type: String,
    pub pages: Option<i64>,
    pub pictures: bool,
    pub signed: bool,
    /// None where this reading could not tell: then what an earlier one found of the same bytes stays.
    pub personal_data: Option<bool>,
}

/// The outcome of reading. The document stays `reading` until its text is in the index: `ready` means findable.
pub async fn settle_reading(tx: &mut Tx, clock: &Clock, version: VersionId, settled: &Settled) -> Result<()> {
    tx.execute(
        "UPDATE version SET state = $2, reason = $3, media_type = $4, pages = $5, pages_read = COALESCE($5, 0),
             pictures = $6, signed = $7, personal_data = COALESCE($8, personal_data) WHERE id = $1",
        params![
            version,
            settled.state.as_str(),
            settled.reason.clone(),
            settled.media_type.as_str(),
            settled.pages,
            settled.pictures,
            settled.signed,
            settled.personal_data
        ],
    )
    .await?;
    let shown = if settled.state == State::Ready { State::Reading } else { settled.state };
    tx.execute(
        "UPDATE document SET state = $2, reason = $3, updated_at = $4 WHERE version = $1",
        params![version, shown.as_str(), settled.reason.clone(), clock.now()],
    )
    .await?;
    let row: Option<(Uuid,)> = tx.one("SELECT document FROM version WHERE id = $1", params![version]).await?;
    match row {
        Some((document,)) => touch_index(tx, clock, DocumentId(document)).await,
        None => Ok(()),
    }
}

/// A node has these documents in its index: the ones whose reading is done are findable now.
pub async fn mark_findable(tx: &mut Tx, document: DocumentId, version: VersionId) -> Result<()> {
    tx.execute(
        "UPDATE document SET state = 'ready' WHERE id = $1 AND version = $2 AND state = 'reading'
           AND EXISTS (SELECT 1 FROM version v WHERE v.id = $2 AND v.state = 'ready')",
        params![document, version],
    )
    .await
    .map(drop)
}

/// Asks for another reading of the newest version. False when it was read whole, or is being read.
pub async fn ask_again(tx: &mut Tx, document: &Document) -> Result<bool> {
    document.must_be_own()?;
    let changed = tx
        .execute(
            "UPDATE document SET state = 'received', reason = NULL, revision = revision + 1
             WHERE id = $1 AND (state = 'unreadable' OR (state = 'ready' AND reason IS NOT NULL))",
            params![document.id],
        )
        .await?;
    tx.execute(
        "UPDATE version SET state = 'received', reason = NULL
         WHERE id = $1 AND (state = 'unreadable' OR (state = 'ready' AND reason IS NOT NULL))",
        params![document.version.id],
    )
    .await?;
    Ok(changed == 1)
}

/// Seals the hidden details of the next documents under the newest version of their office's key; gives the last of them.
pub async fn reseal(tx: &mut Tx, keys: &OfficeKeys, after: DocumentId, limit: i64) -> Result<Option<DocumentId>> {
    let rows: Vec<(Uuid, Uuid, Vec<u8>)> = tx
        .all(
            "SELECT id, office, sealed FROM document WHERE id > $1 AND sealed IS NOT NULL ORDER BY id LIMIT $2",
            params![after, limit],
        )
        .await?;
    for (id, office, sealed) in &rows {
        let anew = Details::reseal(keys, OfficeId(*office), DocumentId(*id), sealed).await?;
        // An edit that came between has sealed under the newest version itself.
        let sql = "UPDATE document SET sealed = $2 WHERE id = $1 AND sealed = $3";
        tx.execute(sql, params![*id, anew, sealed.as_slice()]).await?;
    }
    Ok(rows.last().map(|(id, ..)| DocumentId(*id)))
}

/// Only the newest change of a document matters to a node that comes back after days.
pub async fn forget_old_changes(tx: &mut Tx, now: Time) -> Result<()> {
    let old = now.minus(std::time::Duration::from_secs(24 * 3600)).0 << 20;
    tx.execute(
        "DELETE FROM index_change WHERE seq < $1
           AND EXISTS (SELECT 1 FROM index_change n WHERE n.document = index_change.document AND n.seq > index_change.seq)",
        params![old],
    )
    .await
    .map(drop)
}

/// Details as columns: sealed where the class asks for it, in the clear otherwise.
struct Columns {
    title: Option<String>,
    number: Option<String>,
    sender: Option<String>,
    recipient: Option<String>,
    summary: Option<String>,
    sealed: Option<Vec<u8>>,
    labels: String,
}

impl Columns {
    async fn of(details: &Details, keys: &OfficeKeys, office: OfficeId, id: DocumentId) -> Result<Columns> {
        let labels = serde_json::to_string(&details.labels).map_err(Error::internal)?;
        if details.security_class.seals_details() {
            let sealed = Some(details.seal_with(keys, office, id).await?);
            return Ok(Columns {
                title: None,
                number: None,
                sender: None,
                recipient: None,
                summary: None,
                sealed,
                labels,
            });
        }
        Ok(Columns {
            title: Some(details.title.clone()),
            number: details.number.clone(),
            sender: details.sender.clone(),
            recipient: details.recipient.clone(),
            summary: details.summary.clone(),
            sealed: None,
            labels,
        })
    }
}
