//! A document as answers show it.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Document, Reach, ScanState, SecurityClass, State, Urgency};
use crate::{
    access::Standing,
    clock::Time,
    id::{DocumentId, VersionId},
    office::Brief,
    read::Reason,
};

/// A document as its own office and those who received it see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Shown {
    pub id: DocumentId,
    pub office: Brief,
    pub title: String,
    /// `received`, `reading`, `ready` (already findable), `unreadable` (see `reason`), `stored` (kept, not read).
    pub state: State,
    /// Why it could not be read, or why a part was left out: a word for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The same for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason_text: Option<ReasonText>,
    pub media_type: String,
    /// Bytes of the original.
    pub size: i64,
    /// `sha256:` and the hexadecimal digest of the original bytes.
    pub fingerprint: String,
    /// Pages of the newest version, once they are known.
    pub pages: Option<i64>,
    pub pages_read: i64,
    pub versions: i64,
    pub version: VersionId,
    pub file_name: String,
    /// The file carries an electronic signature and is kept byte for byte.
    pub signed: bool,
    /// Whether a page of the newest version holds what is by its form a NIK or a KK number; absent while that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub personal_data: Option<bool>,
    /// What the antivirus daemon said; `unchecked` where none was asked or none answered.
    pub scan: ScanState,
    /// The name of what it found; then the original is not given out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scan_found: Option<String>,
    pub kind: Option<String>,
    pub security_class: SecurityClass,
    pub urgency: Urgency,
    pub classification: Option<String>,
    pub reach: Reach,
    pub date: Option<String>,
    pub number: Option<String>,
    pub sender: Option<String>,
    pub recipient: Option<String>,
    pub summary: Option<String>,
    pub labels: Vec<String>,
    /// `upload`, or `drop` for what came by an upload-only link and was not checked yet.
    pub origin: String,
    /// An earlier document of the office with the same bytes; told of one that was just brought in or is asked for alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duplicate_of: Option<DocumentId>,
    #[schema(value_type = String, format = DateTime)]
    pub received_at: Time,
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub trashed_at: Option<Time>,
    /// In lists: its sealed details do not open, so that they are missing and `title` says so. Tell the operator.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub details_damaged: bool,
    /// What was done and should be looked at again; in the answer to a change.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}

/// Something that was done as asked, and that somebody should look at again.
#[derive(Debug, Serialize, ToSchema)]
pub struct Warning {
    /// A word for programs: `personal-data` where many may read pages that hold NIK or KK numbers.
    pub code: &'static str,
    /// What it is and what to do, in the caller's language.
    pub detail: String,
}

/// A sentence in both languages.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReasonText {
    pub id: String,
    pub en: String,
}

impl From<Reason> for ReasonText {
    fn from(reason: Reason) -> ReasonText {
        let said = reason.say();
        ReasonText { id: said.id.into_owned(), en: said.en.into_owned() }
    }
}

/// A document that a link lists to a named office: what it is, and what opening it needs.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShownListed {
    pub id: DocumentId,
    pub title: String,
    pub office: Brief,
    pub access: Access,
    /// Its sealed details do not open, so that they are missing and `title` says so.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub details_damaged: bool,
}

/// How a listed document is opened.
#[derive(Debug, Serialize, ToSchema)]
pub struct Access {
    /// The public id of the link.
    pub link: String,
    /// `password` and the like; a signed-in member of a named office needs no secret.
    pub needs: Vec<String>,
}

/// One thing that happened to a document.
#[derive(Debug, Serialize, ToSchema)]
pub struct Event {
    #[schema(value_type = String, format = DateTime)]
    pub at: Time,
    pub action: String,
    pub result: String,
    pub person: Option<String>,
    pub office: Option<Brief>,
    pub network: String,
    pub detail: serde_json::Value,
}

pub fn fingerprint(digest: &[u8; 32]) -> String {
    format!("sha256:{}", data_encoding::HEXLOWER.encode(digest))
}

/// The answer for somebody with this document in hand.
pub fn show(document: &Document) -> Shown {
    let Document { details, version, .. } = document;
    Shown {
        id: document.id,
        office: document.owner.clone(),
        title: details.title.clone(),
        state: document.state,
        reason: document.reason.clone(),
        reason_text: document.reason.as_deref().and_then(Reason::from_slug).map(ReasonText::from),
        media_type: version.media_type.clone(),
        size: version.size,
        fingerprint: fingerprint(&version.fingerprint),
        pages: version.pages,
        pages_read: version.pages_read,
        versions: document.versions,
        version: version.id,
        file_name: version.file_name.clone(),
        signed: version.signed,
        personal_data: version.personal_data,
        scan: version.scan.state(),
        scan_found: version.scan.found().map(str::to_owned),
        kind: details.kind.clone(),
        security_class: details.security_class,
        urgency: details.urgency,
        classification: details.classification.clone(),
        reach: details.reach,
        date: details.date.clone(),
        number: details.number.clone(),
        sender: details.sender.clone(),
        recipient: details.recipient.clone(),
        summary: details.summary.clone(),
        labels: details.labels.clone(),
        origin: document.origin.clone(),
        duplicate_of: None,
        received_at: document.received_at,
        updated_at: document.updated_at,
        trashed_at: document.trashed_at,
        details_damaged: document.is_unopened(),
        warnings: Vec::new(),
    }
}

impl Document {
    pub fn is_listed_only(&self) -> bool {
        self.standing() == Standing::Listed
    }
}
