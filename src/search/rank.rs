//! Scores by BM25 over three fields, word by word, within the scope. Nothing outside of the scope is counted: how rare
//! a word is, and how long pages are, is measured on what the reader may find.

use tantivy::Term;

use super::{
    Settings, analysis,
    bits::Bits,
    question::{Form, Unit},
    schema::FIELDS,
    scope::ScopeSet,
    snapshot::{self, Segment, Snapshot, each},
    words,
};
use crate::error::Result;

const RAW: f32 = 0.3;
const STEM: f32 = 1.0;
const PIECES: f32 = 0.2;
/// A number or a day is as telling as a word in both its forms.
const EXACT: f32 = 1.3;

const K1: f32 = 1.2;
const B: f32 = 0.75;

/// Letters of a word whose pieces bring near pages.
const LEAST_PIECED: usize = 4;

/// Which length a field's occurrences are weighed by.
#[derive(Clone, Copy)]
enum Norm {
    Field(usize),
    None,
}

struct Clause {
    term: Term,
    norm: Norm,
    weight: f32,
}

pub(super) struct Ranking<'a> {
    snapshot: &'a Snapshot,
    set: &'a ScopeSet,
    units: &'a [Unit],
    settings: &'a Settings,
    /// By segment and entry.
    scores: Vec<Vec<f32>>,
    /// Which units an entry holds.
    held: Vec<Vec<u32>>,
    /// How telling each unit is; `None` where nothing within the scope holds it.
    rarity: Vec<Option<f32>>,
    weighs: [[f32; 256]; 3],
    /// What an occurrence that is alone on its page counts, by field and length: most are.
    alone: [[f32; 256]; 3],
    /// Where a term was found, by segment; kept from term to term so that its room is asked for once.
    found: Vec<Vec<(u32, f32)>>,
}

