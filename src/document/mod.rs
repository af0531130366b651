//! A document is one record of the archive, owned by an office; its versions are immutable; its bytes are sealed blobs.
//! What an office may see is decided inside the statements that load ([`load`], [`list`]): nobody can hold a
//! [`Document`] that they were not allowed to load.

mod applied;
mod details;
mod field;
mod list;
mod record;
mod scan;
mod shown;
mod sql;
mod told;

pub use applied::{Applied, WINDOW, number_at, numbers_of, time_of};
pub use details::{Changes, Details, Limits, clean_file_name};
pub use field::{Reach, ScanState, SecurityClass, State, Urgency};
pub use list::{Filter, list};
pub use record::{
    Created, NewDocument, NewVersion, Recorded, Settled, add_version, ask_again, create, edit, forget_old_changes,
    mark_findable, note_progress, reseal, restore, settle_reading, trash,
};
pub use scan::{Scan, settle_scan};
pub use shown::{Access, Event, Shown, ShownListed, Warning, fingerprint, show};
pub use told::{Told, told};

use uuid::Uuid;

use crate::{
    access::{Actor, Sight, Standing},
    clock::{Clock, Time},
    db::{Db, Tx},
    error::{Error, Result, Say, say},
    id::{self, DocumentId, GrantId, LinkId, OfficeId, VersionId},
    office::{self, OfficeKeys},
};

/// A document that the caller was allowed to load.
#[derive(Clone, Debug)]
pub struct Document {
    pub id: DocumentId,
    pub office: OfficeId,
    /// The owner as answers show it.
    pub owner: office::Brief,
    /// The owner's number in the index.
    pub office_number: i64,
    pub details: Details,
    pub state: State,
    pub reason: Option<String>,
    pub version: Version,
    pub versions: i64,
    pub revision: i64,
    pub origin: String,
    pub received_at: Time,
    pub updated_at: Time,
    pub trashed_at: Option<Time>,
    standing: Standing,
    /// Only among others: its sealed details did not open.
    unopened: bool,
}

impl Document {
    pub fn standing(&self) -> Standing {
        self.standing
    }

    pub fn class(&self) -> SecurityClass {
        self.details.security_class
    }

    /// Its sealed details did not open. It stands among others without them, so that it holds up none of these.
    pub fn is_unopened(&self) -> bool {
        self.unopened
    }

    /// What stands in place of its title then.
    pub fn placeholder(&self) -> Option<Say> {
        self.unopened.then(|| say("Rincian tidak terbuka", "Details cannot be opened"))
    }

    /// Nobody writes over details that they have not seen.
    fn must_be_opened(&self) -> Result<()> {
        if self.unopened { Err(details::damaged()) } else { Ok(()) }
    }

    /// It came by an upload-only link, and no act of anybody in the office (a check, an edit, a version) has raised its
    /// revision since.
    pub fn is_unchecked(&self) -> bool {
        self.origin == "drop" && self.revision == 1
    }

    /// Only the owner changes a document; to others it is as if the call did not exist.
    pub fn must_be_own(&self) -> Result<()> {
        if self.standing == Standing::Own { Ok(()) } else { Err(Error::not_found()) }
    }

    /// The bytes and their derivations: everybody who sees the document may read them, except by a link not yet opened.
    pub fn must_be_readable(&self) -> Result<()> {
        if self.standing != Standing::Listed {
            return Ok(());
        }
        Err(Error::forbidden(
            "open-first",
            say(
                "Dokumen ini dibagikan lewat tautan. Buka tautannya dahulu; sesudah itu isinya dapat dibaca.",
                "This document is shared by a link. Open the link first; then its content can be read.",
            ),
        ))
    }
}

/// One immutable version.
#[derive(Clone, Debug)]
pub struct Version {
    pub id: VersionId,
    pub number: i64,
    pub blob: Uuid,
    pub file_name: String,
    pub media_type: String,
    pub size: i64,
    pub fingerprint: [u8; 32],
    pub pages: Option<i64>,
    pub pages_read: i64,
    pub pictures: bool,
    pub signed: bool,
    /// Whether a page holds a NIK or a KK number, where that is known.
    pub personal_data: Option<bool>,
    pub scan: Scan,
    pub state: State,
    pub reason: Option<String>,
}

/// A version as the list of a document's versions shows it.
#[derive(Clone, Debug)]
pub struct Kept {
    pub version: Version,
    /// Why it was added.
    pub note: String,
    pub made_at: Time,
}

