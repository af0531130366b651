//! What people write about a document: checked once, here, whatever way it comes in.

use serde::{Deserialize, Serialize};

use super::{Reach, SecurityClass, Urgency};
use crate::{
    config,
    error::{Error, Kind, Result, say},
    id::{DocumentId, OfficeId},
    office::OfficeKeys,
};

/// The details of a document. `title` is never empty once it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Details {
    pub title: String,
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
}

/// The metadata of a request. A field that is absent stays as it is (PATCH) or takes its default (POST); `null` empties it.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Changes {
    /// 1 to `upload.max_title` characters; the file's name if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// At most `limits.word_chars` characters, such as `surat undangan`.
    #[serde(default, with = "nullable", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub kind: Option<Option<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_class: Option<SecurityClass>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urgency: Option<Urgency>,
    /// A code such as `200.2.10.2`, at most `limits.word_chars` characters.
    #[serde(default, with = "nullable", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub classification: Option<Option<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reach: Option<Reach>,
    /// The day written on the document, `YYYY-MM-DD`.
    #[serde(default, with = "nullable", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub date: Option<Option<String>>,
    /// At most `limits.field_chars` characters, as sender and recipient.
    #[serde(default, with = "nullable", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub number: Option<Option<String>>,
    #[serde(default, with = "nullable", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub sender: Option<Option<String>>,
    #[serde(default, with = "nullable", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub recipient: Option<Option<String>>,
    /// At most `limits.summary_chars` characters.
    #[serde(default, with = "nullable", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub summary: Option<Option<String>>,
    /// At most `limits.labels` of them, each of at most `limits.word_chars` characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
}

/// Tells a field that is `null` from one that is absent.
mod nullable {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<String>>, D::Error> {
        Option::<String>::deserialize(from).map(Some)
    }

    pub fn serialize<S: Serializer>(value: &Option<Option<String>>, to: S) -> Result<S::Ok, S::Error> {
        value.as_ref().and_then(Option::as_ref).serialize(to)
    }
}

/// The named limits that bound what is written about a document; all but `max_labels` count characters.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub max_title: usize,
    pub max_labels: usize,
    /// Of number, sender and recipient, each.
    pub max_field: usize,
    pub max_summary: usize,
    /// Of kind, classification and each label.
    pub max_word: usize,
    /// Of the note of a new version.
    pub max_note: usize,
}

impl From<&config::Config> for Limits {
    fn from(config: &config::Config) -> Limits {
        let limits = &config.limits;
        Limits {
            max_title: config.upload.max_title,
            max_labels: limits.labels,
            max_field: limits.field_chars,
            max_summary: limits.summary_chars,
            max_word: limits.word_chars,
            max_note: limits.note_chars,
        }
    }
}

impl Limits {
    /// Why there is a new version: lines of text, without a character that could forge something beside it.
    pub fn check_note(&self, pointer: &str, note: &str) -> Result<()> {
        let most = self.max_note;
        if note.chars().count() <= most && !note.chars().any(|c| c.is_control() && c != '\n') {
            return Ok(());
        }
        Err(Error::invalid(
            pointer,
            say(
                format!("Catatan paling banyak {most} huruf, tanpa huruf kendali."),
                format!("A note has at most {most} characters and no control characters."),
            ),
        ))
    }
}

/// The details that are sealed in the database for classes from `rahasia` on.
#[derive(Serialize, Deserialize)]
struct Hidden {
    title: String,
    number: Option<String>,
    sender: Option<String>,
    recipient: Option<String>,
    summary: Option<String>,
}

impl Details {
    pub(super) async fn seal_with(&self, keys: &OfficeKeys, office: OfficeId, id: DocumentId) -> Result<Vec<u8>> {
        let hidden = Hidden {
            title: self.title.clone(),
            number: self.number.clone(),
            sender: self.sender.clone(),
            recipient: self.recipient.clone(),
            summary: self.summary.clone(),
        };
        let plain = serde_json::to_vec(&hidden).map_err(Error::internal)?;
        keys.seal(office, &context(id), &plain).await
    }

    pub(super) async fn reseal(keys: &OfficeKeys, office: OfficeId, id: DocumentId, sealed: &[u8]) -> Result<Vec<u8>> {
        let plain = keys.open(office, &context(id), sealed).await?;
        keys.seal(office, &context(id), &plain).await
    }

    pub(super) async fn open_with(
        &mut self,
        keys: &OfficeKeys,
        office: OfficeId,
        id: DocumentId,
        sealed: &[u8],
    ) -> Result<()> {
        let hidden = Hidden::open(keys, office, id, sealed).await.map_err(unless_away)?;
        self.title = hidden.title;
        self.number = hidden.number;
        self.sender = hidden.sender;
        self.recipient = hidden.recipient;
        self.summary = hidden.summary;
        Ok(())
    }
}

impl Hidden {
    async fn open(keys: &OfficeKeys, office: OfficeId, id: DocumentId, sealed: &[u8]) -> Result<Hidden> {
        let plain = keys.open(office, &context(id), sealed).await?;
        // What a parser says may quote what it read, and goes to the log.
        serde_json::from_slice(&plain).map_err(|_| Error::internal("sealed details are of no known form"))
    }
}

