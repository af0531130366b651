//! From what a reader types to what is looked up. There is no grammar: every text is a row of words, numbers and days.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{
    Settings, analysis, dates, synonyms,
    words::{self, Word},
};

/// One thing that the reader asks for: a page holds it when any of its forms is there.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Unit {
    pub forms: Vec<Form>,
    /// Words that together mean the same.
    pub together: Vec<Vec<String>>,
    /// Adds to the score where found, but does not count as found.
    pub extras: Vec<String>,
    /// The words whose pieces bring near pages.
    pub spelled: Vec<String>,
    /// Binds or asks, and says nothing about the subject.
    pub is_function: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Form {
    Word(String),
    Number(String),
    Day(i64),
}

pub(super) struct Asked {
    pub units: Vec<Unit>,
    /// Nothing was typed; anything else without a single word finds nothing.
    pub is_blank: bool,
}

/// Different words of pages that are remembered for one question.
const SEEN: usize = 20_000;

/// Words of a question that are read: more than are looked up, because words repeat.
const READ: usize = 512;

pub(super) fn read(text: &str, settings: &Settings) -> Asked {
    let cut = text.char_indices().nth(settings.max_question_chars).map_or(text, |(end, _)| &text[..end]);
    let mut found = words::words(cut);
    found.truncate(READ);
    let mut units = units(cut, &found, settings);
    units.truncate(settings.max_words.clamp(1, 32));
    if units.iter().all(|unit| unit.is_function) {
        units.iter_mut().for_each(|unit| unit.is_function = false);
    }
    Asked { units, is_blank: text.trim().is_empty() }
}

fn units(text: &str, found: &[Word], settings: &Settings) -> Vec<Unit> {
    let days = dates::find(text, found);
    let runs = words::compounds(text, found);
    let plain: Vec<&str> = found.iter().map(|word| word.text.as_str()).collect();
    let same = synonyms::find(&plain, &settings.synonyms);
    let mut units: Vec<Unit> = Vec::new();
    let mut at = 0;
    while at < found.len() {
        let day = days.iter().find(|date| date.words.start == at);
        let run = runs.iter().find(|run| run.start == at);
        let (unit, next) = match (day, run) {
            (Some(date), _) => (day_unit(date.day, &found[date.words.clone()]), date.words.end),
            (None, Some(run)) => (number_unit(&found[run.clone()]), run.end),
            (None, None) => (word_unit(at, &found[at].text, &same), at + 1),
        };
        if !units.contains(&unit) {
            units.push(unit);
        }
        at = next;
    }
    units
}

fn day_unit(day: i64, said: &[Word]) -> Unit {
    let extras = said.iter().map(|word| word.text.clone()).collect();
    Unit { forms: vec![Form::Day(day), Form::Number(words::joined(said))], extras, ..Unit::default() }
}

/// A number is found by its pieces in a row. Where it holds a name (DPMD, COVID), the pieces anywhere on a page will
/// do as well; bare digits would be found on every second page.
fn number_unit(pieces: &[Word]) -> Unit {
    let texts: Vec<String> = pieces.iter().map(|word| word.text.clone()).collect();
    let named = texts.iter().any(|text| text.len() >= 3 && text.bytes().all(|b| b.is_ascii_alphabetic()));
    Unit {
        forms: vec![Form::Number(words::joined(pieces))],
        together: if named { vec![texts.clone()] } else { Vec::new() },
        spelled: texts.clone(),
        extras: texts,
        is_function: false,
    }
}

fn word_unit(at: usize, word: &str, same: &[synonyms::Same]) -> Unit {
    let mut unit = Unit {
        forms: vec![Form::Word(word.to_owned())],
        spelled: vec![word.to_owned()],
        is_function: synonyms::is_function_word(word),
        ..Unit::default()
    };
    for other in same.iter().filter(|same| same.range.contains(&at)).flat_map(|same| &same.others) {
        match other.as_slice() {
            [single] => unit.forms.push(Form::Word(single.clone())),
            several => unit.together.push(several.to_vec()),
        }
    }
    unit
}

/// Which words of a text a question hits: for highlights in snippets and on page pictures.
pub struct Marks {
    words: Vec<String>,
    stems: Vec<String>,
    numbers: Vec<String>,
    days: Vec<i64>,
    /// Words that were looked at: the same ones stand on every page, and a stem costs more than looking them up.
    seen: Mutex<HashMap<String, bool>>,
}

impl Marks {
    pub fn of(question: &str, settings: &Settings) -> Marks {
        Marks::of_units(&read(question, settings).units)
    }

    pub(super) fn of_units(units: &[Unit]) -> Marks {
        let mut marks = Marks {
            words: Vec::new(),
            stems: Vec::new(),
            numbers: Vec::new(),
            days: Vec::new(),
            seen: Mutex::default(),
        };
        for unit in units.iter().filter(|unit| !unit.is_function) {
            for form in &unit.forms {
                match form {
                    Form::Word(word) => marks.words.push(word.clone()),
                    Form::Number(number) => marks.numbers.push(number.clone()),
                    Form::Day(day) => marks.days.push(*day),
                }
            }
            marks.words.extend(unit.together.iter().flatten().cloned());
        }
        marks.stems = marks.words.iter().map(|word| analysis::stem(word)).collect();
        marks
    }

