//! One page of a document as it is looked at: its picture, the boxes of the words that a question hits, its text, and the
//! way to the pages before and after.

use super::page::quoted;
use crate::{
    app::App,
    desk::pages::marked,
    document::Document,
    download::Grant,
    error::Result,
    read::Page,
    search::{self, Marks},
};

#[derive(Debug)]
pub struct View {
    pub number: u32,
    pub of: u32,
    pub question: String,
    pub picture: Option<String>,
    pub hits: Vec<Hit>,
    /// The text in pieces, each marked or not.
    pub text: Vec<(String, bool)>,
    pub previous: Option<String>,
    pub next: Option<String>,
    pub previous_hit: Option<String>,
    pub next_hit: Option<String>,
}

/// A box as fractions of the page.
#[derive(Debug, PartialEq)]
pub struct Hit {
    pub x: f32,
    pub y: f32,
    pub width: f32,
    pub height: f32,
}

/// Beyond so many pages only the page itself is looked at for hits; the search leads to the others.
const SCANNED: u32 = 200;

/// None where the document has no pages to show.
pub async fn of(app: &App, grant: &Grant, document: &Document, question: &str, number: u32) -> Result<Option<View>> {
    let version = &document.version;
    let of = u32::try_from(version.pages.unwrap_or(0)).unwrap_or(0);
    if of == 0 {
        return Ok(None);
    }
    let question = question.trim();
    let number = number.clamp(1, of);
    let page = app.shelf.page(grant, number).await?;
    let with_hits = match question.is_empty() || of > SCANNED {
        true => Vec::new(),
        false => pages_hit(app.shelf.all_pages(version, document.office).await?, question),
    };
    let base = format!("/dokumen/{}?", document.id);
    let query = if question.is_empty() { String::new() } else { format!("q={}&", quoted(question)) };
    let href = |number: u32| format!("{base}{query}hal={number}#halaman");
    Ok(Some(View {
        number,
        of,
        question: question.to_owned(),
        picture: version.pictures.then(|| format!("/api/v1/documents/{}/pages/{number}/image", document.id)),
        text: page.as_ref().map(|page| pieces(&page.text, question)).unwrap_or_default(),
        hits: page.filter(|_| !question.is_empty()).map(|page| hits(page, question)).unwrap_or_default(),
        previous: (number > 1).then(|| href(number - 1)),
        next: (number < of).then(|| href(number + 1)),
        previous_hit: with_hits.iter().rev().find(|page| **page < number).map(|page| href(*page)),
        next_hit: with_hits.iter().find(|page| **page > number).map(|page| href(*page)),
    }))
}

/// A little wider than the word, so that the mark does not cover its edges.
const AROUND: f32 = 0.002;

fn hits(page: Page, question: &str) -> Vec<Hit> {
    let hits = marked(page, question).words.into_iter().filter(|word| word.hit);
    hits.map(|word| {
        let [x0, y0, x1, y1] = word.place;
        let (x, y) = ((x0 - AROUND).max(0.0), (y0 - AROUND).max(0.0));
        Hit { x, y, width: (x1 + AROUND).min(1.0) - x, height: (y1 + AROUND).min(1.0) - y }
    })
    .collect()
}

fn pages_hit(pages: Vec<Page>, question: &str) -> Vec<u32> {
    let marks = Marks::of(question, &search::Settings::default());
    let hit = |page: &Page| {
        let words: Vec<&str> = match page.words.is_empty() {
            true => page.text.split_whitespace().collect(),
            false => page.words.iter().map(|word| word.text.as_str()).collect(),
        };
        marks.hits(&words).contains(&true)
    };
    pages.iter().filter(|page| hit(page)).map(|page| page.number).collect()
}

/// A text in pieces, the words that a question hits apart from the rest.
pub fn pieces(text: &str, question: &str) -> Vec<(String, bool)> {
    if text.is_empty() || question.is_empty() {
        return if text.is_empty() { Vec::new() } else { vec![(text.to_owned(), false)] };
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let hits = Marks::of(question, &search::Settings::default()).hits(&words);
    let mut pieces: Vec<(String, bool)> = Vec::new();
    let (mut rest, mut plain) = (text, String::new());
    for (word, is_hit) in words.iter().zip(hits) {
        let at = rest.find(word).unwrap_or(0);
        plain.push_str(&rest[..at]);
        if is_hit {
            pieces.push((std::mem::take(&mut plain), false));
            pieces.push(((*word).to_owned(), true));
        } else {
            plain.push_str(word);
        }
        rest = &rest[at + word.len()..];
    }
    plain.push_str(rest);
    pieces.push((plain, false));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pieces_of_a_text_are_the_text() {
        let text = "Perihal:  Undangan rapat\nmusyawarah desa, Undangan kedua.\n";
        let told = pieces(text, "undangan");
        assert_eq!(told.iter().map(|(piece, _)| piece.as_str()).collect::<String>(), text);
        let marked: Vec<&str> = told.iter().filter(|(_, hit)| *hit).map(|(piece, _)| piece.as_str()).collect();
        assert_eq!(marked, ["Undangan", "Undangan"]);
    }
}
