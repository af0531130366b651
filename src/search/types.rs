//! What goes into the index and what comes out: plain values without a trace of how they are kept.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One version of a document as the index holds it. Offices are numbers; who may find what is decided by the caller
/// and only carried here.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IndexedDocument {
    pub document: Uuid,
    pub version: Uuid,
    /// The office that owns the document.
    pub office: u64,
    /// 0 biasa, 1 terbatas, 2 rahasia, 3 sangat rahasia.
    pub class: u8,
    /// Whether the document is meant for every office of the regency; counts only for class 0.
    pub reach_all: bool,
    /// Offices that may find and open it besides its own.
    pub granted: Vec<u64>,
    /// Offices named by a link: they find the title and the fact of a match, nothing else.
    pub linked: Vec<u64>,
    pub kind: Option<String>,
    /// Classification code with dots, such as `200.2.10`.
    pub classification: Option<String>,
    /// Days since 1970-01-01: the document's date, or the day it was received.
    pub date: i64,
    pub year: i32,
    pub received_ms: i64,
    pub details: Details,
    /// Page number (from 1) and text.
    pub pages: Vec<(u32, String)>,
}

/// What people wrote about a document.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Details {
    pub title: String,
    pub number: Option<String>,
    pub sender: Option<String>,
    pub recipient: Option<String>,
    pub summary: Option<String>,
    pub labels: Vec<String>,
    pub file_name: Option<String>,
}

#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "changes come in short batches, and most of them are the large variant")]
pub enum Change {
    /// Puts the document in place of whatever is indexed under its id.
    Replace(IndexedDocument),
    Remove(Uuid),
}

impl Change {
    pub fn document(&self) -> Uuid {
        match self {
            Change::Replace(document) => document.document,
            Change::Remove(document) => *document,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// What the reader typed; every text is an ordinary question. Blank asks for everything that the filters let by.
    pub text: String,
    pub office: Option<u64>,
    pub kind: Option<String>,
    pub class: Option<u8>,
    /// A classification code or the beginning of one, cut at a dot.
    pub classification: Option<String>,
    /// Days since 1970-01-01, both inclusive.
    pub from: Option<i64>,
    pub to: Option<i64>,
    pub sort: Sort,
    pub offset: usize,
    pub limit: usize,
}

impl Question {
    /// A question without filters: the first 20 by relevance.
    pub fn of(text: impl Into<String>) -> Question {
        Question {
            text: text.into(),
            office: None,
            kind: None,
            class: None,
            classification: None,
            from: None,
            to: None,
            sort: Sort::Relevance,
            offset: 0,
            limit: 20,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    #[default]
    Relevance,
    /// By the document's date, then by when it was received.
    Newest,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// Documents that match; where none does, documents that are near.
    pub total: usize,
    pub items: Vec<Hit>,
    /// Whether more follow after these.
    pub more: bool,
    pub facets: Facets,
    pub did_you_mean: Option<String>,
}

/// One document by its best page.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    pub document: Uuid,
    pub version: Uuid,
    /// `None` where only the details match.
    pub page: Option<u32>,
    /// Between 0 and 1, relative to the best hit of the question.
    pub score: f32,
    /// Not a match: only pieces of its words, or too few of the words, are found.
    pub near: bool,
    /// Found by its title through a link: neither text nor snippet may be shown.
    pub restricted: bool,
    pub snippet: Snippet,
    /// How many further pages match.
    pub more_pages: usize,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snippet {
    pub text: String,
    /// Start and end of each highlight, in Unicode code points of `text`.
    pub highlights: Vec<(usize, usize)>,
}

/// Documents by value, most frequent first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facets {
    pub office: Vec<(u64, usize)>,
    pub kind: Vec<(String, usize)>,
    pub year: Vec<(i32, usize)>,
    pub classification: Vec<(String, usize)>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Suggestion {
    pub text: String,
    pub kind: SuggestionKind,
    /// Documents that hold it, within the scope.
    pub count: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuggestionKind {
    Word,
    Title,
    Number,
}
