//! Finding: a sealed full-text index of pages on this node's own disk.
//!
//! The index is a cache of what the database and the vault hold: it may be lost at any time and is then built anew.
//! It knows offices as numbers and asks nobody for permission; each question carries the reader's [`Scope`], and
//! neither totals nor facets nor suggestions nor ranking count anything outside of it.
//!
//! There is no query language. Questions are read as words, numbers and days (`question`), ranked by BM25 over raw
//! words, stems and pieces of words (`rank`), and collapsed to one item a document (`find`).

mod analysis;
mod bits;
mod dates;
mod facets;
mod find;
mod live;
mod personal;
mod question;
mod rank;
mod schema;
mod scope;
mod sealed;
mod settings;
mod snapshot;
mod snippet;
mod spelling;
mod suggest;
mod synonyms;
mod types;
mod words;

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use uuid::Uuid;
use zeroize::Zeroizing;

use self::{live::Live, snapshot::Snapshot};
pub use self::{
    personal::holds_personal_number,
    question::{Marks, words_hit},
    scope::Scope,
    settings::Settings,
    types::{
        Answer, Change, Details, Facets, Hit, IndexedDocument, Question, Snippet, Sort, Suggestion, SuggestionKind,
    },
};
use crate::error::{Error, Kind, Result, say};

/// One node's index. Clones are the same index.
#[derive(Clone)]
pub struct Index(Arc<Inner>);

struct Inner {
    dir: PathBuf,
    key: Zeroizing<[u8; 32]>,
    settings: Settings,
    live: Mutex<Live>,
    snapshot: RwLock<Arc<Snapshot>>,
}

