//! The one writer of the index and what it last committed.

use std::path::Path;

use tantivy::{
    Directory, IndexReader, IndexWriter, ReloadPolicy,
    directory::{INDEX_WRITER_LOCK, error::LockError},
    indexer::{IndexWriterOptions, LogMergePolicy},
};

use super::{
    Settings, analysis,
    schema::{self, FIELDS},
    sealed::{SealedDirectory, is_segment},
    snapshot::Snapshot,
    types::Change,
};
use crate::{
    crash,
    error::{Error, Result},
};

pub(super) struct Live {
    directory: SealedDirectory,
    reader: IndexReader,
    /// One for the life of the index; `None` only between closing and opening anew.
    writer: Option<IndexWriter>,
    cursor: i64,
}

/// The least that Tantivy accepts.
const LEAST_MEMORY: usize = 15_000_000;

impl Live {
    /// Whether another writer holds the folder: its index must not be taken for a damaged one.
    pub(super) fn is_in_use(dir: &Path, key: &[u8; 32], settings: &Settings) -> Result<bool> {
        match SealedDirectory::open(dir, key, settings)?.acquire_lock(&INDEX_WRITER_LOCK) {
            Ok(_) => Ok(false),
            Err(LockError::LockBusy) => Ok(true),
            Err(error) => Err(Error::internal(error)),
        }
    }

    pub(super) fn open(dir: &Path, key: &[u8; 32], settings: &Settings) -> Result<Live> {
        let directory = SealedDirectory::open(dir, key, settings)?;
        let index = tantivy::Index::open(directory.clone())?;
        if settings.verify_at_open {
            let living = Living::of(&index)?;
            directory.verify(|name| living.has(name))?;
        }
        let metas = index.load_metas()?;
        // The next commit counts on from the last one that is whole, and would find that its files are there already.
        directory.remove(|name| deletes_of(name).is_some_and(|stamp| stamp > metas.opstamp))?;
        let payload = metas.payload.unwrap_or_default();
        let cursor = read_payload(&payload).filter(|_| index.schema() == FIELDS.schema);
        let cursor = cursor.ok_or_else(|| Error::internal("the index is of another make"))?;
        Live::with(directory, index, cursor, settings)
    }

    pub(super) fn create(dir: &Path, key: &[u8; 32], settings: &Settings) -> Result<Live> {
        let directory = SealedDirectory::open(dir, key, settings)?;
        directory.wipe()?;
        let index =
            tantivy::Index::create(directory.clone(), FIELDS.schema.clone(), tantivy::IndexSettings::default())?;
        let mut live = Live::with(directory, index, 0, settings)?;
        live.commit(0)?;
        Ok(live)
    }

    fn with(directory: SealedDirectory, mut index: tantivy::Index, cursor: i64, settings: &Settings) -> Result<Live> {
        index.set_tokenizers(analysis::tokenizers());
        let options = IndexWriterOptions::builder()
            .memory_budget_per_thread(settings.writer_memory_bytes.max(LEAST_MEMORY))
            .num_worker_threads(1)
            .num_merge_threads(1)
            .build();
        let writer: IndexWriter = index.writer_with_options(options)?;
        writer.set_merge_policy(Box::new(merge_policy(settings)));
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        Ok(Live { directory, reader, writer: Some(writer), cursor })
    }

    pub(super) fn cursor(&self) -> i64 {
        self.cursor
    }

    pub(super) fn is_damaged(&self) -> bool {
        self.directory.is_damaged()
    }

    /// Ends the writer and its lock.
    pub(super) fn close(&mut self) {
        self.writer = None;
    }

    pub(super) fn snapshot(&self, former: Option<&Snapshot>) -> Result<Snapshot> {
        Snapshot::open(&self.reader.searcher(), former, self.cursor)
    }

    /// Adds and removes, with a commit whenever enough text is gathered. In between the cursor stays where it was, so
    /// that a cut repeats the batch.
    pub(super) fn apply(
        &mut self,
        changes: Vec<Change>,
        cursor: i64,
        settings: &Settings,
        publish: impl Fn(&Live) -> Result<()>,
    ) -> Result<()> {
        let mut gathered = 0;
        for change in changes {
            gathered += self.gather(change)?;
            if gathered >= settings.commit_bytes {
                self.commit(self.cursor)?;
                publish(self)?;
                gathered = 0;
            }
        }
        self.commit(cursor)?;
        publish(self)
    }

