//! What people ask, made of what the articles say. The same questions in every run.

use super::laws::{Archive, scattered};

/// What kind of question, and its text.
pub type Asked = (&'static str, String);

/// Makes a question of words of the text and a number drawn, where the words give one.
type Maker = fn(&[&str], u64) -> Option<String>;

pub fn ask(archive: &Archive) -> Vec<Asked> {
    let kinds: [(&'static str, usize, Maker); 7] = [
        ("one word", 60, one_word),
        ("a few words", 120, few_words),
        ("a phrase", 60, phrase),
        ("a letter number", 40, number),
        ("a date", 30, date),
        ("a pasted paragraph", 30, paragraph),
        ("misspelt words", 40, misspelt),
    ];
    let mut asked = Vec::new();
    let mut place = 0;
    for (kind, wanted, make) in kinds {
        let mut made = 0;
        while made < wanted {
            place += 1;
            let drawn = scattered(place);
            let document = &archive.documents[drawn as usize % archive.documents.len()];
            let Some((_, text)) = document.pages.get(scattered(drawn) as usize % document.pages.len().max(1)) else {
                continue;
            };
            let words: Vec<&str> = text.split_whitespace().collect();
            if let Some(question) = make(&words, scattered(drawn + 1)) {
                asked.push((kind, question));
                made += 1;
            }
        }
    }
    asked
}

fn is_telling(word: &str) -> bool {
    word.len() >= 5 && word.bytes().all(|byte| byte.is_ascii_alphabetic())
}

fn telling(words: &[&str], count: usize, drawn: u64) -> Option<Vec<String>> {
    let all: Vec<&str> = words.iter().copied().filter(|word| is_telling(word)).collect();
    if all.len() < count {
        return None;
    }
    let from = drawn as usize % (all.len() - count + 1);
    Some(all[from..from + count].iter().map(|word| word.to_lowercase()).collect())
}

fn one_word(words: &[&str], drawn: u64) -> Option<String> {
    telling(words, 1, drawn).map(|words| words.concat())
}

fn few_words(words: &[&str], drawn: u64) -> Option<String> {
    telling(words, 2 + drawn as usize % 3, drawn / 3).map(|words| words.join(" "))
}

fn phrase(words: &[&str], drawn: u64) -> Option<String> {
    in_a_row(words, 5 + drawn as usize % 5, drawn / 5)
}

fn paragraph(words: &[&str], drawn: u64) -> Option<String> {
    in_a_row(words, 60, drawn)
}

fn in_a_row(words: &[&str], count: usize, drawn: u64) -> Option<String> {
    let from = drawn as usize % (words.len().checked_sub(count)? + 1);
    Some(words[from..from + count].join(" "))
}

fn number(words: &[&str], drawn: u64) -> Option<String> {
    let is_number =
        |word: &&&str| word.contains('/') && !word.contains("](") && word.bytes().any(|b| b.is_ascii_digit());
    let all: Vec<&&str> = words.iter().filter(is_number).collect();
    Some((*all.get(drawn as usize % all.len().max(1))?).trim_matches(|c: char| !c.is_alphanumeric()).to_owned())
}

const MONTHS: [&str; 12] = [
    "Januari",
    "Februari",
    "Maret",
    "April",
    "Mei",
    "Juni",
    "Juli",
    "Agustus",
    "September",
    "Oktober",
    "November",
    "Desember",
];

/// A day of the text, half of them asked for in digits.
fn date(words: &[&str], drawn: u64) -> Option<String> {
    let mut days = words.windows(3).filter_map(|three| {
        let month = MONTHS.iter().position(|month| *month == three[1])? + 1;
        let day: u32 = three[0].parse().ok()?;
        let year: u32 = three[2].get(..4)?.parse().ok()?;
        Some((day, month, year))
    });
    let (day, month, year) = days.next_back()?;
    let in_words = drawn.is_multiple_of(2);
    Some(if in_words { format!("{day} {} {year}", MONTHS[month - 1]) } else { format!("{day:02}-{month:02}-{year}") })
}

/// Two or three words, one of them with two letters changed round.
fn misspelt(words: &[&str], drawn: u64) -> Option<String> {
    let mut words = telling(words, 2 + drawn as usize % 2, drawn / 2)?;
    let at = drawn as usize / 4 % words.len();
    let mut letters: Vec<char> = words[at].chars().collect();
    let turn = 1 + drawn as usize / 16 % (letters.len() - 2);
    letters.swap(turn, turn + 1);
    words[at] = letters.into_iter().collect();
    Some(words.join(" "))
}