    /// For each word of a page, in reading order, whether the question hits it.
    pub fn hits(&self, page: &[&str]) -> Vec<bool> {
        let mut ends = Vec::with_capacity(page.len());
        let mut text = String::new();
        for word in page {
            text.push_str(word);
            ends.push(text.len());
            text.push(' ');
        }
        let mut hit = vec![false; page.len()];
        for at in self.ranges(&text) {
            let first = ends.partition_point(|end| *end <= at.start);
            let last = ends.partition_point(|end| *end < at.end);
            (first..=last.min(page.len().saturating_sub(1))).for_each(|word| hit[word] = true);
        }
        hit
    }

    /// Byte ranges of everything that is hit, in order, without overlaps.
    pub(super) fn ranges(&self, text: &str) -> Vec<std::ops::Range<usize>> {
        if self.days.is_empty() && self.numbers.is_empty() {
            return self.single(text);
        }
        let found = words::words(text);
        let mut hit = self.hit(&found);
        if !self.days.is_empty() {
            for date in dates::find(text, &found).into_iter().filter(|date| self.days.contains(&date.day)) {
                date.words.for_each(|word| hit[word] = true);
            }
        }
        if !self.numbers.is_empty() {
            for run in words::compounds(text, &found) {
                self.mark_numbers(&found, run, &mut hit);
            }
        }
        let marked = found.into_iter().zip(hit).filter(|(_, hit)| *hit);
        marked.map(|(word, _)| word.at).collect()
    }

    /// The same where words alone are asked for, one after the other and without a copy of each.
    fn single(&self, text: &str) -> Vec<std::ops::Range<usize>> {
        let mut seen = self.seen();
        let (mut walk, mut word) = (words::Walk::new(text), String::new());
        let mut marked = Vec::new();
        while let Some(at) = walk.next_into(&mut word) {
            if self.is_hit(&mut seen, &word) {
                marked.push(at);
            }
        }
        marked
    }

    fn mark_numbers(&self, found: &[Word], run: std::ops::Range<usize>, hit: &mut [bool]) {
        for number in &self.numbers {
            let length = number.split('/').count();
            for from in run.clone() {
                let part = from..from + length;
                if part.end <= run.end && words::joined(&found[part.clone()]) == *number {
                    part.for_each(|word| hit[word] = true);
                }
            }
        }
    }

    fn hit(&self, found: &[Word]) -> Vec<bool> {
        let mut seen = self.seen();
        found.iter().map(|word| self.is_hit(&mut seen, &word.text)).collect()
    }

    fn seen(&self) -> MutexGuard<'_, HashMap<String, bool>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_hit(&self, seen: &mut HashMap<String, bool>, word: &str) -> bool {
        if let Some(known) = seen.get(word) {
            return *known;
        }
        let holds = self.holds(word);
        if seen.len() < SEEN {
            seen.insert(word.to_owned(), holds);
        }
        holds
    }

    fn holds(&self, word: &str) -> bool {
        if self.words.is_empty() {
            return false;
        }
        self.words.iter().any(|wanted| wanted == word) || self.stems.contains(&analysis::stem(word))
    }
}

/// Whether a question hits a single word: raw, by its stem, as a synonym, or as a part of a number.
pub fn words_hit(question: &str, word: &str) -> bool {
    Marks::of(question, &Settings::default()).hits(&[word]).contains(&true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forms(text: &str) -> Vec<Form> {
        read(text, &Settings::default()).units.into_iter().map(|unit| unit.forms[0].clone()).collect()
    }

    #[test]
    fn numbers_and_days_are_read_as_one_thing() {
        assert_eq!(
            forms("undangan (DPMD/2025) 15 Desember 2021"),
            [Form::Word("undangan".into()), Form::Number("dpmd/2025".into()), Form::Day(18976)]
        );
        assert_eq!(forms("1595"), [Form::Word("1595".into())]);
    }

    #[test]
    fn a_question_is_bounded_however_long_it_is() {
        let long: String = (0..100_000).map(|n| format!("kata{n} ")).collect();
        assert_eq!(read(&long, &Settings::default()).units.len(), Settings::default().max_words);
    }

    #[test]
    fn words_of_a_picture_are_hit_raw_stemmed_and_in_numbers_and_days() {
        assert!(words_hit("pembangunan", "Membangun,"));
        assert!(words_hit("ijin", "IZIN"));
        assert!(words_hit("DPMD/2025", "200.2.10.2/1595/DPMD/2025"));
        assert!(!words_hit("undangan", "rapat"));
        let hits = Marks::of("15-12-2021", &Settings::default()).hits(&["Bekasi,", "15", "Desember", "2021", "15"]);
        assert_eq!(hits, [false, true, true, true, false]);
    }
}