/// Every version of a document that was loaded for its own office, newest first.
pub async fn versions(tx: &mut Tx, document: &Document) -> Result<Vec<Kept>> {
    document.must_be_own()?;
    Ok(sql::versions(tx, document.id).await?.into_iter().map(sql::KeptRow::opened).collect())
}

impl Document {
    /// The same document with one of its earlier versions in place of the newest.
    pub async fn at_version(mut self, tx: &mut Tx, number: i64) -> Result<Document> {
        let kept = versions(tx, &self).await?.into_iter().find(|kept| kept.version.number == number);
        self.version = kept.ok_or_else(Error::not_found)?.version;
        Ok(self)
    }
}

/// The document if this sight may see it, else 404. What lies in the trash does not exist here.
pub async fn load(tx: &mut Tx, keys: &OfficeKeys, sight: Option<Sight>, id: DocumentId, now: Time) -> Result<Document> {
    let sight = sight.ok_or_else(Error::not_found)?;
    let row = sql::visible(tx, sight, id, now).await?.ok_or_else(Error::not_found)?;
    row.opened(keys).await
}

/// The same for one among others in an answer: where its sealed details do not open it comes without them.
pub async fn load_among(
    tx: &mut Tx,
    keys: &OfficeKeys,
    sight: Option<Sight>,
    id: DocumentId,
    now: Time,
) -> Result<Document> {
    let sight = sight.ok_or_else(Error::not_found)?;
    let row = sql::visible(tx, sight, id, now).await?.ok_or_else(Error::not_found)?;
    row.opened_among(keys).await
}

/// The opening of a link on which an office's right to read a document stands.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    pub grant: GrantId,
    pub link: LinkId,
}

/// None where the office has another right. 404 where the opening has ended since the document was loaded.
pub async fn opening(tx: &mut Tx, document: &Document, reader: &Actor, now: Time) -> Result<Option<Opening>> {
    if document.standing != Standing::Opened {
        return Ok(None);
    }
    sql::opening(tx, document.id, reader, now).await?.map(Some).ok_or_else(Error::not_found)
}

/// An own document that lies in the trash, else 404.
pub async fn load_trashed(tx: &mut Tx, keys: &OfficeKeys, sight: Option<Sight>, id: DocumentId) -> Result<Document> {
    let sight = sight.ok_or_else(Error::not_found)?;
    let row = sql::trashed(tx, sight, id).await?.ok_or_else(Error::not_found)?;
    row.opened(keys).await
}

/// A document that the caller of this request has loaded already, as it is after a change in this transaction.
pub async fn load_any(tx: &mut Tx, keys: &OfficeKeys, id: DocumentId) -> Result<Document> {
    sql::by_id_in(tx, id).await?.ok_or_else(Error::not_found)?.opened(keys).await
}

/// For the program's own work (reading, indexing), which serves nobody in particular.
pub async fn load_for_work(db: &Db, keys: &OfficeKeys, id: DocumentId) -> Result<Option<Document>> {
    match sql::by_id(db, id).await? {
        Some(row) => row.opened(keys).await.map(Some),
        None => Ok(None),
    }
}

/// A version with its document, for the program's own work.
pub async fn version_for_work(db: &Db, id: VersionId) -> Result<Option<(DocumentId, OfficeId, Version)>> {
    Ok(sql::version(db, id).await?.map(sql::VersionRow::opened))
}

/// Tells every node's index that the document changed. Part of the transaction that changes it.
///
/// The sequence is time and randomness, so that writers never wait for each other; readers look back a window.
pub async fn touch_index(tx: &mut Tx, clock: &Clock, id: DocumentId) -> Result<()> {
    let random = u32::from_be_bytes(id::random::<4>()) >> 12;
    let seq = number_at(clock.now()) | i64::from(random);
    sql::insert_index_change(tx, seq, id).await
}

/// Documents that changed after `seq`, oldest first.
pub async fn index_changes(db: &Db, after: i64, limit: i64) -> Result<Vec<(i64, DocumentId)>> {
    sql::index_changes(db, after, limit).await
}

/// Every document that can be found, by id, for a rebuild of the index.
pub async fn every(db: &Db, after: DocumentId, limit: i64) -> Result<Vec<DocumentId>> {
    sql::every(db, after, limit).await
}