impl Index {
    /// Opens the index in a folder of its own. One that is damaged, sealed under another key or of another make is
    /// wiped and opened empty; [`Index::is_fresh`] then asks the caller to build it anew.
    pub fn open(dir: &Path, key: [u8; 32], settings: Settings) -> Result<Index> {
        let key = Zeroizing::new(key);
        let was_there = std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some());
        if Live::is_in_use(dir, &key, &settings)? {
            return Err(in_use(dir));
        }
        let live = match Live::open(dir, &key, &settings) {
            Ok(live) => live,
            Err(error) => {
                if was_there {
                    tracing::warn!(error = error.chain(), "the search index cannot be read and is built anew");
                }
                Live::create(dir, &key, &settings)?
            }
        };
        let snapshot = RwLock::new(Arc::new(live.snapshot(None)?));
        Ok(Index(Arc::new(Inner { dir: dir.to_owned(), key, settings, live: Mutex::new(live), snapshot })))
    }

    /// The sequence of the index log up to which everything is committed, as given to [`Index::apply`].
    ///
    /// Zero: never built. Negative, by agreement with the caller: being built since that sequence; a build that was
    /// cut goes on with the documents that [`Index::holds`] does not know.
    pub fn cursor(&self) -> i64 {
        self.snapshot().cursor
    }

    /// Whether the index has yet to be built from the documents.
    pub fn is_fresh(&self) -> bool {
        self.cursor() <= 0
    }

    /// Whether the document is indexed, in whatever version.
    pub fn holds(&self, document: Uuid) -> Result<bool> {
        self.read(|snapshot| {
            for segment in &snapshot.segments {
                if !segment.holding(&schema::document_term(document))?.is_empty() {
                    return Ok(true);
                }
            }
            Ok(false)
        })
    }

    /// Indexed documents' entries and the segments that they lie in, for status pages.
    pub fn size(&self) -> (u64, usize) {
        let snapshot = self.snapshot();
        (snapshot.segments.iter().map(|segment| u64::from(segment.reader.num_docs())).sum(), snapshot.segments.len())
    }

    /// Entries of removed documents whose text still lies in a segment.
    pub fn deleted(&self) -> Result<u64> {
        self.live().deleted()
    }

    /// Applies changes in order and commits them together with the cursor; searches that begin afterwards see them.
    /// Applying the same again changes nothing. Blocks; on an error nothing past the last commit counts.
    pub fn apply(&self, changes: Vec<Change>, cursor: i64) -> Result<()> {
        self.apply_to(&mut self.live(), changes, cursor)
    }

    /// The same, but only while the cursor is still `former`: an index that was lost meanwhile begins anew, and nobody
    /// may take it for complete.
    pub fn go_on(&self, former: i64, changes: Vec<Change>, cursor: i64) -> Result<()> {
        let mut live = self.live();
        if live.cursor() != former {
            return Err(rebuilding());
        }
        self.apply_to(&mut live, changes, cursor)
    }

    fn apply_to(&self, live: &mut Live, changes: Vec<Change>, cursor: i64) -> Result<()> {
        let applied = live.apply(changes, cursor, &self.0.settings, |live| self.publish(live));
        if let Err(error) = applied {
            self.recover(live)?;
            return Err(error);
        }
        Ok(())
    }

    /// Takes the text of removed documents off the disk, too: segments only forget it until they are merged. False where a
    /// merge is under way: ask again. Files that a search is looking at go with the next commit. Blocks.
    pub fn purge(&self) -> Result<bool> {
        let mut live = self.live();
        let purged = live.purge().and_then(|is_clean| {
            self.publish(&live)?;
            live.collect_garbage()?;
            Ok(is_clean)
        });
        if purged.is_err() {
            self.recover(&mut live)?;
        }
        purged
    }

    /// Lets go of the folder, so that another process may open it; what is open here can still be asked.
    pub fn close(&self) {
        self.live().close();
    }

    /// Throws everything away; the cursor is zero afterwards.
    pub fn reset(&self) -> Result<()> {
        let mut live = self.live();
        self.begin_anew(&mut live)
    }

    /// Answers a question within a scope. `exclude` names documents that were changed after this node's cursor; they
    /// are neither shown nor counted. Blocks.
    pub fn search(&self, question: &Question, scope: &Scope, exclude: &HashSet<Uuid>) -> Result<Answer> {
        self.read(|snapshot| find::search(snapshot, &self.0.settings, question, scope, exclude))
    }

    /// What the reader may have begun to type. Blocks.
    pub fn suggest(&self, text: &str, scope: &Scope, exclude: &HashSet<Uuid>) -> Result<Vec<Suggestion>> {
        self.read(|snapshot| {
            let kept = snapshot.within(scope)?;
            let reduced = if exclude.is_empty() { None } else { Some(kept.without(snapshot, exclude)?) };
            suggest::suggest(snapshot, &self.0.settings, reduced.as_ref().unwrap_or(&kept), text)
        })
    }

    /// Reads something of it from the disk. Blocks.
    pub fn answers(&self) -> Result<()> {
        self.read(|snapshot| snapshot.segments.first().map_or(Ok(()), |segment| segment.stored(0).map(drop)))
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        self.0.snapshot.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn live(&self) -> MutexGuard<'_, Live> {
        self.0.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, live: &Live) -> Result<()> {
        let former = self.snapshot();
        let next = Arc::new(live.snapshot(Some(&former))?);
        *self.0.snapshot.write().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(())
    }

    /// A file that does not open while a question is answered ends the whole index: what else is wrong is unknown.
    fn read<T>(&self, answer: impl Fn(&Snapshot) -> Result<T>) -> Result<T> {
        let asked = self.snapshot();
        answer(&asked).or_else(|error| {
            let mut live = self.live();
            if !live.is_damaged() {
                // Somebody else met the damage first and has put another index in its place.
                let is_replaced = !Arc::ptr_eq(&asked, &self.snapshot());
                return Err(if is_replaced { rebuilding() } else { error });
            }
            tracing::warn!(error = error.chain(), "the search index is damaged and is built anew");
            self.begin_anew(&mut live)?;
            Err(rebuilding())
        })
    }

    /// After a failed commit the writer is of no use: it is opened anew on the last commit, or on nothing.
    fn recover(&self, live: &mut Live) -> Result<()> {
        if live.is_damaged() {
            return self.begin_anew(live);
        }
        live.close();
        match Live::open(&self.0.dir, &self.0.key, &self.0.settings) {
            Ok(opened) => *live = opened,
            Err(_) => return self.begin_anew(live),
        }
        self.publish(live)
    }

    fn begin_anew(&self, live: &mut Live) -> Result<()> {
        live.close();
        *live = Live::create(&self.0.dir, &self.0.key, &self.0.settings)?;
        self.publish(live)
    }
}

fn rebuilding() -> Error {
    Error::unavailable(
        "index-rebuilding",
        say(
            "Indeks pencarian sedang dibangun ulang. Dokumen tetap aman; coba lagi sebentar.",
            "The search index is being built anew. Documents are safe; try again shortly.",
        ),
    )
}

fn in_use(dir: &Path) -> Error {
    let dir = dir.display();
    Error::new(
        Kind::Conflict,
        "index-in-use",
        say(
            format!(
                "Folder indeks {dir} sedang dipakai oleh Lumbung lain. Hentikan dahulu, atau pilih search.dir lain."
            ),
            format!(
                "The index folder {dir} is in use by another Lumbung. Stop that one, or choose another search.dir."
            ),
        ),
    )
}