    /// Puts one change before the writer; tells how much text it brought.
    fn gather(&mut self, change: Change) -> Result<usize> {
        let writer = self.writer()?;
        match change {
            Change::Remove(document) => {
                writer.delete_term(schema::document_term(document));
                Ok(0)
            }
            Change::Replace(document) => {
                writer.delete_term(schema::document_term(document.document));
                document.pages.iter().for_each(|(_, text)| crash::stumble(text));
                for entry in schema::entries(&document) {
                    writer.add_document(entry)?;
                }
                Ok(schema::bytes(&document))
            }
        }
    }

    /// Rewrites every segment that still holds text of documents that were removed. False where one is being merged with
    /// others just now: then it is to be asked again.
    pub(super) fn purge(&mut self) -> Result<bool> {
        let writer = self.writer()?;
        let stained = writer.index().searchable_segment_metas()?;
        let stained: Vec<_> = stained.iter().filter(|meta| meta.has_deletes()).map(|meta| meta.id()).collect();
        let mut is_clean = true;
        for segment in stained {
            is_clean &= writer.merge(&[segment]).wait().is_ok();
        }
        self.reader.reload()?;
        Ok(is_clean)
    }

    pub(super) fn deleted(&mut self) -> Result<u64> {
        let segments = self.writer()?.index().searchable_segment_metas()?;
        Ok(segments.iter().map(|segment| u64::from(segment.num_deleted_docs())).sum())
    }

    /// Deletes files of segments that no search is looking at any more.
    pub(super) fn collect_garbage(&mut self) -> Result<()> {
        self.writer()?.garbage_collect_files().wait()?;
        Ok(())
    }

    fn commit(&mut self, cursor: i64) -> Result<()> {
        let mut prepared = self.writer()?.prepare_commit()?;
        prepared.set_payload(&payload(cursor));
        prepared.commit()?;
        self.cursor = cursor;
        self.reader.reload()?;
        Ok(())
    }

    fn writer(&mut self) -> Result<&mut IndexWriter> {
        self.writer.as_mut().ok_or_else(|| Error::internal("the index is closed"))
    }
}

/// The files of the last commit. What a cut commit or merge left half-written beside them is no damage: it is swept.
struct Living(Vec<(String, Option<u64>)>);

impl Living {
    fn of(index: &tantivy::Index) -> Result<Living> {
        let segments = index.searchable_segment_metas()?;
        let named = segments.iter().map(|segment| (segment.id().uuid_string(), segment.delete_opstamp()));
        Ok(Living(named.collect()))
    }

    fn has(&self, name: &str) -> bool {
        let (stem, rest) = name.split_once('.').unwrap_or((name, ""));
        if !is_segment(stem) {
            return true;
        }
        let stamp = deletes_of(name);
        self.0.iter().filter(|(id, _)| id == stem).any(|(_, deletes)| !rest.ends_with(".del") || *deletes == stamp)
    }
}

/// The number of the commit whose removed documents this file marks: `segment.number.del`.
fn deletes_of(name: &str) -> Option<u64> {
    name.strip_suffix(".del")?.rsplit_once('.')?.1.parse().ok()
}

fn payload(cursor: i64) -> String {
    format!("{} {cursor}", schema::VERSION)
}

/// The cursor, where the payload is of this version.
fn read_payload(payload: &str) -> Option<i64> {
    let (version, cursor) = payload.split_once(' ')?;
    if version.parse() == Ok(schema::VERSION) { cursor.parse().ok() } else { None }
}

/// Segments of like size are merged, so that single-document commits leave a handful and not a heap; one that is
/// largely deleted is rewritten, so that destroyed text leaves the disk.
fn merge_policy(settings: &Settings) -> LogMergePolicy {
    let mut policy = LogMergePolicy::default();
    policy.set_min_num_segments(settings.merge_segments.max(2));
    policy.set_max_docs_before_merge(settings.merge_max_pages);
    policy.set_min_layer_size(1_000);
    policy.set_del_docs_ratio_before_merge(settings.merge_deleted_share.clamp(0.05, 1.0));
    policy
}

impl From<tantivy::TantivyError> for Error {
    fn from(cause: tantivy::TantivyError) -> Error {
        Error::internal(cause)
    }
}
