//! Every statement on `link`, `link_office`, `link_email` and `link_grant`.

use uuid::Uuid;

use super::terms::{Audience, Rights, Terms};
use crate::{
    clock::Time,
    db::{Db, Tx, params},
    error::Result,
    id::{DocumentId, GrantId, LinkId, OfficeId, PersonId},
};

macro_rules! columns {
    () => {
        "l.id, l.public, l.secret_hash, l.document, l.version, l.office, l.made_by, l.audience, l.rights, l.password,
         l.label, l.notify, l.opens_from, l.expires_at, l.max_opens, l.opens, l.paused, l.pending, l.released_by,
         l.protection, l.revision, l.created_at, l.revoked_at, l.ended_reason, d.security_class,
         CASE WHEN (SELECT v.personal_data FROM version v WHERE v.id = l.version) THEN TRUE ELSE FALSE END AS personal_data,
         CASE WHEN d.trashed_at IS NULL AND d.destroyed_at IS NULL THEN FALSE ELSE TRUE END AS trashed"
    };
}

/// The part of a WHERE that says "this link would open now"; $1 is the present time.
macro_rules! would_open {
    () => {
        "l.revoked_at IS NULL AND NOT l.paused AND NOT l.pending AND l.expires_at > $1
         AND (l.opens_from IS NULL OR l.opens_from <= $1) AND (l.max_opens IS NULL OR l.opens < l.max_opens)"
    };
}

#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Row {
    pub id: Uuid,
    pub public: String,
    pub secret_hash: Vec<u8>,
    pub document: Uuid,
    pub version: Uuid,
    pub office: Uuid,
    pub made_by: Option<Uuid>,
    pub audience: String,
    pub rights: String,
    pub password: Option<String>,
    pub label: String,
    pub notify: bool,
    pub opens_from: Option<i64>,
    pub expires_at: i64,
    pub max_opens: Option<i64>,
    pub opens: i64,
    pub paused: bool,
    pub pending: bool,
    pub released_by: Option<Uuid>,
    pub protection: String,
    pub revision: i64,
    pub created_at: i64,
    pub revoked_at: Option<i64>,
    pub ended_reason: Option<String>,
    pub security_class: i64,
    pub personal_data: bool,
    pub trashed: bool,
}

/// What a new link adds to its terms.
pub(super) struct New<'a> {
    pub id: LinkId,
    pub public: &'a str,
    pub secret_hash: [u8; 32],
    pub document: DocumentId,
    pub version: Uuid,
    pub office: OfficeId,
    pub made_by: PersonId,
    pub password: Option<&'a str>,
    pub pending: bool,
    pub released_by: Option<PersonId>,
    pub protection: String,
    pub now: Time,
}

pub(super) async fn insert(tx: &mut Tx, new: &New<'_>, terms: &Terms) -> Result<()> {
    tx.execute(
        "INSERT INTO link (id, public, secret_hash, document, version, office, made_by, audience, rights, password, label,
             notify, opens_from, expires_at, max_opens, pending, released_by, protection, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
        params![
            new.id,
            new.public,
            new.secret_hash,
            new.document,
            new.version,
            new.office,
            new.made_by,
            terms.audience.kind().as_str(),
            terms.rights.as_str(),
            new.password,
            &terms.label,
            terms.notify,
            terms.opens_from,
            terms.expires_at,
            terms.max_opens,
            new.pending,
            new.released_by,
            new.protection.as_str(),
            new.now
        ],
    )
    .await?;
    insert_members(tx, new.id, &terms.audience).await
}

async fn insert_members(tx: &mut Tx, link: LinkId, audience: &Audience) -> Result<()> {
    match audience {
        Audience::Anyone {} => {}
        Audience::Offices { offices } => {
            for office in offices {
                tx.execute("INSERT INTO link_office (link, office) VALUES ($1, $2)", params![link, *office]).await?;
            }
        }
        Audience::Email { emails } => {
            for email in emails {
                tx.execute("INSERT INTO link_email (link, email) VALUES ($1, $2)", params![link, email]).await?;
            }
        }
    }
    Ok(())
}

pub(super) async fn by_public(db: &Db, public: &str) -> Result<Option<Row>> {
    db.one(
        concat!("SELECT ", columns!(), " FROM link l JOIN document d ON d.id = l.document WHERE l.public = $1"),
        params![public],
    )
    .await
}

pub(super) async fn by_id(tx: &mut Tx, office: OfficeId, id: LinkId) -> Result<Option<Row>> {
    tx.one(
        concat!(
            "SELECT ",
            columns!(),
            " FROM link l JOIN document d ON d.id = l.document WHERE l.id = $1 AND l.office = $2"
        ),
        params![id, office],
    )
    .await
}

/// Links that were not ended, for a change of the document's class.
pub(super) async fn living_of(tx: &mut Tx, document: DocumentId) -> Result<Vec<Row>> {
    tx.all(
        concat!(
            "SELECT ",
            columns!(),
            " FROM link l JOIN document d ON d.id = l.document WHERE l.document = $1 AND l.revoked_at IS NULL"
        ),
        params![document],
    )
    .await
}

