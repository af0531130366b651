//! Numbers of persons and of their families in a text. A NIK has sixteen digits: six for province, regency and district, six
//! for the day of birth (with 40 added for women), and four that count from 0001. A KK number has the same form with the day on
//! which the family was recorded. So Dukcapil explains them in public, after PP 37/2007, article 37, and the Permendagri about
//! the forms of population administration; the places are Kemendagri's codes of regions.

use std::ops::Range;

const DIGITS: usize = 16;

/// How people group such a number. By this it is told from other figures that stand beside it in a row, such as a running number
/// before it and a day behind it.
const GROUPED: [&[usize]; 4] = [&[4, 4, 4, 4], &[6, 6, 4], &[2, 2, 2, 6, 4], &[2, 2, 2, 2, 2, 2, 4]];

/// Whether a text holds what by its form is a NIK or a KK number. Nothing outside says whether it was ever given to anybody.
pub fn holds_personal_number(text: &str) -> bool {
    sixteens(text).iter().any(|at| is_personal(text, at))
}

/// Runs of exactly sixteen digits, written in one or in groups set apart by a blank, a dot or a dash. What is hidden in snippets
/// is all of these: one that is hidden for nothing costs less than one that is shown.
pub(super) fn sixteens(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut group: Vec<Range<usize>> = Vec::new();
    for run in digit_runs(text) {
        let joins = group.last().is_some_and(|last| matches!(&text[last.end..run.start], " " | "." | "-"));
        if !joins {
            close(text, &group, &mut found);
            group.clear();
        }
        group.push(run);
    }
    close(text, &group, &mut found);
    found
}

fn close(text: &str, group: &[Range<usize>], found: &mut Vec<Range<usize>>) {
    let digits: usize = group.iter().map(ExactSizeIterator::len).sum();
    if let ([first, ..], [.., last], DIGITS) = (group, group, digits) {
        return found.push(first.start..last.end);
    }
    let begin = found.len();
    found.extend(group.iter().filter(|run| run.len() == DIGITS).cloned());
    for lengths in GROUPED {
        let fits = |runs: &&[Range<usize>]| runs.iter().map(ExactSizeIterator::len).eq(lengths.iter().copied());
        let whole = |runs: &[Range<usize>]| runs[0].start..runs[runs.len() - 1].end;
        found.extend(group.windows(lengths.len()).filter(fits).map(whole).filter(|at| is_personal(text, at)));
    }
    found[begin..].sort_unstable_by_key(|at| at.start);
}

fn digit_runs(text: &str) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (at, _) in text.bytes().enumerate().filter(|(_, byte)| byte.is_ascii_digit()) {
        match runs.last_mut() {
            Some(last) if last.end == at => last.end = at + 1,
            _ => runs.push(at..at + 1),
        }
    }
    runs
}

fn is_personal(text: &str, at: &Range<usize>) -> bool {
    let number = &text[at.clone()];
    let stands_apart = is_free(text[..at.start].chars().rev()) && is_free(text[at.end..].chars());
    stands_apart && is_of_one_sign(number) && is_plausible(number)
}

/// Whether a number ends where this goes on: at the border of a word, and nothing ties it to further digits.
fn is_free(mut beyond: impl Iterator<Item = char>) -> bool {
    match (beyond.next(), beyond.next()) {
        (Some('.' | '-'), Some(next)) => !next.is_ascii_digit(),
        (Some(next), _) => !next.is_alphanumeric(),
        (None, _) => true,
    }
}

/// A day and a telephone number, or two amounts of money, may have sixteen digits together; their signs differ.
fn is_of_one_sign(number: &str) -> bool {
    let mut signs = number.chars().filter(|sign| !sign.is_ascii_digit());
    let first = signs.next();
    signs.all(|sign| Some(sign) == first)
}

fn is_plausible(number: &str) -> bool {
    let digits: Vec<u32> = number.chars().filter_map(|digit| digit.to_digit(10)).collect();
    let pairs: Vec<u32> = digits.chunks(2).map(|pair| pair.iter().fold(0, |value, digit| value * 10 + digit)).collect();
    let [province, regency, district, day, month, _, hundreds, ones] = pairs[..] else { return false };
    is_province(province)
        && regency > 0
        && district > 0
        && matches!(day, 1..=31 | 41..=71)
        && matches!(month, 1..=12)
        && hundreds + ones > 0
}