impl<'a> Ranking<'a> {
    /// Scores every entry that holds a word of the question. Words that only bind are on most pages and change little:
    /// they are counted here and looked up with the pieces.
    pub(super) fn of_words(
        snapshot: &'a Snapshot,
        set: &'a ScopeSet,
        units: &'a [Unit],
        settings: &'a Settings,
    ) -> Result<Ranking<'a>> {
        let sizes = || snapshot.segments.iter().map(|segment| segment.reader.max_doc() as usize);
        let mut ranking = Ranking {
            snapshot,
            set,
            units,
            settings,
            scores: sizes().map(|size| vec![0.0; size]).collect(),
            held: sizes().map(|size| vec![0; size]).collect(),
            rarity: vec![None; units.len()],
            weighs: set.means.map(weigh_lengths),
            alone: set.means.map(weigh_lengths).map(|lengths| lengths.map(|length| bm25(1.0, length))),
            found: vec![Vec::new(); snapshot.segments.len()],
        };
        for (at, unit) in units.iter().enumerate() {
            if is_binding(unit) {
                ranking.count_unit(at, unit)?;
            } else {
                ranking.add_unit(at, unit)?;
            }
        }
        Ok(ranking)
    }

    pub(super) fn score(&self, segment: usize, entry: u32) -> f32 {
        self.scores[segment][entry as usize]
    }

    /// Whether nothing within the scope holds the unit.
    pub(super) fn is_unknown(&self, unit: usize) -> bool {
        self.rarity[unit].is_none()
    }

    fn add_unit(&mut self, at: usize, unit: &Unit) -> Result<()> {
        let bit = 1 << at;
        let mut most = 0;
        for clause in unit.forms.iter().flat_map(clauses) {
            most = most.max(self.add_clause(&clause, bit)?);
        }
        for together in &unit.together {
            most = most.max(self.add_together(together, bit)?);
        }
        for extra in &unit.extras {
            for clause in clauses(&Form::Word(extra.clone())) {
                self.add_clause(&clause, 0)?;
            }
        }
        self.rarity[at] = (most > 0).then(|| self.idf(most));
        Ok(())
    }

    fn count_unit(&mut self, at: usize, unit: &Unit) -> Result<()> {
        let mut most = 0;
        for clause in unit.forms.iter().flat_map(clauses) {
            most = most.max(self.set.count(self.snapshot, &clause.term)?);
        }
        self.rarity[at] = (most > 0).then(|| self.idf(most));
        Ok(())
    }

    /// Adds a term's score where it is found and marks the entries; tells how many there are.
    fn add_clause(&mut self, clause: &Clause, bit: u32) -> Result<usize> {
        if let Some(known) = self.set.known(&clause.term) {
            self.add_counted(clause, bit, known)?;
            return Ok(known);
        }
        let mut found = std::mem::take(&mut self.found);
        for (at, (segment, here)) in self.snapshot.segments.iter().zip(&mut found).enumerate() {
            let bits = &self.set.entries[at];
            here.clear();
            each(&*segment.index(clause.term.field())?, &clause.term, |entry, freq| {
                if bits.contains(entry) {
                    here.push((entry, self.occurrences(segment, clause.norm, entry, freq)));
                }
            })?;
        }
        let count = found.iter().map(Vec::len).sum();
        self.set.remember(&clause.term, count);
        let weight = clause.weight * self.idf(count);
        for (at, here) in found.iter().enumerate() {
            for (entry, occurrences) in here {
                self.scores[at][*entry as usize] += weight * occurrences;
                self.held[at][*entry as usize] |= bit;
            }
        }
        self.found = found;
        Ok(count)
    }

    /// The same in one go, where it is known how many entries there are.
    fn add_counted(&mut self, clause: &Clause, bit: u32, count: usize) -> Result<()> {
        let weight = clause.weight * self.idf(count);
        for (at, segment) in self.snapshot.segments.iter().enumerate() {
            let bits = &self.set.entries[at];
            let (mut scores, mut held) = (std::mem::take(&mut self.scores[at]), std::mem::take(&mut self.held[at]));
            each(&*segment.index(clause.term.field())?, &clause.term, |entry, freq| {
                if bits.contains(entry) {
                    scores[entry as usize] += weight * self.occurrences(segment, clause.norm, entry, freq);
                    held[entry as usize] |= bit;
                }
            })?;
            (self.scores[at], self.held[at]) = (scores, held);
        }
        Ok(())
    }

    /// Entries that hold all of these words count as holding the unit.
    fn add_together(&mut self, together: &[String], bit: u32) -> Result<usize> {
        let mut count = 0;
        let mut found = Vec::new();
        for (at, segment) in self.snapshot.segments.iter().enumerate() {
            let mut all = self.set.entries[at].clone();
            for word in together {
                all.keep(&segment.holding(&Term::from_field_text(FIELDS.stem, &analysis::stem(word)))?);
            }
            count += all.count();
            found.push(all);
        }
        let weight = STEM * self.idf(count);
        for (at, all) in found.iter().enumerate() {
            for entry in all.iter() {
                self.scores[at][entry as usize] += weight;
                self.held[at][entry as usize] |= bit;
            }
        }
        Ok(count)
    }

    /// The entries that hold enough of what is asked. An entry counts on the words of its document's details, which
    /// come before its pages.
    pub(super) fn matches(&self, filter: Option<&[Bits]>) -> Vec<Bits> {
        let telling = |unit: usize| if self.units[unit].is_function { None } else { self.rarity[unit] };
        let weights: Vec<f32> = (0..self.units.len()).map(|unit| telling(unit).unwrap_or(0.0)).collect();
        let all: f32 = weights.iter().sum();
        let content =
            (0..self.units.len()).filter(|unit| telling(*unit).is_some()).fold(0u32, |mask, unit| mask | 1 << unit);
        // Rounding must not cost a page that holds everything.
        let needed = all * self.settings.match_share * 0.9999;
        // What the eight units of each byte weigh together, so that an entry costs four additions.
        let bytes: [[f32; 256]; 4] = std::array::from_fn(|byte| {
            std::array::from_fn(|held| {
                let of_byte = weights.iter().skip(byte * 8).take(8).enumerate();
                of_byte.filter(|(unit, _)| held >> unit & 1 == 1).map(|(_, weight)| weight).sum()
            })
        });
        let weighed = |held: u32| bytes.iter().zip(held.to_le_bytes()).map(|(of, held)| of[held as usize]).sum::<f32>();
        let enough = |held: u32| held & content != 0 && weighed(held) >= needed;
        let segments = self.snapshot.segments.iter().enumerate();
        segments.map(|(at, segment)| self.matches_in(segment, at, filter.map(|filter| &filter[at]), &enough)).collect()
    }

    fn matches_in(&self, segment: &Segment, at: usize, filter: Option<&Bits>, enough: &impl Fn(u32) -> bool) -> Bits {
        let mut matches = segment.none();
        let mut details = 0;
        let mut last = (0, false);
        let mut start = None;
        for (entry, held) in self.held[at].iter().enumerate().filter(|(_, held)| **held != 0) {
            let entry = entry as u32;
            let starts = segment.columns.starts.last_to(entry);
            if std::mem::replace(&mut start, starts) != starts {
                details = 0;
            }
            if filter.is_some_and(|filter| !filter.contains(entry)) {
                continue;
            }
            if segment.columns.details.contains(entry) {
                details = *held;
            }
            let all = held | details;
            if last.0 != all {
                last = (all, enough(all));
            }
            if last.1 {
                matches.insert(entry);
            }
        }
        matches
    }

    /// Adds what the binding words and the pieces of words count on the best of these entries.
    pub(super) fn refine(&mut self, entries: &[Bits]) -> Result<()> {
        let best = self.best(entries);
        let pieces = self.pieced().into_iter().flat_map(|word| words::pieces(&word));
        for clause in self.binding().into_iter().chain(pieces.map(|piece| of_piece(&piece))) {
            let weight = clause.weight * self.idf(self.set.count(self.snapshot, &clause.term)?);
            for (at, segment) in self.snapshot.segments.iter().enumerate().filter(|(at, _)| !best[*at].is_empty()) {
                let mut scores = std::mem::take(&mut self.scores[at]);
                snapshot::on(&*segment.index(clause.term.field())?, &clause.term, &best[at], |entry, freq| {
                    scores[entry as usize] += weight * self.occurrences(segment, clause.norm, entry, freq);
                })?;
                self.scores[at] = scores;
            }
        }
        Ok(())
    }

    /// The best entries by their words, in order within each segment.
    fn best(&self, entries: &[Bits]) -> Vec<Vec<u32>> {
        let mut all: Vec<(f32, usize, u32)> = Vec::new();
        for (at, entries) in entries.iter().enumerate() {
            all.extend(entries.iter().map(|entry| (self.score(at, entry), at, entry)));
        }
        let most = self.settings.best_entries;
        if all.len() > most {
            all.select_nth_unstable_by(most, |a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
            all.truncate(most);
        }
        let mut best = vec![Vec::new(); entries.len()];
        all.into_iter().for_each(|(_, at, entry)| best[at].push(entry));
        best.iter_mut().for_each(|entries| entries.sort_unstable());
        best
    }

    /// The same for every entry of the scope that is no match, and which of them hold most pieces of a word: what lies near is
    /// among them. A piece is on many pages, and reading where costs more than anything else here, so that it is done once
    /// for both. Matches keep their scores: those of the last page are the same ones as on the pages before it.
    pub(super) fn refine_others(&mut self, matches: &[Bits]) -> Result<Vec<Bits>> {
        for clause in self.binding() {
            self.add_beside(&clause, matches, |_, _| ())?;
        }
        let mut alike: Vec<Bits> = self.snapshot.segments.iter().map(|segment| segment.none()).collect();
        // Pieces of a short word are those of many others, and on most pages.
        for word in self.pieced().into_iter().filter(|word| word.chars().count() >= LEAST_PIECED) {
            let pieces = words::pieces(&word);
            let mut held: Vec<Vec<u8>> = self.scores.iter().map(|scores| vec![0; scores.len()]).collect();
            for piece in &pieces {
                self.add_beside(&of_piece(piece), matches, |at, entry| held[at][entry as usize] += 1)?;
            }
            let needed = (pieces.len() as f32 * self.settings.near_share).ceil() as u8;
            for (alike, held) in alike.iter_mut().zip(&held) {
                for (entry, _) in held.iter().enumerate().filter(|(_, count)| **count >= needed) {
                    alike.insert(entry as u32);
                }
            }
        }
        Ok(alike)
    }

    /// Adds a term's score where it is found, but to no match; `holds` hears of every entry of the scope that holds it.
    fn add_beside(&mut self, clause: &Clause, matches: &[Bits], mut holds: impl FnMut(usize, u32)) -> Result<()> {
        let weight = clause.weight * self.idf(self.set.count(self.snapshot, &clause.term)?);
        for (at, segment) in self.snapshot.segments.iter().enumerate() {
            let (scope, matches) = (&self.set.entries[at], &matches[at]);
            let mut scores = std::mem::take(&mut self.scores[at]);
            each(&*segment.index(clause.term.field())?, &clause.term, |entry, freq| {
                if !scope.contains(entry) {
                    return;
                }
                holds(at, entry);
                if !matches.contains(entry) {
                    scores[entry as usize] += weight * self.occurrences(segment, clause.norm, entry, freq);
                }
            })?;
            self.scores[at] = scores;
        }
        Ok(())
    }

    fn binding(&self) -> Vec<Clause> {
        self.units.iter().filter(|unit| is_binding(unit)).flat_map(|unit| &unit.forms).flat_map(clauses).collect()
    }

    /// Entries that hold some word, or are spelled alike, without being a match.
    pub(super) fn near(&self, filter: Option<&[Bits]>, matches: &[Bits], alike: &[Bits]) -> Vec<Bits> {
        let content = self
            .units
            .iter()
            .enumerate()
            .filter(|(_, unit)| !unit.is_function)
            .fold(0u32, |mask, (at, _)| mask | 1 << at);
        let mut near = Vec::new();
        for (at, segment) in self.snapshot.segments.iter().enumerate() {
            let mut bits = segment.none();
            for (entry, _) in self.held[at].iter().enumerate().filter(|(_, held)| *held & content != 0) {
                bits.insert(entry as u32);
            }
            bits.add(&alike[at]);
            bits.keep(&self.set.entries[at]);
            filter.iter().for_each(|filter| bits.keep(&filter[at]));
            bits.drop_all(&matches[at]);
            near.push(bits);
        }
        near
    }

    /// The words whose pieces are looked up: the rarest, those that are nowhere first.
    fn pieced(&self) -> Vec<String> {
        let mut order: Vec<usize> = (0..self.units.len()).collect();
        order.sort_by(|a, b| self.told(*b).total_cmp(&self.told(*a)));
        let words = order.into_iter().flat_map(|unit| self.units[unit].spelled.iter().cloned());
        words.take(self.settings.max_pieced_words).collect()
    }

    fn told(&self, unit: usize) -> f32 {
        self.rarity[unit].unwrap_or(f32::MAX)
    }

    fn idf(&self, count: usize) -> f32 {
        let (all, count) = (self.set.size as f32, count as f32);
        (1.0 + (all - count + 0.5) / (count + 0.5)).ln()
    }

    fn occurrences(&self, segment: &Segment, norm: Norm, entry: u32, freq: u32) -> f32 {
        match norm {
            Norm::None => 1.0,
            Norm::Field(field) => {
                let length = segment.columns.norms[field].fieldnorm_id(entry) as usize;
                match freq {
                    1 => self.alone[field][length],
                    _ => bm25(freq as f32, self.weighs[field][length]),
                }
            }
        }
    }
}