const DAMAGED: &str = "details-damaged";

/// Sealed details that do not open, because their row is damaged or a key is lost.
pub(super) fn damaged() -> Error {
    Error::new(
        Kind::Internal,
        DAMAGED,
        say(
            "Rincian dokumen ini tidak dapat dibuka: barisnya di basis data rusak, atau kuncinya hilang. Tidak ada yang dihapus. Sampaikan nomor permintaan ini kepada operator, yang dapat memulihkannya dari cadangan.",
            "The details of this document cannot be opened: its row in the database is damaged, or a key is lost. Nothing was deleted. Give this request id to the operator, who can bring it back from a backup.",
        ),
    )
}

pub(super) fn is_damaged(cause: &Error) -> bool {
    cause.slug() == DAMAGED
}

/// A database that is away tells nothing about the details that it keeps.
fn unless_away(cause: Error) -> Error {
    if cause.kind() == Kind::Unavailable { cause } else { damaged().because(cause) }
}

/// Binds sealed details to their document: they open nowhere else.
fn context(id: DocumentId) -> Vec<u8> {
    format!("details:{id}").into_bytes()
}

impl Changes {
    /// Details of a new document; the title falls back to the file's name.
    pub fn into_details(self, file_name: &str, limits: Limits) -> Result<Details> {
        let stem = file_name.rsplit_once('.').map_or(file_name, |(stem, _)| stem);
        let title: String =
            if stem.trim().is_empty() { file_name } else { stem }.trim().chars().take(limits.max_title).collect();
        let blank = Details {
            title,
            kind: None,
            security_class: SecurityClass::Biasa,
            urgency: Urgency::Biasa,
            classification: None,
            reach: Reach::Kantor,
            date: None,
            number: None,
            sender: None,
            recipient: None,
            summary: None,
            labels: Vec::new(),
        };
        self.apply(blank, limits)
    }

    /// Every mistake of the request at once.
    pub fn apply(self, mut details: Details, limits: Limits) -> Result<Details> {
        let mut check = Check::default();
        if let Some(title) = self.title {
            details.title = check.title(title, limits.max_title);
        }
        check.line(&mut details.kind, self.kind, "/kind", limits.max_word);
        check.word(&mut details.classification, self.classification, "/classification", limits.max_word);
        check.line(&mut details.number, self.number, "/number", limits.max_field);
        check.line(&mut details.sender, self.sender, "/sender", limits.max_field);
        check.line(&mut details.recipient, self.recipient, "/recipient", limits.max_field);
        check.line(&mut details.summary, self.summary, "/summary", limits.max_summary);
        check.day(&mut details.date, self.date);
        if let Some(labels) = self.labels {
            details.labels = check.labels(labels, limits);
        }
        details.security_class = self.security_class.unwrap_or(details.security_class);
        details.urgency = self.urgency.unwrap_or(details.urgency);
        details.reach = self.reach.unwrap_or(details.reach);
        if details.reach == Reach::Kabupaten && details.security_class != SecurityClass::Biasa {
            // Raising the class closes the reach by itself; asking for both is a mistake.
            if self.reach == Some(Reach::Kabupaten) {
                check.mistake(
                    "/reach",
                    "Jangkauan kabupaten hanya untuk sifat biasa.",
                    "The reach kabupaten is for class biasa only.",
                );
            }
            details.reach = Reach::Kantor;
        }
        check.done(details)
    }
}

#[derive(Default)]
struct Check {
    found: Option<Error>,
}

impl Check {
    fn mistake(&mut self, pointer: &str, id: impl Into<String>, en: impl Into<String>) {
        let detail = say(id.into(), en.into());
        self.found = Some(match self.found.take() {
            None => Error::invalid(pointer, detail),
            Some(error) => error.field(pointer, detail),
        });
    }

    fn done(self, details: Details) -> Result<Details> {
        self.found.map_or(Ok(details), Err)
    }

    fn title(&mut self, title: String, max: usize) -> String {
        let title = title.trim().to_owned();
        if title.is_empty() {
            self.mistake("/title", "Judul tidak boleh kosong.", "The title must not be empty.");
        }
        self.plain(&title, "/title", max);
        title
    }

    /// At most `max` characters, none of them a control character (which could forge a line of a list or a log).
    fn plain(&mut self, text: &str, pointer: &str, max: usize) {
        if text.chars().count() > max {
            self.mistake(pointer, format!("Paling banyak {max} huruf."), format!("At most {max} characters."));
        }
        let is_bad = |letter: char| letter.is_control() && !(pointer == "/summary" && matches!(letter, '\n' | '\t'));
        if text.chars().any(is_bad) {
            self.mistake(pointer, "Tidak boleh memuat huruf kendali.", "Must not contain control characters.");
        }
    }

    fn line(&mut self, slot: &mut Option<String>, value: Option<Option<String>>, pointer: &str, max: usize) {
        let Some(value) = value else { return };
        let value = value.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        if let Some(text) = &value {
            self.plain(text, pointer, max);
        }
        *slot = value;
    }