/// From Aceh to the provinces of Papua; 20 was never given to any.
fn is_province(code: u32) -> bool {
    matches!(code, 11..=19 | 21 | 31..=36 | 51..=53 | 61..=65 | 71..=76 | 81..=82 | 91..=97)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn holds(text: &str) {
        assert!(holds_personal_number(text), "{text}");
    }

    #[track_caller]
    fn holds_none(text: &str) {
        assert!(!holds_personal_number(text), "{text}");
    }

    #[test]
    fn numbers_of_men_women_and_families_are_known_by_their_form() {
        for text in [
            "3216014712850003",
            "NIK: 3216010712850003, Kp. Tanggul",
            "No. KK\n3216011503160021\nKepala keluarga",
            "1171013112990001;9471017101000002",
            "(3216014712850003)",
            "3216014712850003.",
            "1 3216014712850003 Siti Aminah 07-12-1985",
        ] {
            holds(text);
        }
    }

    #[test]
    fn numbers_in_groups_are_known_also_in_a_row_of_a_table() {
        for number in [
            "3216 0147 1285 0003",
            "3216.0147.1285.0003",
            "3216-0147-1285-0003",
            "321601 471285 0003",
            "32.16.01.471285.0003",
            "32-16-01-47-12-85-0003",
            "3 2 1 6 0 1 4 7 1 2 8 5 0 0 0 3",
        ] {
            holds(number);
            holds(&format!("NIK {number} alamat"));
        }
        holds("12 3216 0147 1285 0003 07-12-1985 Bekasi");
        holds("3216 0147 1285 0003 3216 0107 1285 0004");
    }

    #[test]
    fn what_is_longer_shorter_or_part_of_a_word_is_none() {
        for text in [
            "32160147128500031",
            "132160147128500030",
            "321601471285000",
            "a3216014712850003",
            "3216014712850003b",
            "3216014712850003-1",
            "014.3216014712850003",
            "3216 0147 1285 00031",
            "1234.3216.0147.1285.0003",
            "3216\n0147\n1285\n0003",
            "3216  0147  1285  0003",
        ] {
            holds_none(text);
        }
    }

    #[test]
    fn numbers_of_letters_telephones_accounts_and_amounts_are_none() {
        for text in [
            "200.2.10.2/1595/DPMD/2025",
            "005/127/Pemdes/2026 tanggal 15-12-2025",
            "0812-3456-7890",
            "+62 812 3456 7890, +62 813 9876 5432",
            // Cards and accounts of sixteen digits: the month or the day cannot be.
            "5221 8412 3456 7890",
            "5326 0812 1384 0021",
            "3216013212850003",
            "3216010013850003",
            // No such province, regency or district, and a count that begins at 0001.
            "2016014712850003",
            "9916014712850003",
            "3200014712850003",
            "3216004712850003",
            "3216014712850000",
            "Rp 3.250.000 112.000.000",
            "12-05-2021 0812-3456",
            "2021 2022 2023 2024 2025",
            "",
        ] {
            holds_none(text);
        }
    }

    /// Letters of which such numbers are made, and any others between them.
    fn texts() -> impl Strategy<Value = String> {
        let near = proptest::sample::select(vec!['0', '1', '2', '3', '4', '6', ' ', '.', '-', '•', 'é']);
        let letters = proptest::collection::vec(prop_oneof![9 => near, 1 => any::<char>()], 0..120);
        letters.prop_map(|letters| letters.into_iter().collect())
    }

    proptest! {
        #[test]
        fn any_text_is_looked_through_and_each_find_has_sixteen_digits(text in texts()) {
            let found = sixteens(&text);
            for at in &found {
                let digits = text[at.clone()].chars().filter(char::is_ascii_digit).count();
                prop_assert_eq!(digits, DIGITS);
            }
            prop_assert!(found.is_sorted_by_key(|at| at.start));
            prop_assert!(!found.is_empty() || !holds_personal_number(&text));
        }

        #[test]
        fn every_day_and_count_is_known(
            day in prop_oneof![1_u32..=31, 41_u32..=71], month in 1_u32..=12, year in 0_u32..=99, count in 1_u32..=9999
        ) {
            holds(&format!("Nama Budi NIK 321601{day:02}{month:02}{year:02}{count:04} alamat Kp. Tanggul"));
        }
    }
}
