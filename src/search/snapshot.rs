//! The index as of one commit: what a question reads from beginning to end.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tantivy::{
    Searcher, TantivyDocument, Term,
    columnar::{ColumnValues, StrColumn},
    fieldnorm::FieldNormReader,
    index::{InvertedIndexReader, SegmentId, SegmentReader},
    schema::{Field, IndexRecordOption},
    store::StoreReader,
};

use super::{
    bits::Bits,
    schema::{DETAILS, FIELDS},
    scope::{Scope, ScopeSet},
};
use crate::error::{Error, Result};

/// Scopes whose sets are kept: with 187 offices most questions of a minute come from fewer.
const SCOPES: usize = 48;

pub(super) struct Snapshot {
    pub segments: Vec<Arc<Segment>>,
    pub cursor: i64,
    scopes: Mutex<Vec<(Scope, Arc<ScopeSet>)>>,
}

pub(super) struct Segment {
    pub reader: SegmentReader,
    pub columns: Arc<Columns>,
    store: StoreReader,
}

/// What is read for each hit, opened once for the life of a segment.
pub(super) struct Columns {
    pub keys: Arc<dyn ColumnValues<u64>>,
    /// Entries that are of another document than the one before them: entries of a document stand side by side.
    pub starts: Bits,
    /// Entries of documents' details, which come before their pages.
    pub details: Bits,
    pub pages: Arc<dyn ColumnValues<u64>>,
    pub offices: Arc<dyn ColumnValues<u64>>,
    pub days: Arc<dyn ColumnValues<i64>>,
    pub years: Arc<dyn ColumnValues<i64>>,
    pub received: Arc<dyn ColumnValues<i64>>,
    pub kinds: Option<Named>,
    pub classifications: Option<Named>,
    /// Of the raw, stemmed and pieces fields.
    pub norms: [FieldNormReader; 3],
}

/// A column of texts, of which there are few different ones: they are taken out of the index once.
pub(super) struct Named {
    column: StrColumn,
    pub names: Vec<String>,
}

/// Entries without a date (windows of links) come after all others and pass no date filter.
pub(super) const NO_DAY: i64 = i64::MIN;
pub(super) const NO_YEAR: i64 = 0;

impl Snapshot {
    /// Takes over from `former` what belongs to segments that are still there.
    pub(super) fn open(searcher: &Searcher, former: Option<&Snapshot>, cursor: i64) -> Result<Snapshot> {
        let known: HashMap<SegmentId, &Arc<Segment>> = former
            .iter()
            .flat_map(|snapshot| &snapshot.segments)
            .map(|segment| (segment.reader.segment_id(), segment))
            .collect();
        let mut segments = Vec::new();
        for reader in searcher.segment_readers() {
            let segment = match known.get(&reader.segment_id()) {
                Some(known) if known.reader.delete_opstamp() == reader.delete_opstamp() => Arc::clone(known),
                Some(known) => Arc::new(Segment::open(reader, Some(known.columns.clone()))?),
                None => Arc::new(Segment::open(reader, None)?),
            };
            segments.push(segment);
        }
        Ok(Snapshot { segments, cursor, scopes: Mutex::default() })
    }

    /// The entries within a scope, computed once for each commit.
    pub(super) fn within(&self, scope: &Scope) -> Result<Arc<ScopeSet>> {
        let held = || self.scopes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, set)) = held().iter().find(|(known, _)| known == scope) {
            return Ok(set.clone());
        }
        let set = Arc::new(ScopeSet::of(self, scope)?);
        let mut scopes = held();
        if scopes.len() >= SCOPES {
            scopes.remove(0);
        }
        scopes.push((scope.clone(), set.clone()));
        Ok(set)
    }
}

impl Segment {
    fn open(reader: &SegmentReader, columns: Option<Arc<Columns>>) -> Result<Segment> {
        let columns = match columns {
            Some(columns) => columns,
            None => Arc::new(Columns::open(reader).map_err(Error::internal)?),
        };
        Ok(Segment { reader: reader.clone(), columns, store: reader.get_store_reader(4)? })
    }

    pub(super) fn index(&self, field: Field) -> Result<Arc<InvertedIndexReader>> {
        self.reader.inverted_index(field).map_err(Error::internal)
    }

    pub(super) fn none(&self) -> Bits {
        Bits::new(self.reader.max_doc())
    }

    /// Every living entry that holds the term.
    pub(super) fn holding(&self, term: &Term) -> Result<Bits> {
        let mut bits = self.none();
        each(&*self.index(term.field())?, term, |entry, _| bits.insert(entry))?;
        if let Some(alive) = self.reader.alive_bitset() {
            for entry in bits.clone().iter().filter(|entry| !alive.is_alive(*entry)) {
                bits.remove(entry);
            }
        }
        Ok(bits)
    }

