//! The demonstration's documents: letters of our own wording, typeset here, one of them printed, worn and scanned, so that
//! everything from OCR to a link can be tried without anybody's real post. The same bytes on every machine.

mod scan;
mod sheet;
mod texts;

use sheet::Sheet;

/// A letter with the details that a clerk would enter.
#[derive(Clone, Debug)]
pub struct DemoLetter {
    pub file_name: &'static str,
    pub media_type: &'static str,
    pub bytes: Vec<u8>,
    /// The office whose archive it lies in: a Kemendagri code, or the short name of an agency.
    pub owner_office: &'static str,
    pub title: &'static str,
    pub number: &'static str,
    /// As `YYYY-MM-DD`.
    pub date: &'static str,
    /// Kinds, classes and so on by their names in the API.
    pub kind: &'static str,
    pub class: &'static str,
    pub urgency: &'static str,
    pub reach: &'static str,
    pub classification: &'static str,
    pub sender: &'static str,
    pub recipient: &'static str,
    pub summary: &'static str,
}

/// The two villages of the story, and the agency that they write to.
pub const VILLAGE: &str = "32.16.01.2005";
pub const OTHER_VILLAGE: &str = "32.16.01.2003";
pub const AGENCY: &str = "DPMD";

pub fn demo_letters() -> Vec<DemoLetter> {
    texts::ALL.iter().map(typeset).collect()
}

/// How a letter of [`texts`] reaches the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Medium {
    /// Straight from a word processor: its text can be copied.
    Typeset,
    /// Printed, signed, put on a scanner: a picture without text.
    Scanned,
}

fn typeset(text: &texts::Text) -> DemoLetter {
    let mut sheet = Sheet::new();
    (text.body)(&mut sheet);
    let pdf = sheet.finish(text.title, text.date);
    let bytes = match text.medium {
        Medium::Typeset => pdf,
        Medium::Scanned => scan::scanned(pdf, text.date),
    };
    DemoLetter {
        file_name: text.file_name,
        media_type: "application/pdf",
        bytes,
        owner_office: text.owner,
        title: text.title,
        number: text.number,
        date: text.date,
        kind: text.kind,
        class: text.class,
        urgency: text.urgency,
        reach: text.reach,
        classification: text.classification,
        sender: text.sender,
        recipient: text.recipient,
        summary: text.summary,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use hayro::hayro_syntax::Pdf;

    use super::*;

    #[test]
    fn the_same_letters_come_out_every_time() {
        let (one, other) = (demo_letters(), demo_letters());
        assert!(one.iter().zip(&other).all(|(a, b)| a.bytes == b.bytes));
        let names: HashSet<_> = one.iter().map(|letter| letter.file_name).collect();
        assert_eq!(names.len(), one.len());
    }

    #[test]
    fn every_letter_opens_and_one_has_several_pages() {
        let pages = |letter: &DemoLetter| Pdf::new(letter.bytes.clone()).expect("a sound PDF").pages().len();
        let counts: Vec<usize> = demo_letters().iter().map(pages).collect();
        assert!(counts.len() >= 8 && counts.iter().all(|count| *count >= 1), "{counts:?}");
        assert!(counts.iter().any(|count| *count >= 3), "{counts:?}");
    }

    #[test]
    fn only_the_scan_has_no_text_of_its_own() {
        for (text, letter) in texts::ALL.iter().zip(demo_letters()) {
            let has_fonts = letter.bytes.windows(9).any(|bytes| bytes == b"/Font<</F" || bytes == b"/BaseFont");
            assert_eq!(has_fonts, text.medium == Medium::Typeset, "{}", letter.file_name);
        }
    }

    #[test]
    fn every_date_is_a_day_and_every_class_is_used() {
        let letters = demo_letters();
        assert!(letters.iter().all(|letter| letter.date.parse::<jiff::civil::Date>().is_ok()));
        for class in ["biasa", "terbatas", "rahasia"] {
            assert!(letters.iter().any(|letter| letter.class == class), "no letter of class {class}");
        }
    }
}
