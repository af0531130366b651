//! What a reader may have begun to type: words, titles and letter numbers. Candidates come from the dictionary; only
//! those are offered, and only as often counted, as they occur within the scope.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};

use tantivy::{
    Term,
    schema::{Field, Value},
};

use super::{
    Settings,
    bits::Bits,
    schema::FIELDS,
    scope::ScopeSet,
    snapshot::{Segment, Snapshot, each},
    snippet,
    types::{Suggestion, SuggestionKind},
    words,
};
use crate::error::Result;

/// Titles and numbers offered at most, each.
const ENTRIES: usize = 4;
/// A single letter begins too much to suggest anything.
const SHORTEST: usize = 2;

pub(super) fn suggest(snapshot: &Snapshot, settings: &Settings, set: &ScopeSet, text: &str) -> Result<Vec<Suggestion>> {
    let cut = text.char_indices().nth(settings.max_question_chars).map_or(text, |(end, _)| &text[..end]);
    let mut typed: Vec<String> = words::words(cut).into_iter().map(|word| word.text).collect();
    typed.truncate(settings.max_words);
    let Some(last) = typed.last().filter(|last| last.chars().count() >= SHORTEST) else {
        return Ok(Vec::new());
    };
    let mut budget = Budget { words: settings.suggestion_words, postings: settings.suggestion_postings };
    let mut all = entries(snapshot, set, &typed, FIELDS.own_number, SuggestionKind::Number, &mut budget)?;
    if last.chars().all(char::is_alphabetic) {
        all.extend(completed(snapshot, set, last, &mut budget)?.into_iter().take(settings.suggestions));
    }
    all.extend(entries(snapshot, set, &typed, FIELDS.title, SuggestionKind::Title, &mut budget)?);
    all.truncate(settings.suggestions);
    Ok(all)
}

/// What one suggestion may still look at.
struct Budget {
    words: usize,
    postings: usize,
}

/// Words that begin like the last one, most documents first.
fn completed(snapshot: &Snapshot, set: &ScopeSet, last: &str, budget: &mut Budget) -> Result<Vec<Suggestion>> {
    let mut documents: BTreeMap<String, HashSet<u64>> = BTreeMap::new();
    for (at, segment) in snapshot.segments.iter().enumerate() {
        for (word, term) in beginning(segment, FIELDS.raw, last, budget)? {
            // A run of digits in a page may be a person's number; words only.
            if !word.chars().all(char::is_alphabetic) {
                continue;
            }
            let mut keys = Vec::new();
            each(&*segment.index(FIELDS.raw)?, &term, |entry, _| {
                if set.entries[at].contains(entry) {
                    keys.push(segment.columns.keys.get_val(entry));
                }
            })?;
            if !keys.is_empty() {
                documents.entry(word).or_default().extend(keys);
            }
        }
    }
    let mut words: Vec<Suggestion> = documents
        .into_iter()
        .map(|(text, keys)| Suggestion { text, kind: SuggestionKind::Word, count: keys.len() })
        .collect();
    words.sort_by_key(|word| Reverse(word.count));
    Ok(words)
}

/// Documents whose title, or whose own number, holds the typed words, the last of them begun.
fn entries(
    snapshot: &Snapshot,
    set: &ScopeSet,
    typed: &[String],
    field: Field,
    kind: SuggestionKind,
    budget: &mut Budget,
) -> Result<Vec<Suggestion>> {
    let mut counts: BTreeMap<String, HashSet<u64>> = BTreeMap::new();
    for (at, segment) in snapshot.segments.iter().enumerate() {
        let mut fitting = begun(segment, field, typed, budget)?;
        fitting.keep(&set.entries[at]);
        for entry in fitting.iter().take(ENTRIES * 16) {
            let text = shown(segment, entry, typed, kind)?;
            counts.entry(text).or_default().insert(segment.columns.keys.get_val(entry));
        }
    }
    let mut found: Vec<Suggestion> =
        counts.into_iter().map(|(text, keys)| Suggestion { text, kind, count: keys.len() }).collect();
    found.sort_by_key(|one| Reverse(one.count));
    found.truncate(ENTRIES);
    Ok(found)
}

fn begun(segment: &Segment, field: Field, typed: &[String], budget: &mut Budget) -> Result<Bits> {
    let mut fitting = segment.none();
    let Some((last, whole)) = typed.split_last() else {
        return Ok(fitting);
    };
    for (_, term) in beginning(segment, field, last, budget)? {
        fitting.add(&segment.holding(&term)?);
    }
    for word in whole {
        if fitting.is_empty() {
            break;
        }
        fitting.keep(&segment.holding(&Term::from_field_text(field, word))?);
    }
    Ok(fitting)
}

/// The title, or the part of the details that holds the number, as it was written.
fn shown(segment: &Segment, entry: u32, typed: &[String], kind: SuggestionKind) -> Result<String> {
    let stored = segment.stored(entry)?;
    let body = stored.get_first(FIELDS.body).and_then(|value| value.as_str()).unwrap_or_default();
    let mut lines = body.lines();
    let title = lines.next().unwrap_or_default();
    let line = match kind {
        SuggestionKind::Number => lines.next().filter(|line| holds(line, typed)).unwrap_or(title),
        SuggestionKind::Word | SuggestionKind::Title => title,
    };
    Ok(snippet::masked(line))
}

fn holds(line: &str, typed: &[String]) -> bool {
    let words = words::words(line);
    typed.iter().all(|typed| words.iter().any(|word| word.text.starts_with(typed.as_str())))
}

/// Dictionary words of a segment that begin so, within the budget.
fn beginning(segment: &Segment, field: Field, start: &str, budget: &mut Budget) -> Result<Vec<(String, Term)>> {
    let index = segment.index(field)?;
    let mut stream = index.terms().range().ge(start.as_bytes()).into_stream()?;
    let mut found = Vec::new();
    while budget.words > 0 && stream.advance() && stream.key().starts_with(start.as_bytes()) {
        let held = stream.value().doc_freq as usize;
        budget.words -= 1;
        if held > budget.postings {
            continue;
        }
        budget.postings -= held;
        if let Ok(word) = std::str::from_utf8(stream.key()) {
            found.push((word.to_owned(), Term::from_field_text(field, word)));
        }
    }
    Ok(found)
}