    pub(super) fn stored(&self, entry: u32) -> Result<TantivyDocument> {
        self.store.get(entry).map_err(Error::internal)
    }
}

impl Columns {
    fn open(reader: &SegmentReader) -> tantivy::Result<Columns> {
        let fast = reader.fast_fields();
        let keys = fast.u64("key")?.first_or_default_col(0);
        let pages = fast.u64("page")?.first_or_default_col(0);
        let (mut starts, mut details) = (Bits::new(reader.max_doc()), Bits::new(reader.max_doc()));
        let mut before = None;
        for entry in 0..reader.max_doc() {
            let key = Some(keys.get_val(entry));
            if std::mem::replace(&mut before, key) != key {
                starts.insert(entry);
            }
            if pages.get_val(entry) == DETAILS {
                details.insert(entry);
            }
        }
        Ok(Columns {
            keys,
            pages,
            starts,
            details,
            offices: fast.u64("office")?.first_or_default_col(0),
            days: fast
                .column_opt::<i64>("day")?
                .map_or_else(|| all(NO_DAY, reader), |column| column.first_or_default_col(NO_DAY)),
            years: fast
                .column_opt::<i64>("year")?
                .map_or_else(|| all(NO_YEAR, reader), |column| column.first_or_default_col(NO_YEAR)),
            received: fast
                .column_opt::<i64>("received")?
                .map_or_else(|| all(NO_DAY, reader), |column| column.first_or_default_col(NO_DAY)),
            kinds: fast.str("kind")?.map(Named::of).transpose()?,
            classifications: fast.str("classification")?.map(Named::of).transpose()?,
            norms: [
                reader.get_fieldnorms_reader(FIELDS.raw)?,
                reader.get_fieldnorms_reader(FIELDS.stem)?,
                reader.get_fieldnorms_reader(FIELDS.pieces)?,
            ],
        })
    }
}

impl Named {
    fn of(column: StrColumn) -> std::io::Result<Named> {
        let mut names = Vec::with_capacity(column.num_terms());
        let mut terms = column.dictionary().stream()?;
        while terms.advance() {
            names.push(String::from_utf8_lossy(terms.key()).into_owned());
        }
        Ok(Named { column, names })
    }

    /// Which of the names an entry has.
    pub(super) fn of_entry(&self, entry: u32) -> Option<usize> {
        self.column.ords().first(entry).map(|name| name as usize)
    }
}

fn all(value: i64, reader: &SegmentReader) -> Arc<dyn ColumnValues<i64>> {
    tantivy::columnar::Column::<i64>::build_empty_column(reader.max_doc()).first_or_default_col(value)
}

/// Walks over the postings of a term block by block: entry and how often it is there.
pub(super) fn each(index: &InvertedIndexReader, term: &Term, mut visit: impl FnMut(u32, u32)) -> Result<()> {
    let Some(mut postings) = index.read_block_postings(term, IndexRecordOption::WithFreqs)? else {
        return Ok(());
    };
    while postings.block_len() > 0 {
        let (docs, freqs) = (postings.docs(), postings.freqs());
        if docs.len() == freqs.len() {
            docs.iter().zip(freqs).for_each(|(entry, freq)| visit(*entry, *freq));
        } else {
            docs.iter().for_each(|entry| visit(*entry, 1));
        }
        postings.advance();
    }
    Ok(())
}

/// How many of a set hold the term. Where each of them stands in the text is not read.
pub(super) fn count(index: &InvertedIndexReader, term: &Term, set: &Bits) -> Result<usize> {
    let Some(mut postings) = index.read_block_postings(term, IndexRecordOption::Basic)? else {
        return Ok(0);
    };
    let mut count = 0;
    while postings.block_len() > 0 {
        count += postings.docs().iter().filter(|entry| set.contains(**entry)).count();
        postings.advance();
    }
    Ok(count)
}

/// Looks a term up on these entries alone, which come in order: blocks in which none of them lies are not unpacked.
pub(super) fn on(
    index: &InvertedIndexReader,
    term: &Term,
    entries: &[u32],
    mut visit: impl FnMut(u32, u32),
) -> Result<()> {
    let Some(mut postings) = index.read_block_postings(term, IndexRecordOption::WithFreqs)? else {
        return Ok(());
    };
    for entry in entries {
        let at = postings.seek(*entry);
        if postings.doc(at) == *entry {
            visit(*entry, postings.freq(at));
        }
    }
    Ok(())
}