    fn word(&mut self, slot: &mut Option<String>, value: Option<Option<String>>, pointer: &str, max: usize) {
        let Some(value) = value else { return };
        let value = value.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let is_word =
            |text: &String| text.len() <= max && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
        if !value.as_ref().is_none_or(is_word) {
            self.mistake(
                pointer,
                format!("Hanya huruf, angka dan . _ - /, paling banyak {max}."),
                format!("Only letters, digits and . _ - /, at most {max}."),
            );
        }
        *slot = value;
    }

    fn day(&mut self, slot: &mut Option<String>, value: Option<Option<String>>) {
        let Some(value) = value else { return };
        let value = value.filter(|text| !text.is_empty());
        let is_day = |text: &String| {
            text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok_and(|day| (1800..=2200).contains(&day.year()))
        };
        if !value.as_ref().is_none_or(is_day) {
            self.mistake(
                "/date",
                "Tulis tanggal sebagai TTTT-BB-HH, misalnya 2021-12-15.",
                "Write the date as YYYY-MM-DD, such as 2021-12-15.",
            );
        }
        *slot = value;
    }

    fn labels(&mut self, labels: Vec<String>, limits: Limits) -> Vec<String> {
        let max = limits.max_labels;
        if labels.len() > max {
            self.mistake("/labels", format!("Paling banyak {max} label."), format!("At most {max} labels."));
        }
        let mut kept: Vec<String> = Vec::new();
        for (n, label) in labels.into_iter().enumerate() {
            let label = label.trim().to_owned();
            self.plain(&label, &format!("/labels/{n}"), limits.max_word);
            if !label.is_empty() && !kept.contains(&label) {
                kept.push(label);
            }
        }
        kept
    }
}

/// A file's name without path and control characters, at most `max` bytes; the ending is kept when it must be cut.
pub fn clean_file_name(given: &str, max: usize) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or("");
    // Marks that turn the direction of writing can make `exe.pdf` out of `fdp.exe`.
    let is_kept = |c: &char| {
        !c.is_control() && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let clean: String = last.chars().filter(is_kept).collect();
    let clean = clean.trim().trim_start_matches('.');
    let name = if clean.is_empty() { "dokumen" } else { clean };
    if name.len() <= max {
        return name.to_owned();
    }
    let ending = name.rfind('.').map(|at| &name[at..]).filter(|ending| ending.len() <= 16).unwrap_or("");
    let mut cut = max - ending.len();
    while !name.is_char_boundary(cut) {
        cut -= 1;
    }
    format!("{}{ending}", &name[..cut])
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits =
        Limits { max_title: 500, max_labels: 20, max_field: 500, max_summary: 10_000, max_word: 60, max_note: 500 };

    fn details(json: &str) -> Result<Details> {
        serde_json::from_str::<Changes>(json).expect("json of a test").into_details("Surat Undangan.pdf", LIMITS)
    }

    #[test]
    fn nothing_is_required_and_the_file_names_the_document() {
        let details = details("{}").expect("valid");
        assert_eq!(details.title, "Surat Undangan");
        assert_eq!((details.security_class, details.reach), (SecurityClass::Biasa, Reach::Kantor));
    }

    #[test]
    fn every_mistake_is_told_at_once() {
        let error = details(r#"{"title":"a\u0000b","date":"15-12-2021","classification":"a b"}"#).expect_err("refused");
        let pointers: Vec<&str> = error.fields().iter().map(|field| field.pointer.as_str()).collect();
        assert_eq!(pointers, ["/title", "/classification", "/date"]);
    }

    #[test]
    fn null_empties_and_absence_keeps() {
        let before = details(r#"{"number":"1/2","sender":"Desa"}"#).expect("valid");
        let changes: Changes = serde_json::from_str(r#"{"number":null}"#).expect("json");
        let after = changes.apply(before, LIMITS).expect("valid");
        assert_eq!((after.number, after.sender.as_deref()), (None, Some("Desa")));
    }

    #[test]
    fn a_raised_class_closes_the_reach() {
        let open = details(r#"{"reach":"kabupaten"}"#).expect("valid");
        let changes: Changes = serde_json::from_str(r#"{"security_class":"rahasia"}"#).expect("json");
        assert_eq!(changes.apply(open, LIMITS).expect("valid").reach, Reach::Kantor);
        assert!(details(r#"{"reach":"kabupaten","security_class":"terbatas"}"#).is_err());
    }

    #[test]
    fn file_names_lose_paths_tricks_and_length_but_not_their_ending() {
        assert_eq!(clean_file_name("../../etc/passwd", 255), "passwd");
        assert_eq!(clean_file_name("C:\\surat\\a\u{0}b\n.pdf", 255), "ab.pdf");
        assert_eq!(clean_file_name("foto\u{202e}fdp.exe", 255), "fotofdp.exe");
        assert_eq!(clean_file_name("", 255), "dokumen");
        let long = clean_file_name(&format!("{}.pdf", "é".repeat(4000)), 255);
        assert!(long.len() <= 255 && long.ends_with(".pdf"));
    }
}
