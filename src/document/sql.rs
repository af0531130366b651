//! Every statement on `document`, `version`, `document_grant` and `index_change`.
//!
//! The rule of who may see is inside the statements, once, in `may_see!`: $1 the sight's office, $2 whether it is a
//! head's, $3 the present time.

use uuid::Uuid;

use super::{Details, Document, Kept, Opening, Reach, Scan, SecurityClass, State, Urgency, Version, details};
use crate::{
    access::{Actor, Sight, Standing},
    clock::Time,
    db::{Db, Tx, params},
    error::{Error, Result},
    id::{DocumentId, GrantId, LinkId, OfficeId, VersionId},
    office::{Brief, OfficeKeys},
};

macro_rules! columns {
    () => {
        "d.id, d.office, d.title, d.number, d.sender, d.recipient, d.summary, d.sealed, d.kind, d.security_class,
         d.urgency, d.classification, d.reach, d.date, d.labels, d.state, d.reason, d.revision, d.origin, d.received_at,
         d.updated_at, d.trashed_at, v.id AS version, v.number AS version_number, v.blob, v.file_name, v.media_type, v.size,
         v.fingerprint, v.pages, v.pages_read, v.pictures, v.signed, v.personal_data, v.scan, v.scan_found, v.state AS version_state, v.reason AS version_reason, o.code AS office_code, o.name AS office_name, o.number AS office_number,
         (SELECT count(*) FROM version w WHERE w.document = d.id) AS versions"
    };
}

macro_rules! live_grant {
    () => {
        "EXISTS (SELECT 1 FROM document_grant g WHERE g.document = d.id AND g.office = $1
            AND (g.until IS NULL OR g.until > $3))"
    };
}

macro_rules! live_link {
    () => {
        "EXISTS (SELECT 1 FROM link_office lo JOIN link l ON l.id = lo.link WHERE lo.office = $1 AND l.document = d.id
            AND l.revoked_at IS NULL AND NOT l.paused AND NOT l.pending AND l.expires_at > $3
            AND (l.opens_from IS NULL OR l.opens_from <= $3) AND (l.max_opens IS NULL OR l.opens < l.max_opens))"
    };
}

macro_rules! opened_link {
    () => {
        concat!("EXISTS (SELECT 1 FROM link_grant og JOIN link l ON l.id = og.link WHERE ", opened_link!(condition), ")")
    };
    (condition) => {
        "og.by_office = $1 AND l.document = d.id AND l.version = d.version AND l.rights = 'download'
            AND og.renewed_to > $3 AND l.revoked_at IS NULL AND NOT l.paused AND NOT l.pending AND l.expires_at > $3"
    };
}

macro_rules! standing {
    () => {
        concat!(
            "CAST(CASE WHEN d.office = $1 THEN 0 WHEN ",
            live_grant!(),
            " THEN 1 WHEN d.reach = 'kabupaten' AND d.security_class = 0 THEN 2 WHEN ",
            opened_link!(),
            " THEN 3 ELSE 4 END AS BIGINT) AS standing"
        )
    };
}

macro_rules! may_see {
    () => {
        concat!(
            "d.destroyed_at IS NULL AND d.trashed_at IS NULL AND (d.security_class < 3 OR $2) AND (d.office = $1 OR (d.reach = 'kabupaten' AND d.security_class = 0) OR ",
            live_grant!(),
            " OR ",
            opened_link!(),
            " OR ",
            live_link!(),
            ")"
        )
    };
}
pub(super) use {columns, live_grant, live_link, may_see, opened_link, standing};

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    id: Uuid,
    office: Uuid,
    title: Option<String>,
    number: Option<String>,
    sender: Option<String>,
    recipient: Option<String>,
    summary: Option<String>,
    sealed: Option<Vec<u8>>,
    kind: Option<String>,
    security_class: i64,
    urgency: String,
    classification: Option<String>,
    reach: String,
    date: Option<String>,
    labels: String,
    state: String,
    reason: Option<String>,
    revision: i64,
    origin: String,
    received_at: i64,
    updated_at: i64,
    trashed_at: Option<i64>,
    version: Uuid,
    version_number: i64,
    blob: Uuid,
    file_name: String,
    media_type: String,
    size: i64,
    fingerprint: Vec<u8>,
    pages: Option<i64>,
    pages_read: i64,
    pictures: bool,
    signed: bool,
    personal_data: Option<bool>,
    scan: String,
    scan_found: String,
    version_state: String,
    version_reason: Option<String>,
    office_code: String,
    office_name: String,
    office_number: i64,
    versions: i64,
    standing: i64,
}

impl Row {
    pub(super) fn id(&self) -> DocumentId {
        DocumentId(self.id)
    }

