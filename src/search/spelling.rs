//! "Did you mean": words one letter away, offered only where they occur within the reader's scope.

use std::collections::HashSet;

use tantivy::Term;

use super::{
    Settings,
    schema::FIELDS,
    scope::ScopeSet,
    snapshot::{Segment, Snapshot, each},
    words,
};
use crate::error::Result;

const LETTERS: std::ops::RangeInclusive<char> = 'a'..='z';
/// Shorter words have too many neighbours, longer ones are no words.
const LENGTH: std::ops::RangeInclusive<usize> = 4..=24;
/// Words of one question that are tried.
const TRIED: usize = 3;

/// The question with its unknown words replaced by the most frequent neighbour of each, or nothing.
pub(super) fn did_you_mean(
    snapshot: &Snapshot,
    settings: &Settings,
    set: &ScopeSet,
    text: &str,
    is_unknown: impl Fn(&str) -> bool,
) -> Result<Option<String>> {
    let cut = text.char_indices().nth(settings.max_question_chars).map_or(text, |(end, _)| &text[..end]);
    let mut meant = String::new();
    let mut copied = 0;
    let mut tried = 0;
    for word in words::words(cut) {
        let spelled = LENGTH.contains(&word.text.len()) && word.text.chars().all(|c| LETTERS.contains(&c));
        if !spelled || tried == TRIED || !is_unknown(&word.text) {
            continue;
        }
        tried += 1;
        if let Some(better) = best_neighbour(snapshot, settings, set, &word.text)? {
            meant.push_str(&cut[copied..word.at.start]);
            meant.push_str(&better);
            copied = word.at.end;
        }
    }
    if copied == 0 {
        return Ok(None);
    }
    meant.push_str(&cut[copied..]);
    Ok(Some(meant))
}

fn best_neighbour(snapshot: &Snapshot, settings: &Settings, set: &ScopeSet, word: &str) -> Result<Option<String>> {
    let mut best: Option<(usize, String)> = None;
    let mut left = settings.suggestion_postings;
    for neighbour in neighbours(word) {
        let count = count_within(snapshot, set, &neighbour, &mut left)?;
        if count > 0 && best.as_ref().is_none_or(|(most, _)| count > *most) {
            best = Some((count, neighbour));
        }
    }
    Ok(best.map(|(_, word)| word))
}

/// Pages within the scope that hold the word; zero once the bound is used up.
pub(super) fn count_within(snapshot: &Snapshot, set: &ScopeSet, word: &str, left: &mut usize) -> Result<usize> {
    let term = Term::from_field_text(FIELDS.raw, word);
    let mut count = 0;
    for (segment, bits) in snapshot.segments.iter().zip(&set.entries) {
        count += count_in(segment, &term, left, |entry| bits.contains(entry))?;
    }
    Ok(count)
}

fn count_in(segment: &Segment, term: &Term, left: &mut usize, wanted: impl Fn(u32) -> bool) -> Result<usize> {
    let index = segment.index(term.field())?;
    let held = index.doc_freq(term)? as usize;
    if held == 0 || held > *left {
        return Ok(0);
    }
    *left -= held;
    let mut count = 0;
    each(&index, term, |entry, _| count += usize::from(wanted(entry)))?;
    Ok(count)
}

/// Everything one letter away: left out, turned with its neighbour, put in, or another one.
fn neighbours(word: &str) -> HashSet<String> {
    let letters: Vec<char> = word.chars().collect();
    let mut all = HashSet::new();
    for at in 0..=letters.len() {
        let (head, tail) = letters.split_at(at);
        let spell = |middle: &[char], tail: &[char]| head.iter().chain(middle).chain(tail).collect::<String>();
        if let [_, rest @ ..] = tail {
            all.insert(spell(&[], rest));
            all.extend(LETTERS.map(|letter| spell(&[letter], rest)));
        }
        if let [first, second, rest @ ..] = tail {
            all.insert(spell(&[*second, *first], rest));
        }
        all.extend(LETTERS.map(|letter| spell(&[letter], tail)));
    }
    all.remove(word);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_neighbour_is_one_letter_away() {
        let near = neighbours("undngan");
        for word in ["undangan", "udngan", "undnagn", "undnga", "andngan"] {
            assert!(near.contains(word), "{word}");
        }
        for word in ["undngan", "udnagn", "undangn"] {
            assert!(!near.contains(word), "{word}");
        }
    }
}