pub(super) async fn of_document(tx: &mut Tx, document: DocumentId) -> Result<Vec<LinkId>> {
    let rows: Vec<(Uuid,)> = tx.all("SELECT id FROM link WHERE document = $1 ORDER BY id", params![document]).await?;
    Ok(rows.into_iter().map(|(id,)| LinkId(id)).collect())
}

pub(super) async fn list(
    tx: &mut Tx,
    office: OfficeId,
    document: Option<DocumentId>,
    before: Option<LinkId>,
    limit: i64,
) -> Result<Vec<Row>> {
    let before = before.map_or(Uuid::max(), |id| id.0);
    tx.all(
        concat!(
            "SELECT ",
            columns!(),
            " FROM link l JOIN document d ON d.id = l.document
              WHERE l.office = $1 AND l.id < $2 AND ($3 IS NULL OR l.document = $3) ORDER BY l.id DESC LIMIT $4"
        ),
        params![office, before, document, limit],
    )
    .await
}

pub(super) async fn offices(tx: &mut Tx, link: Uuid) -> Result<Vec<OfficeId>> {
    let rows: Vec<(Uuid,)> =
        tx.all("SELECT office FROM link_office WHERE link = $1 ORDER BY office", params![link]).await?;
    Ok(rows.into_iter().map(|(office,)| OfficeId(office)).collect())
}

pub(super) async fn emails(tx: &mut Tx, link: Uuid) -> Result<Vec<String>> {
    let rows: Vec<(String,)> =
        tx.all("SELECT email FROM link_email WHERE link = $1 ORDER BY email", params![link]).await?;
    Ok(rows.into_iter().map(|(email,)| email).collect())
}

/// One opening, counted; false when the link does not open any more. Of two openings that race for the last one, one wins.
pub(super) async fn count_open(tx: &mut Tx, link: Uuid, now: Time) -> Result<bool> {
    let changed = tx
        .execute(
            "UPDATE link SET opens = opens + 1
             WHERE id = $2 AND revoked_at IS NULL AND NOT paused AND NOT pending AND expires_at > $1
               AND (opens_from IS NULL OR opens_from <= $1) AND (max_opens IS NULL OR opens < max_opens)
               AND EXISTS (SELECT 1 FROM document d
                           WHERE d.id = link.document AND d.trashed_at IS NULL AND d.destroyed_at IS NULL)",
            params![now, link],
        )
        .await?;
    Ok(changed == 1)
}

/// What a PATCH writes.
pub(super) struct Changed {
    pub paused: bool,
    pub label: String,
    pub notify: bool,
    pub expires_at: Time,
    pub max_opens: Option<i64>,
}

pub(super) async fn update(tx: &mut Tx, link: LinkId, revision: i64, changed: &Changed) -> Result<bool> {
    let rows = tx
        .execute(
            "UPDATE link SET paused = $3, label = $4, notify = $5, expires_at = $6, max_opens = $7, revision = revision + 1
             WHERE id = $1 AND revision = $2 AND revoked_at IS NULL",
            params![
                link,
                revision,
                changed.paused,
                &changed.label,
                changed.notify,
                changed.expires_at,
                changed.max_opens
            ],
        )
        .await?;
    Ok(rows == 1)
}

/// Ends a link for good. False when it was ended before.
pub(super) async fn end(tx: &mut Tx, link: LinkId, now: Time, reason: &str) -> Result<bool> {
    let rows = tx
        .execute(
            "UPDATE link SET revoked_at = $2, ended_reason = $3, revision = revision + 1
             WHERE id = $1 AND revoked_at IS NULL",
            params![link, now, reason],
        )
        .await?;
    Ok(rows == 1)
}

pub(super) async fn release(tx: &mut Tx, link: LinkId, by: PersonId) -> Result<bool> {
    let rows = tx
        .execute(
            "UPDATE link SET pending = FALSE, released_by = $2, revision = revision + 1
             WHERE id = $1 AND pending AND revoked_at IS NULL",
            params![link, by],
        )
        .await?;
    Ok(rows == 1)
}

/// Links of this document that open now and name the office; the ones to which it needs the least come first.
pub(super) async fn listing(tx: &mut Tx, document: DocumentId, office: OfficeId, now: Time) -> Result<Vec<Row>> {
    tx.all(
        concat!(
            "SELECT ",
            columns!(),
            " FROM link_office lo JOIN link l ON l.id = lo.link JOIN document d ON d.id = l.document
              WHERE lo.office = $3 AND l.document = $2 AND ",
            would_open!(),
            " ORDER BY (CASE WHEN l.password IS NULL THEN 0 ELSE 1 END), l.id DESC LIMIT 20"
        ),
        params![now, document, office],
    )
    .await
}