fn clauses(form: &Form) -> Vec<Clause> {
    match form {
        Form::Word(word) => vec![
            Clause { term: Term::from_field_text(FIELDS.raw, word), norm: Norm::Field(0), weight: RAW },
            Clause {
                term: Term::from_field_text(FIELDS.stem, &analysis::stem(word)),
                norm: Norm::Field(1),
                weight: STEM,
            },
        ],
        Form::Number(number) => {
            vec![Clause { term: Term::from_field_text(FIELDS.numbers, number), norm: Norm::None, weight: EXACT }]
        }
        Form::Day(day) => {
            vec![Clause { term: Term::from_field_i64(FIELDS.days, *day), norm: Norm::None, weight: EXACT }]
        }
    }
}

/// A word that says nothing about the subject, and stands for nothing else.
fn is_binding(unit: &Unit) -> bool {
    unit.is_function && unit.together.is_empty() && unit.extras.is_empty()
}

fn of_piece(piece: &str) -> Clause {
    Clause { term: Term::from_field_text(FIELDS.pieces, piece), norm: Norm::Field(2), weight: PIECES }
}

fn bm25(freq: f32, length: f32) -> f32 {
    freq * (K1 + 1.0) / (freq + length)
}

/// The denominator's share of BM25 for every length that a field norm can say.
fn weigh_lengths(mean: f32) -> [f32; 256] {
    std::array::from_fn(|id| {
        let length = tantivy::fieldnorm::FieldNormReader::id_to_fieldnorm(id as u8) as f32;
        K1 * (1.0 - B + B * length / mean)
    })
}