    /// Opens sealed details with the owner's key.
    pub(super) async fn opened(mut self, keys: &OfficeKeys) -> Result<Document> {
        let sealed = self.sealed.take();
        let mut document = self.in_the_clear()?;
        if let Some(sealed) = sealed {
            document.details.open_with(keys, document.office, document.id, &sealed).await?;
        }
        Ok(document)
    }

    /// The same for one among others in an answer: where its details do not open it comes without them and says so. Whoever
    /// asks sees the others, and the log tells the operator.
    pub(super) async fn opened_among(mut self, keys: &OfficeKeys) -> Result<Document> {
        let sealed = self.sealed.take();
        let mut document = self.in_the_clear()?;
        let Some(sealed) = sealed else { return Ok(document) };
        match document.details.open_with(keys, document.office, document.id, &sealed).await {
            Ok(()) => {}
            Err(cause) if details::is_damaged(&cause) => {
                tracing::error!(document = %document.id, cause = %cause.chain(),
                    "the details of a document do not open; it is listed without them until its row is back as it was");
                document.unopened = true;
            }
            Err(cause) => return Err(cause),
        }
        Ok(document)
    }

    /// Everything that is not sealed.
    fn in_the_clear(self) -> Result<Document> {
        let office = OfficeId(self.office);
        let id = DocumentId(self.id);
        let details = Details {
            title: self.title.unwrap_or_default(),
            kind: self.kind,
            security_class: SecurityClass::of_level(self.security_class),
            urgency: Urgency::parse(&self.urgency).unwrap_or(Urgency::Biasa),
            classification: self.classification,
            reach: Reach::parse(&self.reach).unwrap_or(Reach::Kantor),
            date: self.date,
            number: self.number,
            sender: self.sender,
            recipient: self.recipient,
            summary: self.summary,
            labels: serde_json::from_str(&self.labels).map_err(Error::internal)?,
        };
        Ok(Document {
            id,
            office,
            owner: Brief { id: office, code: self.office_code, name: self.office_name },
            office_number: self.office_number,
            details,
            state: State::parse(&self.state).unwrap_or(State::Stored),
            reason: self.reason,
            version: Version {
                id: VersionId(self.version),
                number: self.version_number,
                blob: self.blob,
                file_name: self.file_name,
                media_type: self.media_type,
                size: self.size,
                fingerprint: digest(&self.fingerprint)?,
                pages: self.pages,
                pages_read: self.pages_read,
                pictures: self.pictures,
                signed: self.signed,
                personal_data: self.personal_data,
                scan: Scan::of(&self.scan, self.scan_found),
                state: State::parse(&self.version_state).unwrap_or(State::Stored),
                reason: self.version_reason,
            },
            versions: self.versions,
            revision: self.revision,
            origin: self.origin,
            received_at: Time(self.received_at),
            updated_at: Time(self.updated_at),
            trashed_at: self.trashed_at.map(Time),
            standing: match self.standing {
                0 => Standing::Own,
                1 => Standing::Granted,
                2 => Standing::Reach,
                3 => Standing::Opened,
                _ => Standing::Listed,
            },
            unopened: false,
        })
    }
}

fn digest(bytes: &[u8]) -> Result<[u8; 32]> {
    bytes.try_into().map_err(Error::internal)
}

pub(super) async fn visible(tx: &mut Tx, sight: Sight, id: DocumentId, now: Time) -> Result<Option<Row>> {
    tx.one(
        concat!(
            "SELECT ",
            columns!(),
            ", ",
            standing!(),
            " FROM document d JOIN version v ON v.id = d.version JOIN office o ON o.id = d.office WHERE d.id = $4 AND ",
            may_see!()
        ),
        params![sight.office(), sight.is_head(), now, id],
    )
    .await
}

/// The reader's own opening first, then the newest one of their office.
pub(super) async fn opening(tx: &mut Tx, id: DocumentId, reader: &Actor, now: Time) -> Result<Option<Opening>> {
    let row: Option<(Uuid, Uuid)> = tx
        .one(
            concat!(
                "SELECT og.id, og.link FROM document d JOIN link l ON l.document = d.id JOIN link_grant og ON og.link = l.id
                 WHERE d.id = $2 AND ",
                opened_link!(condition),
                " ORDER BY (CASE WHEN og.by_person = $4 THEN 0 ELSE 1 END), og.id DESC LIMIT 1"
            ),
            params![reader.office(), id, now, reader.person()],
        )
        .await?;
    Ok(row.map(|(grant, link)| Opening { grant: GrantId(grant), link: LinkId(link) }))
}

pub(super) async fn trashed(tx: &mut Tx, sight: Sight, id: DocumentId) -> Result<Option<Row>> {
    tx.one(
        concat!(
            "SELECT ",
            columns!(),
            ", CAST(0 AS BIGINT) AS standing
             FROM document d JOIN version v ON v.id = d.version JOIN office o ON o.id = d.office
             WHERE d.id = $3 AND d.office = $1 AND d.trashed_at IS NOT NULL AND d.destroyed_at IS NULL
               AND (d.security_class < 3 OR $2)"
        ),
        params![sight.office(), sight.is_head(), id],
    )
    .await
}

