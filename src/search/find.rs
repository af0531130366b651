//! From a question to its answer: words, filter, matches, pieces, near ones, documents, facets, snippets.

use std::{
    cmp::Ordering,
    collections::{HashMap, HashSet},
};

use tantivy::{Term, schema::Value};
use uuid::Uuid;

use super::{
    Settings,
    bits::Bits,
    facets,
    question::{self, Marks, Unit},
    rank::Ranking,
    schema::{DETAILS, FIELDS, WINDOW},
    scope::{Scope, ScopeSet},
    snapshot::Snapshot,
    snippet, spelling,
    types::{Answer, Hit, Question, Snippet, Sort},
};
use crate::error::{Error, Result};

/// A document that was found: its best entry and what its pages add up to.
pub(super) struct Found {
    key: u64,
    pub segment: usize,
    /// The best page, or the details where no page is found.
    pub entry: u32,
    pub is_window: bool,
    is_page: bool,
    pages: usize,
    best: f32,
    details: f32,
    near: bool,
}

impl Found {
    /// A title that is found counts besides the page.
    fn score(&self) -> f32 {
        self.best + self.details
    }
}

pub(super) fn search(
    snapshot: &Snapshot,
    settings: &Settings,
    asked: &Question,
    scope: &Scope,
    exclude: &HashSet<Uuid>,
) -> Result<Answer> {
    let read = question::read(&asked.text, settings);
    if read.units.is_empty() && !read.is_blank {
        return Ok(Answer::default());
    }
    let kept = snapshot.within(scope)?;
    let reduced = if exclude.is_empty() { None } else { Some(kept.without(snapshot, exclude)?) };
    let set = reduced.as_ref().unwrap_or(&kept);
    let filter = filter(snapshot, set, asked)?;
    if read.units.is_empty() {
        let found = collapse(snapshot, &everything(snapshot, set, filter.as_deref()), |_, _| 0.0, false);
        return present(snapshot, settings, asked, Sort::Newest, &[], found, None);
    }
    ranked(snapshot, settings, asked, &read.units, set, filter.as_deref())
}

fn ranked(
    snapshot: &Snapshot,
    settings: &Settings,
    asked: &Question,
    units: &[Unit],
    set: &ScopeSet,
    filter: Option<&[Bits]>,
) -> Result<Answer> {
    let mut ranking = Ranking::of_words(snapshot, set, units, settings)?;
    let matches = ranking.matches(filter);
    let wants_near = !has_more_documents(snapshot, &matches, asked.offset.saturating_add(asked.limit));
    if asked.sort == Sort::Relevance {
        ranking.refine(&matches)?;
    }
    let alike = if wants_near { Some(ranking.refine_others(&matches)?) } else { None };
    let found = collapse(snapshot, &matches, |segment, entry| ranking.score(segment, entry), false);
    let near = alike.map(|alike| near(snapshot, settings, &ranking, ranking.near(filter, &matches, &alike), &found));
    let meant = spelling::did_you_mean(snapshot, settings, set, &asked.text, |word| {
        units.iter().position(|unit| unit.spelled == [word]).is_some_and(|unit| ranking.is_unknown(unit))
    })?;
    let mut answer = present(snapshot, settings, asked, asked.sort, units, found, near)?;
    answer.did_you_mean = meant;
    Ok(answer)
}

/// Documents that are near, without those that match by another page.
fn near(
    snapshot: &Snapshot,
    settings: &Settings,
    ranking: &Ranking<'_>,
    entries: Vec<Bits>,
    found: &[Found],
) -> Vec<Found> {
    let known: HashSet<u64> = found.iter().map(|found| found.key).collect();
    let mut near = collapse(snapshot, &entries, |segment, entry| ranking.score(segment, entry), true);
    near.retain(|near| !known.contains(&near.key));
    if !found.is_empty() {
        let most = settings.near_after_matches.min(near.len());
        order(snapshot, &mut near, Sort::Relevance, most);
        near.truncate(most);
    }
    near
}

/// Whether these entries are of more than so many documents.
fn has_more_documents(snapshot: &Snapshot, entries: &[Bits], than: usize) -> bool {
    let mut keys = HashSet::new();
    for (segment, entries) in snapshot.segments.iter().zip(entries) {
        let mut last = None;
        for entry in entries.iter() {
            let start = segment.columns.starts.last_to(entry);
            if std::mem::replace(&mut last, start) != start {
                keys.insert(segment.columns.keys.get_val(entry));
            }
            if keys.len() > than {
                return true;
            }
        }
    }
    false
}

/// Everything within the scope that the filter lets by, one entry for each document.
fn everything(snapshot: &Snapshot, set: &ScopeSet, filter: Option<&[Bits]>) -> Vec<Bits> {
    let mut all = Vec::new();
    for (at, segment) in snapshot.segments.iter().enumerate() {
        let mut bits = segment.none();
        let allowed = |entry: u32| filter.is_none_or(|filter| filter[at].contains(entry));
        for entry in set.entries[at].iter().filter(|entry| allowed(*entry)) {
            if matches!(segment.columns.pages.get_val(entry), DETAILS | WINDOW) {
                bits.insert(entry);
            }
        }
        all.push(bits);
    }
    all
}

