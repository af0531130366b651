//! Counts by document, only over what was found.

use std::collections::HashMap;

use super::{
    Settings,
    find::Found,
    snapshot::{Columns, NO_YEAR, Named, Snapshot},
    types::Facets,
};

pub(super) fn count(snapshot: &Snapshot, settings: &Settings, found: &[Found]) -> Facets {
    let mut offices: HashMap<u64, usize> = HashMap::new();
    let mut years: HashMap<i32, usize> = HashMap::new();
    for found in found {
        let columns = &snapshot.segments[found.segment].columns;
        *offices.entry(columns.offices.get_val(found.entry)).or_default() += 1;
        let year = columns.years.get_val(found.entry);
        if year != NO_YEAR {
            *years.entry(year as i32).or_default() += 1;
        }
    }
    Facets {
        office: most(offices, settings),
        kind: most(named(snapshot, found, |columns| columns.kinds.as_ref()), settings),
        year: most(years, settings),
        classification: most(named(snapshot, found, |columns| columns.classifications.as_ref()), settings),
    }
}

/// Values are numbered anew in each segment; their names add up.
fn named(snapshot: &Snapshot, found: &[Found], column: impl Fn(&Columns) -> Option<&Named>) -> HashMap<String, usize> {
    let columns: Vec<Option<&Named>> = snapshot.segments.iter().map(|segment| column(&segment.columns)).collect();
    let mut counts: Vec<Vec<usize>> =
        columns.iter().map(|column| vec![0; column.map_or(0, |column| column.names.len())]).collect();
    for found in found {
        if let Some(name) = columns[found.segment].and_then(|column| column.of_entry(found.entry)) {
            counts[found.segment][name] += 1;
        }
    }
    let mut named: HashMap<&str, usize> = HashMap::new();
    for (column, counts) in columns.iter().zip(counts).filter_map(|(column, counts)| Some(((*column)?, counts))) {
        for (name, count) in column.names.iter().zip(counts).filter(|(_, count)| *count > 0) {
            *named.entry(name).or_default() += count;
        }
    }
    named.into_iter().map(|(name, count)| (name.to_owned(), count)).collect()
}

fn most<T: Ord + Clone>(counts: HashMap<T, usize>, settings: &Settings) -> Vec<(T, usize)> {
    let mut counts: Vec<(T, usize)> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts.truncate(settings.facet_values);
    counts
}
