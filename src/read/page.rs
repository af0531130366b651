//! What reading gives back.

use super::reason::Reason;
use serde::{Deserialize, Serialize};

/// How reading one file ended. Every file ends in one of these three; none is lost.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Read(Reading),
    /// Kept and listed, but of a kind that is not read: "disimpan, tidak dibaca".
    Stored {
        media_type: String,
    },
    Unreadable {
        media_type: String,
        reason: Reason,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    pub media_type: String,
    /// The PDF carries a signature; it is kept byte for byte.
    pub signed: bool,
    pub pages: Vec<Page>,
    /// Page pictures can be made of this file.
    pub pictures: bool,
    /// Why reading stopped early or left out pages; what was read before stays.
    pub incomplete: Option<Reason>,
}

/// One page: its text, and where each word stands on the upright picture of the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// Counts from 1.
    pub number: u32,
    pub text: String,
    /// In the order of the text. Empty for files that have no page pictures.
    pub words: Vec<Word>,
    pub source: Source,
    /// Mean confidence of the words that OCR read, from 0 to 100.
    pub confidence: Option<f32>,
    /// Degrees clockwise by which the picture was turned to stand upright: 0, 90, 180 or 270.
    pub turned: u16,
}

/// A word and its box as fractions of the upright page picture, from its top left corner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Word {
    pub text: String,
    /// Where the word begins in the text of its page, in Unicode code points.
    pub offset: u32,
    pub x0: f32,
    pub y0: f32,
    pub x1: f32,
    pub y1: f32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The text that the file itself carries.
    Layer,
    Ocr,
}

/// A page picture, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    pub bytes: Vec<u8>,
    pub media_type: &'static str,
    pub width: u32,
    pub height: u32,
}

/// Lines burned into a picture, so that a photograph of the screen still says who saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watermark {
    pub lines: Vec<String>,
}

impl Page {
    pub(super) fn without_boxes(number: u32, text: String) -> Page {
        Page { number, text, words: Vec::new(), source: Source::Layer, confidence: None, turned: 0 }
    }

    /// Builds text and words together, so that each word knows its place in the text.
    pub(super) fn from_lines(number: u32, source: Source, lines: Vec<Vec<Word>>) -> Page {
        let mut text = String::new();
        let mut words = Vec::new();
        let mut offset = 0u32;
        for (row, line) in lines.into_iter().filter(|line| !line.is_empty()).enumerate() {
            for (column, mut word) in line.into_iter().enumerate() {
                if row > 0 || column > 0 {
                    text.push(if column == 0 { '\n' } else { ' ' });
                    offset += 1;
                }
                word.offset = offset;
                offset += word.text.chars().count() as u32;
                text.push_str(&word.text);
                words.push(word);
            }
        }
        Page { number, text, words, source, confidence: None, turned: 0 }
    }

    /// Whether text and words are what [`Page::from_lines`] would have built: checked on what a child sends.
    pub(super) fn is_consistent(&self) -> bool {
        let mut rest = self.text.as_str();
        let mut at = 0u32;
        self.words.iter().all(|word| {
            let Some(skip) = word.offset.checked_sub(at) else { return false };
            let mut chars = rest.chars();
            if skip > 0 {
                chars.nth(skip as usize - 1);
            }
            let Some(tail) = chars.as_str().strip_prefix(word.text.as_str()) else { return false };
            rest = tail;
            at = word.offset + word.text.chars().count() as u32;
            !word.text.is_empty() && word.has_sound_box()
        })
    }
}

impl Word {
    fn has_sound_box(&self) -> bool {
        let unit = 0.0..=1.0;
        [self.x0, self.y0, self.x1, self.y1].iter().all(|edge| unit.contains(edge))
            && self.x0 <= self.x1
            && self.y0 <= self.y1
    }

    /// A word with its box cut to the page; `None` where nothing of it would be on the page.
    pub(super) fn on_page(text: String, x0: f32, y0: f32, x1: f32, y1: f32) -> Option<Word> {
        let [x0, x1] = [x0.min(x1), x0.max(x1)].map(|edge| edge.clamp(0.0, 1.0));
        let [y0, y1] = [y0.min(y1), y0.max(y1)].map(|edge| edge.clamp(0.0, 1.0));
        let sound = !text.is_empty() && x1 > x0 && y1 > y0;
        sound.then_some(Word { text, offset: 0, x0, y0, x1, y1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str) -> Word {
        Word::on_page(text.into(), 0.1, 0.1, 0.2, 0.2).expect("on the page")
    }

    #[test]
    fn each_word_is_found_in_the_text_at_its_offset() {
        let page =
            Page::from_lines(1, Source::Ocr, vec![vec![word("Yth."), word("Bapak")], vec![], vec![word("é—Camat")]]);
        assert_eq!(page.text, "Yth. Bapak\né—Camat");
        for word in &page.words {
            let found: String = page.text.chars().skip(word.offset as usize).take(word.text.chars().count()).collect();
            assert_eq!(found, word.text);
        }
        assert!(page.is_consistent());
    }

    #[test]
    fn a_page_that_lies_about_its_words_is_not_believed() {
        let honest = Page::from_lines(1, Source::Layer, vec![vec![word("surat"), word("undangan")]]);
        let mut shifted = honest.clone();
        shifted.words[1].offset = 400;
        let mut backwards = honest.clone();
        backwards.words[1].offset = 0;
        let mut outside = honest.clone();
        outside.words[0].x1 = f32::NAN;
        assert!(honest.is_consistent());
        for lie in [shifted, backwards, outside] {
            assert!(!lie.is_consistent(), "{lie:?}");
        }
    }
}