/// One item for each document. Entries of a document stand side by side, so that most of them need no look-up.
fn collapse(snapshot: &Snapshot, entries: &[Bits], score: impl Fn(usize, u32) -> f32, near: bool) -> Vec<Found> {
    let mut all: Vec<Found> = Vec::new();
    let mut place: HashMap<u64, usize> = HashMap::new();
    for (at, segment) in snapshot.segments.iter().enumerate() {
        let mut last = None;
        for entry in entries[at].iter() {
            let start = segment.columns.starts.last_to(entry);
            let (key, slot) = match last {
                Some((known, same)) if known == start => same,
                _ => {
                    let key = segment.columns.keys.get_val(entry);
                    (key, *place.entry(key).or_insert(all.len()))
                }
            };
            last = Some((start, (key, slot)));
            if slot == all.len() {
                all.push(Found {
                    key,
                    segment: at,
                    entry,
                    is_window: false,
                    is_page: false,
                    pages: 0,
                    best: 0.0,
                    details: 0.0,
                    near,
                });
            }
            all[slot].meet(at, entry, segment.columns.pages.get_val(entry), score(at, entry));
        }
    }
    all
}

impl Found {
    fn meet(&mut self, segment: usize, entry: u32, page: u64, score: f32) {
        if page == DETAILS || page == WINDOW {
            self.details = score;
            self.is_window = page == WINDOW;
            if !self.is_page {
                (self.segment, self.entry) = (segment, entry);
            }
            return;
        }
        self.pages += 1;
        if !self.is_page || score > self.best {
            (self.segment, self.entry, self.best, self.is_page) = (segment, entry, score, true);
        }
    }
}

/// Puts the first `most` in order; what comes after them stays as it is.
fn order(snapshot: &Snapshot, found: &mut [Found], sort: Sort, most: usize) {
    let newest = |found: &Found| {
        let columns = &snapshot.segments[found.segment].columns;
        (columns.days.get_val(found.entry), columns.received.get_val(found.entry), found.key)
    };
    let compare = |a: &Found, b: &Found| -> Ordering {
        let by_date = || newest(b).cmp(&newest(a));
        match sort {
            Sort::Newest => by_date(),
            Sort::Relevance => b.score().total_cmp(&a.score()).then_with(by_date),
        }
    };
    if most == 0 {
        return;
    }
    if most < found.len() {
        found.select_nth_unstable_by(most, compare);
    }
    let first = most.min(found.len());
    found[..first].sort_unstable_by(compare);
}

fn present(
    snapshot: &Snapshot,
    settings: &Settings,
    asked: &Question,
    sort: Sort,
    units: &[Unit],
    mut found: Vec<Found>,
    near: Option<Vec<Found>>,
) -> Result<Answer> {
    let mut near = near.unwrap_or_default();
    let end = asked.offset.saturating_add(asked.limit);
    let matched = found.len();
    order(snapshot, &mut found, sort, end);
    order(snapshot, &mut near, sort, end.saturating_sub(matched));
    let counted = if matched > 0 { &found } else { &near };
    let facets = facets::count(snapshot, settings, counted);
    let total = counted.len();
    let top = found.iter().chain(&near).map(Found::score).fold(0.0, f32::max);
    let marks = Marks::of_units(units);
    let all = matched + near.len();
    let mut items = Vec::new();
    for found in found.iter().chain(&near).skip(asked.offset).take(asked.limit) {
        items.push(hit(snapshot, settings, found, top, &marks)?);
    }
    Ok(Answer { total, items, more: end < all, facets, did_you_mean: None })
}

fn hit(snapshot: &Snapshot, settings: &Settings, found: &Found, top: f32, marks: &Marks) -> Result<Hit> {
    let segment = &snapshot.segments[found.segment];
    let stored = segment.stored(found.entry)?;
    let id = |field| {
        let bytes = stored.get_first(field).and_then(|value| value.as_bytes()).unwrap_or_default();
        Uuid::from_slice(bytes).map_err(Error::internal)
    };
    let snippet = if found.is_window {
        Snippet::default()
    } else {
        let body = stored.get_first(FIELDS.body).and_then(|value| value.as_str()).unwrap_or_default();
        snippet::draw(body, marks, settings)
    };
    let page = segment.columns.pages.get_val(found.entry);
    Ok(Hit {
        document: id(FIELDS.document)?,
        version: id(FIELDS.version)?,
        page: found.is_page.then_some(page as u32),
        score: if top > 0.0 { found.score() / top } else { 1.0 },
        near: found.near,
        restricted: found.is_window,
        snippet,
        more_pages: found.pages.saturating_sub(1),
    })
}

/// What the filters of a question let by; `None` where there are none.
fn filter(snapshot: &Snapshot, set: &ScopeSet, asked: &Question) -> Result<Option<Vec<Bits>>> {
    let mut terms = Vec::new();
    terms.extend(asked.office.map(|office| Term::from_field_u64(FIELDS.office, office)));
    terms.extend(asked.kind.as_ref().map(|kind| Term::from_field_text(FIELDS.kind, kind)));
    let class = asked.class.map(|class| Term::from_field_u64(FIELDS.class, u64::from(class)));
    let code = asked.classification.as_ref().map(|code| code.trim_end_matches('.'));
    terms.extend(code.map(|code| Term::from_field_text(FIELDS.beginnings, code)));
    let by_day = asked.from.is_some() || asked.to.is_some();
    if terms.is_empty() && class.is_none() && !by_day {
        return Ok(None);
    }
    let mut allowed = set.entries.clone();
    for (segment, bits) in snapshot.segments.iter().zip(&mut allowed) {
        for term in terms.iter().chain(&class) {
            bits.keep(&segment.holding(term)?);
        }
        if class.is_some() {
            // A window must not tell its document's class.
            bits.drop_all(&segment.holding(&Term::from_field_u64(FIELDS.window, 1))?);
        }
        if by_day {
            let (from, to) = (asked.from.unwrap_or(i64::MIN + 1), asked.to.unwrap_or(i64::MAX));
            for entry in bits.clone().iter() {
                if !(from..=to).contains(&segment.columns.days.get_val(entry)) {
                    bits.remove(entry);
                }
            }
        }
    }
    Ok(Some(allowed))
}
