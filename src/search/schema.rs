//! The fields of the index and how a document is laid into them: one entry for its details, one for each page, and,
//! where a link names offices, one that holds the title alone.

use std::sync::LazyLock;

use tantivy::{
    TantivyDocument, Term,
    schema::{BytesOptions, Field, IndexRecordOption, NumericOptions, STRING, Schema, TextFieldIndexing, TextOptions},
};
use uuid::Uuid;

use super::{analysis, dates, types::IndexedDocument, words};

/// Raised whenever fields or analysis change: an index of another version is made anew.
pub(super) const VERSION: u32 = 1;

/// Values of the `page` field that are no page.
pub(super) const DETAILS: u64 = 0;
pub(super) const WINDOW: u64 = u32::MAX as u64;

pub(super) struct Fields {
    pub schema: Schema,
    pub document: Field,
    pub version: Field,
    /// 64 bits of the document's id: what entries are collapsed by.
    pub key: Field,
    pub page: Field,
    pub office: Field,
    pub granted: Field,
    pub linked: Field,
    pub open: Field,
    pub class: Field,
    pub window: Field,
    pub kind: Field,
    pub classification: Field,
    pub beginnings: Field,
    pub day: Field,
    pub year: Field,
    pub received: Field,
    pub raw: Field,
    pub stem: Field,
    pub pieces: Field,
    pub numbers: Field,
    pub days: Field,
    pub title: Field,
    pub own_number: Field,
    pub body: Field,
}

pub(super) static FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    let mut schema = Schema::builder();
    let indexed = NumericOptions::default().set_indexed();
    let fast = NumericOptions::default().set_fast();
    let stored = BytesOptions::default().set_stored();
    Fields {
        document: schema.add_bytes_field("document", stored.clone().set_indexed()),
        version: schema.add_bytes_field("version", stored),
        key: schema.add_u64_field("key", fast.clone()),
        page: schema.add_u64_field("page", fast.clone()),
        office: schema.add_u64_field("office", indexed.clone().set_fast()),
        granted: schema.add_u64_field("granted", indexed.clone()),
        linked: schema.add_u64_field("linked", indexed.clone()),
        open: schema.add_u64_field("open", indexed.clone()),
        class: schema.add_u64_field("class", indexed.clone()),
        window: schema.add_u64_field("window", indexed.clone()),
        kind: schema.add_text_field("kind", STRING.set_fast("raw")),
        classification: schema.add_text_field("classification", TextOptions::default().set_fast("raw")),
        beginnings: schema.add_text_field("beginnings", STRING),
        day: schema.add_i64_field("day", fast.clone()),
        year: schema.add_i64_field("year", fast.clone()),
        received: schema.add_i64_field("received", fast),
        raw: schema.add_text_field("raw", text(analysis::RAW, IndexRecordOption::WithFreqs)),
        stem: schema.add_text_field("stem", text(analysis::STEM, IndexRecordOption::WithFreqs)),
        pieces: schema.add_text_field("pieces", text(analysis::PIECES, IndexRecordOption::WithFreqs)),
        numbers: schema.add_text_field("numbers", text(analysis::LINES, IndexRecordOption::Basic)),
        days: schema.add_i64_field("days", indexed),
        title: schema.add_text_field("title", text(analysis::RAW, IndexRecordOption::Basic)),
        own_number: schema.add_text_field("own_number", text(analysis::LINES, IndexRecordOption::Basic)),
        body: schema.add_text_field("body", TextOptions::default().set_stored()),
        schema: schema.build(),
    }
});

/// No positions: nothing asks for words in a row. Letter numbers keep their parts joined, which costs less than a
/// position for every word of every page.
fn text(tokenizer: &str, record: IndexRecordOption) -> TextOptions {
    let norms = record == IndexRecordOption::WithFreqs;
    let indexing = TextFieldIndexing::default().set_tokenizer(tokenizer).set_index_option(record).set_fieldnorms(norms);
    TextOptions::default().set_indexing_options(indexing)
}

pub(super) fn key(document: Uuid) -> u64 {
    document.as_u64_pair().1
}

pub(super) fn document_term(document: Uuid) -> Term {
    Term::from_field_bytes(FIELDS.document, document.as_bytes())
}