pub(super) async fn by_id(db: &Db, id: DocumentId) -> Result<Option<Row>> {
    by_id_in(&mut db.read().await?, id).await
}

pub(super) async fn by_id_in(tx: &mut Tx, id: DocumentId) -> Result<Option<Row>> {
    tx.one(
        concat!(
            "SELECT ", columns!(), ", CAST(0 AS BIGINT) AS standing
             FROM document d JOIN version v ON v.id = d.version JOIN office o ON o.id = d.office WHERE d.id = $1 AND d.destroyed_at IS NULL"
        ),
        params![id],
    )
    .await
}

#[derive(sqlx::FromRow)]
pub(super) struct VersionRow {
    document: Uuid,
    office: Uuid,
    id: Uuid,
    number: i64,
    blob: Uuid,
    file_name: String,
    media_type: String,
    size: i64,
    fingerprint: Vec<u8>,
    pages: Option<i64>,
    pages_read: i64,
    pictures: bool,
    signed: bool,
    personal_data: Option<bool>,
    scan: String,
    scan_found: String,
    state: String,
    reason: Option<String>,
}

impl VersionRow {
    pub(super) fn opened(self) -> (DocumentId, OfficeId, Version) {
        let version = Version {
            id: VersionId(self.id),
            number: self.number,
            blob: self.blob,
            file_name: self.file_name,
            media_type: self.media_type,
            size: self.size,
            fingerprint: self.fingerprint.try_into().unwrap_or_default(),
            pages: self.pages,
            pages_read: self.pages_read,
            pictures: self.pictures,
            signed: self.signed,
            personal_data: self.personal_data,
            scan: Scan::of(&self.scan, self.scan_found),
            state: State::parse(&self.state).unwrap_or(State::Stored),
            reason: self.reason,
        };
        (DocumentId(self.document), OfficeId(self.office), version)
    }
}

pub(super) async fn version(db: &Db, id: VersionId) -> Result<Option<VersionRow>> {
    db.one(
        "SELECT v.document, d.office, v.id, v.number, v.blob, v.file_name, v.media_type, v.size, v.fingerprint, v.pages,
                v.pages_read, v.pictures, v.signed, v.personal_data, v.scan, v.scan_found, v.state, v.reason
         FROM version v JOIN document d ON d.id = v.document WHERE v.id = $1 AND d.destroyed_at IS NULL",
        params![id],
    )
    .await
}

#[derive(sqlx::FromRow)]
pub(super) struct KeptRow {
    #[sqlx(flatten)]
    version: VersionRow,
    note: String,
    made_at: i64,
}

impl KeptRow {
    pub(super) fn opened(self) -> Kept {
        Kept { version: self.version.opened().2, note: self.note, made_at: Time(self.made_at) }
    }
}

pub(super) async fn versions(tx: &mut Tx, document: DocumentId) -> Result<Vec<KeptRow>> {
    tx.all(
        "SELECT v.document, d.office, v.id, v.number, v.blob, v.file_name, v.media_type, v.size, v.fingerprint, v.pages,
                v.pages_read, v.pictures, v.signed, v.personal_data, v.scan, v.scan_found, v.state, v.reason, v.note, v.made_at
         FROM version v JOIN document d ON d.id = v.document WHERE v.document = $1 AND d.destroyed_at IS NULL
         ORDER BY v.number DESC LIMIT 200",
        params![document],
    )
    .await
}

pub(super) async fn insert_index_change(tx: &mut Tx, seq: i64, id: DocumentId) -> Result<()> {
    tx.insert("INSERT INTO index_change (seq, document) VALUES ($1, $2) ON CONFLICT DO NOTHING", params![seq, id]).await
}

pub(super) async fn index_changes(db: &Db, after: i64, limit: i64) -> Result<Vec<(i64, DocumentId)>> {
    let rows: Vec<(i64, Uuid)> = db
        .all(
            "SELECT seq, document FROM index_change WHERE seq > $1 ORDER BY seq, document LIMIT $2",
            params![after, limit],
        )
        .await?;
    Ok(rows.into_iter().map(|(seq, id)| (seq, DocumentId(id))).collect())
}

pub(super) async fn every(db: &Db, after: DocumentId, limit: i64) -> Result<Vec<DocumentId>> {
    let rows: Vec<(Uuid,)> = db
        .all(
            "SELECT id FROM document WHERE id > $1 AND destroyed_at IS NULL AND trashed_at IS NULL ORDER BY id LIMIT $2",
            params![after, limit],
        )
        .await?;
    Ok(rows.into_iter().map(|(id,)| DocumentId(id)).collect())
}
