//! Counts by document, only over what was found.

use std::collections::HashMap;

use tantivy::columnar::StrColumn;

use super::{
    Settings,
    find::Found,
    snapshot::{NO_YEAR, Snapshot},
    types::Facets,
};
use crate::error::Result;

pub(super) fn count(snapshot: &Snapshot, settings: &Settings, found: &[Found]) -> Result<Facets> {
    let mut offices: HashMap<u64, usize> = HashMap::new();
    let mut years: HashMap<i32, usize> = HashMap::new();
    let mut kinds: HashMap<(usize, u64), usize> = HashMap::new();
    let mut codes: HashMap<(usize, u64), usize> = HashMap::new();
    for found in found {
        let columns = &snapshot.segments[found.segment].columns;
        *offices.entry(columns.offices.get_val(found.entry)).or_default() += 1;
        let year = columns.years.get_val(found.entry);
        if year != NO_YEAR {
            *years.entry(year as i32).or_default() += 1;
        }
        for (column, counts) in [(&columns.kinds, &mut kinds), (&columns.classifications, &mut codes)] {
            if let Some(value) = column.as_ref().and_then(|column| column.ords().first(found.entry)) {
                *counts.entry((found.segment, value)).or_default() += 1;
            }
        }
    }
    Ok(Facets {
        office: most(offices, settings),
        kind: most(named(snapshot, kinds, |columns| columns.kinds.as_ref())?, settings),
        year: most(years, settings),
        classification: most(named(snapshot, codes, |columns| columns.classifications.as_ref())?, settings),
    })
}

/// Values are numbered anew in each segment; their names add up.
fn named(
    snapshot: &Snapshot,
    counts: HashMap<(usize, u64), usize>,
    column: impl Fn(&super::snapshot::Columns) -> Option<&StrColumn>,
) -> Result<HashMap<String, usize>> {
    let mut named = HashMap::new();
    let mut name = String::new();
    for ((segment, value), count) in counts {
        if let Some(column) = column(&snapshot.segments[segment].columns) {
            name.clear();
            column.ord_to_str(value, &mut name)?;
            *named.entry(name.clone()).or_default() += count;
        }
    }
    Ok(named)
}

fn most<T: Ord + Clone>(counts: HashMap<T, usize>, settings: &Settings) -> Vec<(T, usize)> {
    let mut counts: Vec<(T, usize)> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts.truncate(settings.facet_values);
    counts
}