/// All entries of a document. The details come first, so that its pages can count on their words.
pub(super) fn entries(document: &IndexedDocument) -> Vec<TantivyDocument> {
    let mut entries = vec![details(document)];
    entries.extend(document.pages.iter().map(|(page, text)| {
        let mut entry = findable(document, u64::from(*page));
        searchable(&mut entry, &[text]);
        entry.add_text(FIELDS.body, text);
        entry
    }));
    if !document.linked.is_empty() {
        entries.push(window(document));
    }
    entries
}

/// Bytes of text that the document brings, to know when to commit.
pub(super) fn bytes(document: &IndexedDocument) -> usize {
    1_000 + document.pages.iter().map(|(_, text)| text.len()).sum::<usize>()
}

fn details(document: &IndexedDocument) -> TantivyDocument {
    let details = &document.details;
    let mut parts = vec![details.title.as_str()];
    parts.extend(
        [&details.number, &details.sender, &details.recipient, &details.summary]
            .into_iter()
            .flatten()
            .map(|s| s.as_str()),
    );
    parts.extend(details.labels.iter().map(String::as_str));
    parts.extend(details.file_name.as_deref());
    let mut entry = findable(document, DETAILS);
    searchable(&mut entry, &parts);
    entry.add_i64(FIELDS.days, document.date);
    entry.add_text(FIELDS.title, &details.title);
    entry.add_text(FIELDS.body, parts.join("\n"));
    if let Some(number) = &details.number {
        let words = words::words(number);
        let mut forms: Vec<String> = words.iter().map(|word| word.text.clone()).collect();
        forms.extend(words::parts(&words));
        entry.add_text(FIELDS.own_number, forms.join("\n"));
    }
    entry
}

/// What an office named by a link may find: the title. It carries no kind, class or date, so that no filter and no
/// facet tells more.
fn window(document: &IndexedDocument) -> TantivyDocument {
    let mut entry = TantivyDocument::new();
    identify(&mut entry, document, WINDOW);
    scope(&mut entry, document);
    entry.add_u64(FIELDS.window, 1);
    for office in &document.linked {
        entry.add_u64(FIELDS.linked, *office);
    }
    searchable(&mut entry, &[&document.details.title]);
    entry.add_text(FIELDS.title, &document.details.title);
    entry.add_text(FIELDS.body, &document.details.title);
    entry
}

/// Identity, scope and filters: what the details and every page carry alike.
fn findable(document: &IndexedDocument, page: u64) -> TantivyDocument {
    let mut entry = TantivyDocument::new();
    identify(&mut entry, document, page);
    scope(&mut entry, document);
    entry.add_i64(FIELDS.day, document.date);
    entry.add_i64(FIELDS.year, i64::from(document.year));
    entry.add_i64(FIELDS.received, document.received_ms);
    if let Some(kind) = &document.kind {
        entry.add_text(FIELDS.kind, kind);
    }
    if let Some(code) = &document.classification {
        entry.add_text(FIELDS.classification, code);
        for (dot, _) in code.match_indices('.') {
            entry.add_text(FIELDS.beginnings, &code[..dot]);
        }
        entry.add_text(FIELDS.beginnings, code);
    }
    entry
}

fn identify(entry: &mut TantivyDocument, document: &IndexedDocument, page: u64) {
    entry.add_bytes(FIELDS.document, document.document.as_bytes());
    entry.add_bytes(FIELDS.version, document.version.as_bytes());
    entry.add_u64(FIELDS.key, key(document.document));
    entry.add_u64(FIELDS.page, page);
}

fn scope(entry: &mut TantivyDocument, document: &IndexedDocument) {
    entry.add_u64(FIELDS.office, document.office);
    entry.add_u64(FIELDS.class, u64::from(document.class));
    if document.reach_all && document.class == 0 {
        entry.add_u64(FIELDS.open, 1);
    }
    for office in &document.granted {
        entry.add_u64(FIELDS.granted, *office);
    }
}

fn searchable(entry: &mut TantivyDocument, parts: &[&str]) {
    for part in parts {
        for field in [FIELDS.raw, FIELDS.stem, FIELDS.pieces] {
            entry.add_text(field, part);
        }
        let words = words::words(part);
        for run in words::compounds(part, &words) {
            let joined: Vec<String> = words::parts(&words[run]).collect();
            entry.add_text(FIELDS.numbers, joined.join("\n"));
        }
        for date in dates::find(part, &words) {
            entry.add_i64(FIELDS.days, date.day);
        }
    }
}
