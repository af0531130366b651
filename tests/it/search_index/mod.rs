//! The index through its public face: what is found, what is never found, and what lies on the disk.

mod asking;
mod durable;
mod heap;
mod scoped;
mod sealed;

use std::collections::HashSet;

use lumbung::search::{Answer, Change, Details, Index, IndexedDocument, Question, Scope, Settings};
use tempfile::TempDir;
use uuid::Uuid;

const KEY: [u8; 32] = [7; 32];
/// The office that owns documents unless a test says otherwise.
const VILLAGE: u64 = 12;

struct Archive {
    index: Index,
    dir: TempDir,
}

impl Archive {
    fn new() -> Archive {
        let dir = TempDir::new().expect("a temporary folder");
        let index = Index::open(dir.path(), KEY, settings()).expect("opens");
        Archive { index, dir }
    }

    fn with(documents: Vec<IndexedDocument>) -> Archive {
        let archive = Archive::new();
        archive.put(documents);
        archive
    }

    fn put(&self, documents: Vec<IndexedDocument>) {
        let cursor = self.index.cursor() + 1;
        self.index.apply(documents.into_iter().map(Change::Replace).collect(), cursor).expect("applies");
    }

    /// Closes the index and opens what lies on the disk.
    fn reopened(self) -> Archive {
        let Archive { index, dir } = self;
        drop(index);
        let index = Index::open(dir.path(), KEY, settings()).expect("opens");
        Archive { index, dir }
    }

    fn ask(&self, text: &str) -> Answer {
        self.answer(&Question::of(text))
    }

    fn answer(&self, question: &Question) -> Answer {
        self.index.search(question, &village(), &HashSet::new()).expect("an ordinary question")
    }

    fn ids(&self, text: &str) -> Vec<u128> {
        self.ask(text).items.iter().map(|hit| hit.document.as_u128()).collect()
    }
}

fn settings() -> Settings {
    // The disk's own caches are not what these tests are about.
    Settings { durable: false, ..Settings::default() }
}

fn village() -> Scope {
    Scope::office(VILLAGE, false, true)
}

fn document(id: u128, title: &str, pages: &[&str]) -> IndexedDocument {
    IndexedDocument {
        document: Uuid::from_u128(id),
        version: Uuid::from_u128(id + 1_000_000),
        office: VILLAGE,
        date: 19_000 + id as i64,
        year: 2022,
        received_ms: id as i64,
        details: Details { title: title.to_owned(), ..Details::default() },
        pages: pages.iter().zip(1..).map(|(text, page)| (page, (*text).to_owned())).collect(),
        ..IndexedDocument::default()
    }
}
