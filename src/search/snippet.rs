//! The part of a page that shows why it was found, with numbers of persons made unreadable.

use std::ops::Range;

use super::{Settings, personal::sixteens, question::Marks, types::Snippet};

const MASK: char = '•';

pub(super) fn draw(body: &str, marks: &Marks, settings: &Settings) -> Snippet {
    let body = &body[..body.floor_char_boundary(settings.snippet_bytes)];
    let hits = marks.ranges(body);
    let window = window(body, &hits, settings.snippet_chars);
    let hits: Vec<Range<usize>> =
        hits.into_iter().filter(|hit| hit.start >= window.start && hit.end <= window.end).collect();
    write(body, window, &hits, &sixteens(body))
}

/// Makes personal numbers unreadable in any text that is shown without an opening.
pub(super) fn masked(text: &str) -> String {
    write(text, 0..text.len(), &[], &sixteens(text)).text
}

/// The stretch with the most hits, begun a little before the first of them.
fn window(body: &str, hits: &[Range<usize>], chars: usize) -> Range<usize> {
    let reach = |from: usize, chars: usize| {
        body[from..].char_indices().nth(chars).map_or(body.len(), |(offset, _)| from + offset)
    };
    let mut best = (0, 0);
    for (first, hit) in hits.iter().enumerate() {
        let end = reach(hit.start, chars * 4 / 5);
        let count = hits[first..].iter().take_while(|other| other.end <= end).count();
        if count > best.0 {
            best = (count, hit.start);
        }
    }
    let lead = body[..best.1].char_indices().rev().take(chars / 5).last().map_or(best.1, |(at, _)| at);
    let start = if lead == 0 { 0 } else { word_start(body, lead, best.1) };
    let end = reach(start, chars);
    let end = if end == body.len() { end } else { word_end(body, start, end) };
    start..end.max(hits.iter().find(|hit| hit.start == best.1).map_or(0, |hit| hit.end.min(body.len())))
}

fn word_start(body: &str, from: usize, limit: usize) -> usize {
    let blank = body[from..limit].char_indices().find(|(_, c)| c.is_whitespace());
    blank.map_or(from, |(offset, c)| from + offset + c.len_utf8())
}

fn word_end(body: &str, start: usize, end: usize) -> usize {
    body[start..end].char_indices().rev().find(|(_, c)| c.is_whitespace()).map_or(end, |(offset, _)| start + offset)
}

/// Copies the window with blanks drawn together, and counts highlights in code points as it goes.
fn write(body: &str, window: Range<usize>, hits: &[Range<usize>], hidden: &[Range<usize>]) -> Snippet {
    let mut text = String::new();
    let mut length = 0;
    let mut highlights: Vec<(usize, usize)> = Vec::new();
    let mut hits = hits.iter().peekable();
    let mut hidden = hidden.iter().peekable();
    for (offset, c) in body[window.clone()].char_indices() {
        let at = window.start + offset;
        while hidden.next_if(|range| range.end <= at).is_some() {}
        while hits.next_if(|range| range.end <= at).is_some() {}
        let is_hidden = hidden.peek().is_some_and(|range| range.contains(&at));
        let shown = if is_hidden && c.is_ascii_digit() { MASK } else { c };
        if shown.is_whitespace() || shown.is_control() {
            if !text.is_empty() && !text.ends_with(' ') {
                text.push(' ');
                length += 1;
            }
            continue;
        }
        if hits.peek().is_some_and(|range| range.start == at) {
            highlights.push((length, length));
        }
        text.push(shown);
        length += 1;
        if let (Some(last), true) = (highlights.last_mut(), hits.peek().is_some_and(|range| range.contains(&at))) {
            last.1 = length;
        }
    }
    let text = text.trim_end().to_owned();
    Snippet { text, highlights }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(body: &str, question: &str) -> Snippet {
        let settings = Settings::default();
        draw(body, &Marks::of(question, &settings), &settings)
    }

    #[test]
    fn highlights_are_counted_in_code_points() {
        let snippet = drawn("🙂 «é» Undangan\n\n  rapat désa", "rapat undangan");
        assert_eq!(snippet.text, "🙂 «é» Undangan rapat désa");
        assert_eq!(snippet.highlights, [(6, 14), (15, 20)]);
    }

    #[test]
    fn a_snippet_is_taken_where_the_words_are() {
        let body = format!("{} sumur bor di Kertasari {}", "awal ".repeat(400), "akhir ".repeat(400));
        let snippet = drawn(&body, "sumur kertasari");
        assert!(snippet.text.contains("sumur bor di Kertasari"));
        assert!(snippet.text.chars().count() <= Settings::default().snippet_chars);
        assert_eq!(snippet.highlights.len(), 2);
    }

    #[test]
    fn numbers_of_persons_are_masked_however_they_are_written() {
        for number in ["3216012345678901", "3216 0123 4567 8901", "3216.0123.4567.8901", "321601-234567-8901"] {
            let snippet = drawn(&format!("Pemohon NIK {number} alamat"), &format!("pemohon {number}"));
            assert!(!snippet.text.bytes().any(|b| b.is_ascii_digit()), "{}", snippet.text);
            assert!(snippet.text.ends_with("alamat"));
        }
        assert!(!masked("KK 3216012345678901 3216012345678902").contains("890"));
        assert!(!masked("1 3216 0147 1285 0003 07-12-1985").contains("0147"), "beside other figures of a row");
        assert!(drawn("Nomor 200.2.10.2/1595/DPMD/2025", "1595").text.contains("200.2.10.2/1595/DPMD/2025"));
    }
}
