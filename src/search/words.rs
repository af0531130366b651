//! How text becomes words: one way for pages, questions and highlights, so that they always meet.

use std::ops::Range;

/// Longer runs of letters are looked up by their beginning.
const LONGEST: usize = 64;
/// Pieces of one letter number that are kept together at most.
const JOINED: usize = 8;

/// A word in its plain form (lower case, without accents and apostrophes) and where it stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub text: String,
    pub at: Range<usize>,
}

pub(super) fn words(text: &str) -> Vec<Word> {
    let mut found = Vec::new();
    let mut walk = Walk::new(text);
    let mut word = String::new();
    while let Some(at) = walk.next_into(&mut word) {
        found.push(Word { text: word.clone(), at });
    }
    found
}

/// Walks over the words of a text without an allocation for each.
pub(super) struct Walk<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Walk<'a> {
    pub(super) fn new(text: &'a str) -> Walk<'a> {
        Walk { text, at: 0 }
    }

    /// The next word's plain form and place.
    pub(super) fn next_into(&mut self, word: &mut String) -> Option<Range<usize>> {
        loop {
            let rest = &self.text[self.at..];
            let start = self.at + rest.find(char::is_alphanumeric)?;
            word.clear();
            let mut end = start;
            let mut chars = self.text[start..].char_indices().peekable();
            while let Some((offset, c)) = chars.next() {
                let joins = is_joiner(c) && chars.peek().is_some_and(|(_, next)| next.is_alphanumeric());
                if !c.is_alphanumeric() && !joins && !is_mark(c) {
                    break;
                }
                end = start + offset + c.len_utf8();
                if c.is_alphanumeric() && word.len() < LONGEST {
                    plain_into(c, word);
                }
            }
            self.at = end;
            if !word.is_empty() {
                return Some(start..end);
            }
        }
    }
}

/// Apostrophes (Jum'at, Qur’an) and soft hyphens are no borders inside a word.
fn is_joiner(c: char) -> bool {
    matches!(c, '\'' | '’' | 'ʼ' | '\u{ad}')
}

fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

fn plain_into(c: char, out: &mut String) {
    if c.is_ascii() {
        return out.push(c.to_ascii_lowercase());
    }
    let plain = match c {
        'À'..='Å' | 'à'..='å' | 'Ā' | 'ā' => "a",
        'È'..='Ë' | 'è'..='ë' | 'Ē' | 'ē' | 'ě' | 'Ě' => "e",
        'Ì'..='Ï' | 'ì'..='ï' | 'Ī' | 'ī' => "i",
        'Ò'..='Ö' | 'ò'..='ö' | 'Ø' | 'ø' | 'Ō' | 'ō' => "o",
        'Ù'..='Ü' | 'ù'..='ü' | 'Ū' | 'ū' => "u",
        'Ç' | 'ç' | 'č' | 'Č' => "c",
        'Ñ' | 'ñ' => "n",
        'Š' | 'š' | 'ş' | 'Ş' => "s",
        'Ý' | 'ý' | 'ÿ' => "y",
        'Ž' | 'ž' => "z",
        'ß' => "ss",
        'Æ' | 'æ' => "ae",
        'ﬀ' => "ff",
        'ﬁ' => "fi",
        'ﬂ' => "fl",
        'ﬃ' => "ffi",
        'ﬄ' => "ffl",
        _ => return out.extend(c.to_lowercase().filter(|c| c.is_alphanumeric())),
    };
    out.push_str(plain);
}

/// A run of pieces that a sign binds together and that holds a digit: letter numbers, codes, dates, amounts.
/// Given as a range of indexes into the words.
pub(super) fn compounds(text: &str, words: &[Word]) -> Vec<Range<usize>> {
    let mut runs = Vec::new();
    let mut start = 0;
    for at in 1..=words.len() {
        let bound = at < words.len() && is_bond(&text[words[at - 1].at.end..words[at].at.start]);
        if bound {
            continue;
        }
        if at - start > 1 && words[start..at].iter().any(|word| word.text.bytes().any(|b| b.is_ascii_digit())) {
            runs.push(start..at);
        }
        start = at;
    }
    runs
}

/// `/`, `.`, `-` or `_`; around a slash a blank may stand, as typewriters leave it.
fn is_bond(between: &str) -> bool {
    matches!(between, "/" | "." | "-" | "_" | " /" | "/ " | " / ")
}

/// The form under which pieces in a row are kept: `200.2.10.2/1595` becomes `200/2/10/2/1595`.
pub(super) fn joined(pieces: &[Word]) -> String {
    let texts: Vec<&str> = pieces.iter().map(|word| word.text.as_str()).collect();
    texts.join("/")
}

/// Every part of a compound under which it can be found: two to eight pieces in a row.
pub(super) fn parts(pieces: &[Word]) -> impl Iterator<Item = String> + '_ {
    (0..pieces.len())
        .flat_map(move |from| (from + 2..=pieces.len().min(from + JOINED)).map(move |to| joined(&pieces[from..to])))
}

/// The word's pieces: four letters in a row, with a border at both ends, so that beginnings and endings count.
pub(super) fn pieces(word: &str) -> Vec<String> {
    let padded: Vec<char> = std::iter::once('_').chain(word.chars()).chain(std::iter::once('_')).collect();
    if padded.len() <= 4 {
        return vec![padded.into_iter().collect()];
    }
    padded.windows(4).map(|four| four.iter().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Vec<String> {
        words(text).into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn signs_around_words_do_not_matter() {
        assert_eq!(plain("surat -menyurat, hal: (rapat \"UNDANGAN"), ["surat", "menyurat", "hal", "rapat", "undangan"]);
        assert_eq!(plain("Jum’at Qur'an 'kutip' é\u{301}tat ﬁsik"), ["jumat", "quran", "kutip", "etat", "fisik"]);
        assert_eq!(plain("🙂 — ((( \u{ad} '"), Vec::<String>::new());
    }

    #[test]
    fn places_are_bytes_of_the_text() {
        let text = "«Ärzte» désa";
        for word in words(text) {
            assert!(text[word.at.clone()].chars().next().expect("not empty").is_alphabetic());
        }
        assert_eq!(&text[words(text)[1].at.clone()], "désa");
    }

    #[test]
    fn a_letter_number_is_one_run_of_pieces() {
        let text = "Nomor: 200.2.10.2 / 1595/DPMD/2025 surat-menyurat";
        let words = words(text);
        let runs = compounds(text, &words);
        assert_eq!((runs.len(), runs[0].clone()), (1, 1..8));
        assert_eq!(joined(&words[runs[0].clone()]), "200/2/10/2/1595/dpmd/2025");
        let parts: Vec<String> = parts(&words[runs[0].clone()]).collect();
        assert!(parts.contains(&"dpmd/2025".to_owned()) && parts.contains(&"1595/dpmd".to_owned()));
    }

    #[test]
    fn pieces_carry_the_borders_of_the_word() {
        assert_eq!(pieces("rapat"), ["_rap", "rapa", "apat", "pat_"]);
        assert_eq!(pieces("di"), ["_di_"]);
    }
}
