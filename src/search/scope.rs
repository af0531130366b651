//! What a reader may find. A scope is part of every question: entries outside of it are neither matched nor counted,
//! and they do not weigh on the ranking of those inside.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use tantivy::{Term, fieldnorm::FieldNormReader};
use uuid::Uuid;

use super::{
    schema::{self, FIELDS},
    snapshot::{self, Segment, Snapshot},
};
use crate::{error::Result, search::bits::Bits};

/// Opaque on purpose; `desk::search::scope` makes it of a sight, which only `access.rs` makes of a reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope(Option<Reader>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Reader {
    office: u64,
    is_head: bool,
    reads_reach: bool,
}

const HIGHEST_CLASS: u64 = 3;
/// So many documents are looked up one by one; to leave out more, a walk over the scope is shorter.
const FEW: usize = 64;
/// Terms that are on so many entries are counted once for each scope; to count the others again costs next to nothing.
const FREQUENT: usize = 512;
/// Counts that are kept for a scope.
const COUNTS: usize = 2048;

impl Scope {
    /// What a member of an office may find: its own, what it was granted, and, with `reads_reach`, what every office
    /// of the regency may read; the highest class only for its head. Through links the title alone.
    pub fn office(office: u64, is_head: bool, reads_reach: bool) -> Scope {
        Scope(Some(Reader { office, is_head, reads_reach }))
    }

    /// For those who find nothing, such as the auditor.
    pub fn nothing() -> Scope {
        Scope(None)
    }
}

/// The entries within a scope and what the ranking has to know about them.
pub(super) struct ScopeSet {
    pub entries: Vec<Bits>,
    pub size: usize,
    /// Mean length of the raw, stemmed and pieces fields.
    pub means: [f32; 3],
    lengths: [u64; 3],
    counts: Mutex<HashMap<Term, usize>>,
}

impl ScopeSet {
    pub(super) fn of(snapshot: &Snapshot, scope: &Scope) -> Result<ScopeSet> {
        let mut entries = Vec::new();
        for segment in &snapshot.segments {
            entries.push(match &scope.0 {
                Some(reader) => findable(segment, reader)?,
                None => segment.none(),
            });
        }
        Ok(ScopeSet::measured(snapshot, entries))
    }

    /// The same without some documents; their words do not count either.
    pub(super) fn without(&self, snapshot: &Snapshot, documents: &HashSet<Uuid>) -> Result<ScopeSet> {
        let (mut entries, mut lengths) = (self.entries.clone(), self.lengths);
        let keys: HashSet<u64> = documents.iter().map(|document| schema::key(*document)).collect();
        for (segment, bits) in snapshot.segments.iter().zip(&mut entries) {
            let mut left_out = segment.none();
            if documents.len() > FEW {
                let is_of_them = |entry: &u32| keys.contains(&segment.columns.keys.get_val(*entry));
                bits.iter().filter(is_of_them).for_each(|entry| left_out.insert(entry));
            } else {
                for document in documents {
                    left_out.add(&segment.holding(&schema::document_term(*document))?);
                }
                left_out.keep(bits);
            }
            bits.drop_all(&left_out);
            for (length, less) in lengths.iter_mut().zip(measure(segment, &left_out)) {
                *length -= less;
            }
        }
        Ok(ScopeSet::of_lengths(entries, lengths))
    }

    fn measured(snapshot: &Snapshot, entries: Vec<Bits>) -> ScopeSet {
        let mut lengths = [0u64; 3];
        for (segment, bits) in snapshot.segments.iter().zip(&entries) {
            for (length, more) in lengths.iter_mut().zip(measure(segment, bits)) {
                *length += more;
            }
        }
        ScopeSet::of_lengths(entries, lengths)
    }

    fn of_lengths(entries: Vec<Bits>, lengths: [u64; 3]) -> ScopeSet {
        let size: usize = entries.iter().map(Bits::count).sum();
        let means = lengths.map(|length| (length as f32 / size.max(1) as f32).max(1.0));
        ScopeSet { entries, size, means, lengths, counts: Mutex::default() }
    }

    /// How many entries of the scope hold the term.
    pub(super) fn count(&self, snapshot: &Snapshot, term: &Term) -> Result<usize> {
        if let Some(known) = self.known(term) {
            return Ok(known);
        }
        let mut count = 0;
        for (segment, bits) in snapshot.segments.iter().zip(&self.entries) {
            count += snapshot::count(&*segment.index(term.field())?, term, bits)?;
        }
        self.remember(term, count);
        Ok(count)
    }

    /// How many they are, if they were counted.
    pub(super) fn known(&self, term: &Term) -> Option<usize> {
        self.counts().get(term).copied()
    }

    pub(super) fn remember(&self, term: &Term, count: usize) {
        let mut counts = self.counts();
        if count >= FREQUENT && counts.len() < COUNTS {
            counts.insert(term.clone(), count);
        }
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<Term, usize>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lengths of these entries in the raw, stemmed and pieces fields, together.
fn measure(segment: &Segment, entries: &Bits) -> [u64; 3] {
    let of = |norms: &FieldNormReader| entries.iter().map(|entry| u64::from(norms.fieldnorm(entry))).sum();
    segment.columns.norms.each_ref().map(of)
}

fn findable(segment: &Segment, reader: &Reader) -> Result<Bits> {
    let holding = |field, value| segment.holding(&Term::from_field_u64(field, value));
    let mut own = holding(FIELDS.office, reader.office)?;
    own.add(&holding(FIELDS.granted, reader.office)?);
    if reader.reads_reach {
        own.add(&holding(FIELDS.open, 1)?);
    }
    let highest = holding(FIELDS.class, HIGHEST_CLASS)?;
    // A link never opens the highest class, and whoever may find the document itself needs no window on it.
    let mut windows = holding(FIELDS.linked, reader.office)?;
    windows.drop_all(&own);
    windows.drop_all(&highest);
    own.drop_all(&holding(FIELDS.window, 1)?);
    if !reader.is_head {
        own.drop_all(&highest);
    }
    own.add(&windows);
    Ok(own)
}
