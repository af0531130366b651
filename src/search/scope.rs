//! What a reader may find. A scope is part of every question: entries outside of it are neither matched nor counted,
//! and they do not weigh on the ranking of those inside.

use std::collections::HashSet;

use tantivy::Term;
use uuid::Uuid;

use super::{
    schema::{self, FIELDS},
    snapshot::{Segment, Snapshot},
};
use crate::{error::Result, search::bits::Bits};

/// Opaque on purpose; only `access.rs` makes one.
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

impl Scope {
    /// What a member of an office may find: its own, what it was granted, and, with `reads_reach`, what every office
    /// of the regency may read; the highest class only for its head. Through links the title alone.
    ///
    /// Only `access.rs` calls this: it knows the reader.
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
        let mut entries = self.entries.clone();
        let keys: HashSet<u64> = documents.iter().map(|document| schema::key(*document)).collect();
        for (segment, bits) in snapshot.segments.iter().zip(&mut entries) {
            if documents.len() > FEW {
                for entry in bits.clone().iter().filter(|entry| keys.contains(&segment.columns.keys.get_val(*entry))) {
                    bits.remove(entry);
                }
                continue;
            }
            for document in documents {
                bits.drop_all(&segment.holding(&schema::document_term(*document))?);
            }
        }
        Ok(ScopeSet::measured(snapshot, entries))
    }

    fn measured(snapshot: &Snapshot, entries: Vec<Bits>) -> ScopeSet {
        let mut size = 0;
        let mut lengths = [0u64; 3];
        for (segment, bits) in snapshot.segments.iter().zip(&entries) {
            size += bits.count();
            for (norms, length) in segment.columns.norms.iter().zip(&mut lengths) {
                *length += bits.iter().map(|entry| u64::from(norms.fieldnorm(entry))).sum::<u64>();
            }
        }
        ScopeSet { entries, size, means: lengths.map(|length| (length as f32 / size.max(1) as f32).max(1.0)) }
    }
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
