//! Days in text, in words and in digits: "15 Desember 2021", "15-12-2021", "2021-12-15", "15 bulan Desember tahun 2021".

use std::ops::Range;

use jiff::civil::Date;

use super::words::Word;

/// A day (counted from 1970-01-01) and the words that say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub day: i64,
    pub words: Range<usize>,
}

pub(super) fn find(text: &str, words: &[Word]) -> Vec<Found> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < words.len() {
        match spelled(words, at).or_else(|| in_digits(text, words, at)) {
            Some(date) => {
                at = date.words.end;
                found.push(date);
            }
            None => at += 1,
        }
    }
    found
}

fn spelled(words: &[Word], at: usize) -> Option<Found> {
    let day = number(words.get(at)?, 1..=2)?;
    let mut next = at + 1;
    next += usize::from(words.get(next)?.text == "bulan");
    let month = month(&words.get(next)?.text)?;
    next += 1;
    next += usize::from(words.get(next)?.text == "tahun");
    let year = number(words.get(next)?, 4..=4)?;
    Some(Found { day: count(year, month, day)?, words: at..next + 1 })
}

fn in_digits(text: &str, words: &[Word], at: usize) -> Option<Found> {
    let three = words.get(at..at + 3)?;
    let sign = &text[three[0].at.end..three[1].at.start];
    if !matches!(sign, "-" | "/" | ".") || &text[three[1].at.end..three[2].at.start] != sign {
        return None;
    }
    let (year, day) = match three[0].text.len() {
        4 => (number(&three[0], 4..=4)?, number(&three[2], 1..=2)?),
        _ => (number(&three[2], 4..=4)?, number(&three[0], 1..=2)?),
    };
    Some(Found { day: count(year, number(&three[1], 1..=2)?, day)?, words: at..at + 3 })
}

fn number(word: &Word, digits: std::ops::RangeInclusive<usize>) -> Option<i16> {
    let plain = digits.contains(&word.text.len()) && word.text.bytes().all(|b| b.is_ascii_digit());
    if plain { word.text.parse().ok() } else { None }
}

fn month(name: &str) -> Option<i16> {
    Some(match name {
        "januari" | "january" | "jan" => 1,
        "februari" | "pebruari" | "february" | "feb" | "peb" => 2,
        "maret" | "march" | "mar" => 3,
        "april" | "apr" => 4,
        "mei" | "may" => 5,
        "juni" | "june" | "jun" => 6,
        "juli" | "july" | "jul" => 7,
        "agustus" | "august" | "agu" | "ags" | "agt" | "aug" => 8,
        "september" | "sept" | "sep" => 9,
        "oktober" | "october" | "okt" | "oct" => 10,
        "november" | "nopember" | "nov" | "nop" => 11,
        "desember" | "december" | "des" | "dec" => 12,
        _ => return None,
    })
}

fn count(year: i16, month: i16, day: i16) -> Option<i64> {
    let date = Date::new(year, month.try_into().ok()?, day.try_into().ok()?).ok()?;
    Some(date.duration_since(Date::constant(1970, 1, 1)).as_hours() / 24)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::words::words;

    fn days(text: &str) -> Vec<i64> {
        find(text, &words(text)).into_iter().map(|found| found.day).collect()
    }

    #[test]
    fn one_day_is_one_day_however_it_is_written() {
        for text in [
            "15 Desember 2021",
            "Bekasi, 15 Des. 2021",
            "15-12-2021",
            "15/12/2021",
            "15.12.2021",
            "2021-12-15",
            "tanggal 15 bulan Desember tahun 2021",
        ] {
            assert_eq!(days(text), [18976], "{text}");
        }
        assert_eq!(days("31-12-1969"), [-1]);
    }

    #[test]
    fn what_is_no_day_is_left_to_the_words() {
        for text in ["31 Februari 2021", "15-13-2021", "15-12/2021", "200.2.10.2/1595", "15 12 2021", "Desember 2021"] {
            assert_eq!(days(text), Vec::<i64>::new(), "{text}");
        }
    }
}