/// Documents that a link which would open now lists to the office.
pub(super) async fn listed_for(tx: &mut Tx, office: OfficeId, now: Time) -> Result<Vec<DocumentId>> {
    let rows: Vec<(Uuid,)> = tx
        .all(
            concat!(
                "SELECT DISTINCT l.document FROM link_office lo JOIN link l ON l.id = lo.link
                 JOIN document d ON d.id = l.document
                 WHERE lo.office = $2 AND d.trashed_at IS NULL AND d.destroyed_at IS NULL AND ",
                would_open!()
            ),
            params![now, office],
        )
        .await?;
    Ok(rows.into_iter().map(|(document,)| DocumentId(document)).collect())
}

pub(super) async fn linked_offices(tx: &mut Tx, document: DocumentId, now: Time) -> Result<Vec<OfficeId>> {
    let rows: Vec<(Uuid,)> = tx
        .all(
            concat!(
                "SELECT DISTINCT lo.office FROM link l JOIN link_office lo ON lo.link = l.id WHERE l.document = $2 AND ",
                would_open!()
            ),
            params![now, document],
        )
        .await?;
    Ok(rows.into_iter().map(|(office,)| OfficeId(office)).collect())
}

/// Who opened, as the grant remembers it.
#[derive(Clone, Debug, Default)]
pub(super) struct Opener {
    pub office: Option<OfficeId>,
    pub person: Option<PersonId>,
    pub email: Option<String>,
}

pub(super) async fn insert_grant(
    tx: &mut Tx,
    id: GrantId,
    link: Uuid,
    by: &Opener,
    now: Time,
    until: Time,
) -> Result<()> {
    tx.execute(
        "INSERT INTO link_grant (id, link, by_office, by_person, by_email, opened_at, renewed_to)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        params![id, link, by.office, by.person, by.email.clone(), now, until],
    )
    .await
    .map(drop)
}

/// A grant with the state of its link: all that a use of it must know, by primary keys.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct GrantRow {
    pub link: Uuid,
    pub public: String,
    pub document: Uuid,
    pub version: Uuid,
    pub office: Uuid,
    pub audience: String,
    pub rights: String,
    pub created_at: i64,
    pub expires_at: i64,
    pub released_by: Option<Uuid>,
    pub is_open: bool,
    pub security_class: i64,
    pub by_office: Option<Uuid>,
    pub by_person: Option<Uuid>,
    pub by_email: Option<String>,
    pub office_name: Option<String>,
    pub person_name: Option<String>,
    pub opened_at: i64,
    pub renewed_to: i64,
}

/// What each use of a grant asks. Open only while whoever opened it for an office still works there.
pub(super) const GRANT: &str =
    "SELECT g.link, l.public, l.document, l.version, l.office, l.audience, l.rights, l.created_at, l.expires_at,
            l.released_by, d.security_class, g.by_office, g.by_person, g.by_email, g.opened_at, g.renewed_to,
            o.name AS office_name, p.name AS person_name,
            CASE WHEN l.revoked_at IS NULL AND NOT l.paused AND NOT l.pending AND d.trashed_at IS NULL
                AND d.destroyed_at IS NULL AND (g.by_person IS NULL OR p.disabled_at IS NULL AND EXISTS (
                    SELECT 1 FROM post t WHERE t.person = g.by_person AND t.office = g.by_office
                        AND (t.until IS NULL OR t.until > $2)))
                THEN TRUE ELSE FALSE END AS is_open
     FROM link_grant g JOIN link l ON l.id = g.link JOIN document d ON d.id = l.document
     LEFT JOIN office o ON o.id = g.by_office LEFT JOIN person p ON p.id = g.by_person
     WHERE g.id = $1";

pub(super) async fn grant(db: &Db, id: Uuid, now: Time) -> Result<Option<GrantRow>> {
    db.one(GRANT, params![id, now]).await
}

pub(super) async fn renew(db: &Db, id: Uuid, until: Time) -> Result<()> {
    db.execute("UPDATE link_grant SET renewed_to = $2 WHERE id = $1 AND renewed_to < $2", params![id, until])
        .await
        .map(drop)
}

impl Row {
    pub(super) fn rights(&self) -> Option<Rights> {
        Rights::parse(&self.rights)
    }
}

/// Addresses of the office's present heads.
pub(super) async fn heads(tx: &mut Tx, office: OfficeId, now: Time) -> Result<Vec<String>> {
    let rows: Vec<(String,)> = tx
        .all(
            "SELECT DISTINCT p.email FROM post t JOIN person p ON p.id = t.person
             WHERE t.office = $1 AND t.role = 'head' AND t.since <= $2 AND (t.until IS NULL OR t.until > $2)
               AND p.disabled_at IS NULL AND p.email <> ''",
            params![office, now],
        )
        .await?;
    Ok(rows.into_iter().map(|(email,)| email).collect())
}

/// False when the document is of another class than the caller has seen, or no longer there.
pub(super) async fn hold_document(tx: &mut Tx, document: DocumentId, class: i64) -> Result<bool> {
    let held = tx
        .execute(
            "UPDATE document SET security_class = security_class
             WHERE id = $1 AND security_class = $2 AND trashed_at IS NULL AND destroyed_at IS NULL",
            params![document, class],
        )
        .await?;
    Ok(held == 1)
}
