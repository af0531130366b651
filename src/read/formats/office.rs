//! Office files: zip archives of XML. Only their text is wanted, so one small walker serves all of them.

use crate::read::{reason::Reason, sniff, wire::Limits};
use quick_xml::{Reader, events::BytesStart, events::Event};
use std::io::{Cursor, Read};
use zip::ZipArchive;

pub(super) type Archive = ZipArchive<Cursor<Vec<u8>>>;

/// Guards of the reader, not limits of the archive: no office program writes such a file, and what goes beyond is taken for a
/// bomb.
const DEEPEST: usize = 256;
const MOST_ENTRIES: usize = 20_000;

/// Which office format an archive really is: its central directory decides, not the first bytes.
pub(super) fn open(bytes: Vec<u8>) -> Result<(Archive, &'static str), Reason> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| Reason::Broken)?;
    if archive.len() > MOST_ENTRIES {
        return Err(Reason::Bomb);
    }
    let has = |archive: &Archive, name: &str| archive.index_for_name(name).is_some();
    let kind = if has(&archive, "word/document.xml") {
        sniff::DOCX
    } else if has(&archive, "xl/workbook.xml") {
        sniff::XLSX
    } else if has(&archive, "ppt/presentation.xml") {
        sniff::PPTX
    } else if has(&archive, "content.xml") && has(&archive, "mimetype") {
        sniff::known(entry(&mut archive, "mimetype", 200)?.trim())
    } else {
        sniff::ZIP
    };
    Ok((archive, kind))
}

/// The pages of a text document or presentation, or the sheets of an ODS.
pub(super) fn pages(archive: &mut Archive, kind: &str, limits: &Limits) -> Result<Vec<String>, Reason> {
    let most = limits.max_text_bytes as u64;
    let mut out = Pages::new(limits.max_text_bytes);
    match kind {
        sniff::DOCX => {
            for name in docx_parts(archive) {
                walk(&entry(archive, &name, most)?, &OOXML, &mut out)?;
                out.end_line();
            }
        }
        sniff::PPTX => {
            for name in slides(archive) {
                walk(&entry(archive, &name, most)?, &OOXML, &mut out)?;
                out.end_page();
            }
        }
        sniff::ODS => walk(&entry(archive, "content.xml", most)?, &ODS, &mut out)?,
        _ => walk(&entry(archive, "content.xml", most)?, &ODF, &mut out)?,
    }
    out.finish()
}

/// The body first, then what stands in the margins of the pages.
fn docx_parts(archive: &Archive) -> Vec<String> {
    let mut parts = vec!["word/document.xml".to_owned()];
    let mut margins = names(archive, |name| {
        let margin = name.strip_prefix("word/").is_some_and(|part| {
            ["header", "footer", "footnotes", "endnotes", "comments"].iter().any(|kind| part.starts_with(kind))
        });
        margin && name.ends_with(".xml")
    });
    margins.sort();
    parts.append(&mut margins);
    parts
}

fn slides(archive: &Archive) -> Vec<String> {
    let number =
        |name: &str| -> Option<u32> { name.strip_prefix("ppt/slides/slide")?.strip_suffix(".xml")?.parse().ok() };
    let mut slides = names(archive, |name| number(name).is_some());
    slides.sort_by_key(|name| number(name));
    slides
}

fn names(archive: &Archive, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    archive.file_names().flatten().filter(|name| wanted(name)).map(|name| name.to_string()).collect()
}

/// Unpacks one entry, at most so many bytes: what an archive says about its own sizes is not believed.
fn entry(archive: &mut Archive, name: &str, most: u64) -> Result<String, Reason> {
    let file = archive.by_name(name).map_err(|error| match error {
        zip::result::ZipError::UnsupportedArchive(why) if why.contains("assword") => Reason::Encrypted,
        zip::result::ZipError::UnsupportedArchive(_) => Reason::Unsupported,
        _ => Reason::Broken,
    })?;
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).map_err(|_| Reason::Broken)?;
    if bytes.len() as u64 > most {
        return Err(Reason::Bomb);
    }
    String::from_utf8(bytes).map_err(|_| Reason::Broken)
}

/// Which elements hold text, and which end a line or a page.
struct Rules {
    /// Text counts inside one of these only.
    text: &'static [&'static str],
    line: &'static [&'static str],
    gap: &'static [&'static str],
    page_before: &'static [&'static str],
    page_after: &'static [&'static str],
    /// What was deleted, but is kept for the history.
    skipped: &'static [&'static str],
}

const OOXML: Rules = Rules {
    text: &["t"],
    line: &["p", "cr"],
    gap: &["tab", "tc", "ptab"],
    page_before: &["lastRenderedPageBreak"],
    page_after: &[],
    skipped: &["del", "moveFrom", "Fallback"],
};

const ODF: Rules = Rules {
    text: &["p", "h"],
    line: &["p", "h", "line-break", "table-row"],
    gap: &["s", "tab", "table-cell", "list-item"],
    page_before: &["soft-page-break"],
    page_after: &["table", "page"],
    skipped: &["tracked-changes", "annotation"],
};

/// In a sheet a row is a line, however many paragraphs its cells hold.
const ODS: Rules = Rules { line: &["table-row"], gap: &["p", "h", "s", "tab", "line-break", "table-cell"], ..ODF };

fn walk(xml: &str, rules: &Rules, out: &mut Pages) -> Result<(), Reason> {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_end_names = false;
    let (mut depth, mut in_text, mut skipped) = (0usize, 0usize, 0usize);
    loop {
        match reader.read_event().map_err(|_| Reason::Broken)? {
            Event::Start(tag) => {
                depth += 1;
                if depth > DEEPEST {
                    return Err(Reason::Bomb);
                }
                let name = tag.local_name();
                in_text += usize::from(rules.text.contains(&name.as_ref()));
                skipped += usize::from(rules.skipped.contains(&name.as_ref()));
                out.open(name.as_ref(), &tag, rules);
            }
            Event::Empty(tag) => {
                let name = tag.local_name();
                out.open(name.as_ref(), &tag, rules);
                out.close(name.as_ref(), rules);
            }
            Event::End(tag) => {
                let name = tag.local_name();
                depth = depth.saturating_sub(1);
                in_text = in_text.saturating_sub(usize::from(rules.text.contains(&name.as_ref())));
                skipped = skipped.saturating_sub(usize::from(rules.skipped.contains(&name.as_ref())));
                out.close(name.as_ref(), rules);
            }
            Event::Text(text) if in_text > 0 && skipped == 0 => out.push(&text)?,
            Event::CData(text) if in_text > 0 && skipped == 0 => out.push(&text)?,
            Event::GeneralRef(name) if in_text > 0 && skipped == 0 => {
                let letter = match name.resolve_char_ref() {
                    Ok(Some(letter)) => Some(letter.to_string()),
                    _ => quick_xml::escape::resolve_predefined_entity(&name).map(str::to_owned),
                };
                out.push(&letter.unwrap_or_default())?;
            }
            // Entities of its own are how a small file grows without end; no office program writes them.
            Event::DocType(_) => return Err(Reason::Bomb),
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

/// Text that grows page by page, within its bound.
pub(super) struct Pages {
    done: Vec<String>,
    open: String,
    room: usize,
}

impl Pages {
    pub(super) fn new(room: usize) -> Pages {
        Pages { done: Vec::new(), open: String::new(), room }
    }

    pub(super) fn push(&mut self, text: &str) -> Result<(), Reason> {
        self.room = self.room.checked_sub(text.len()).ok_or(Reason::TooMuchText)?;
        self.open.push_str(text);
        Ok(())
    }

    pub(super) fn end_line(&mut self) {
        self.open.truncate(self.open.trim_end_matches(' ').len());
        if !self.open.is_empty() && !self.open.ends_with('\n') {
            self.open.push('\n');
        }
    }

    pub(super) fn gap(&mut self) {
        if !self.open.is_empty() && !self.open.ends_with([' ', '\n', '\t']) {
            self.open.push(' ');
        }
    }

    pub(super) fn end_page(&mut self) {
        self.done.push(std::mem::take(&mut self.open));
    }

    pub(super) fn finish(mut self) -> Result<Vec<String>, Reason> {
        self.end_page();
        // A page that only ends has no text; dropping it keeps the count of slides and sheets honest enough.
        while self.done.len() > 1 && self.done.last().is_some_and(|page| page.trim().is_empty()) {
            self.done.pop();
        }
        Ok(self.done)
    }

    fn open(&mut self, name: &str, tag: &BytesStart<'_>, rules: &Rules) {
        let breaks = name == "br" && has_value(tag, "page");
        if (breaks || rules.page_before.contains(&name)) && !self.open.trim().is_empty() {
            self.end_page();
        } else if name == "br" {
            self.end_line();
        }
    }

    fn close(&mut self, name: &str, rules: &Rules) {
        if rules.line.contains(&name) {
            self.end_line();
        } else if rules.gap.contains(&name) {
            self.gap();
        } else if rules.page_after.contains(&name) {
            self.end_page();
        }
    }
}

fn has_value(tag: &BytesStart<'_>, wanted: &str) -> bool {
    tag.attributes().flatten().any(|attribute| attribute.value.as_ref() == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walked(xml: &str, rules: &Rules) -> Result<Vec<String>, Reason> {
        let mut out = Pages::new(10_000);
        walk(xml, rules, &mut out)?;
        out.finish()
    }

    #[test]
    fn a_word_document_keeps_its_letters_lines_and_pages() {
        let xml = r#"<w:document><w:body><w:p><w:r><w:t>Perbaikan &lt;jalan&gt; &amp; jembatan</w:t></w:r></w:p>
            <w:p><w:del><w:r><w:t>dihapus</w:t></w:r></w:del><w:r><w:t>Nomor</w:t><w:tab/><w:t>005</w:t></w:r></w:p>
            <w:p><w:r><w:br w:type="page"/><w:t>Halaman dua &#233;</w:t></w:r></w:p></w:body></w:document>"#;
        assert_eq!(
            walked(xml, &OOXML),
            Ok(vec!["Perbaikan <jalan> & jembatan\nNomor 005\n".into(), "Halaman dua é\n".into()])
        );
    }

    #[test]
    fn sheets_and_lines_of_an_open_document_stand_apart() {
        let xml = "<office:body><table:table><table:table-row><table:table-cell><text:p>Desa</text:p></table:table-cell>\
            <table:table-cell table:number-columns-repeated=\"16000\"/></table:table-row></table:table>\
            <table:table><table:table-row><table:table-cell><text:p>Dua<text:s/>kata</text:p></table:table-cell>\
            </table:table-row></table:table></office:body>";
        assert_eq!(walked(xml, &ODS), Ok(vec!["Desa\n".into(), "Dua kata\n".into()]));
    }

    #[test]
    fn entities_and_bottomless_nesting_are_refused() {
        let laughs = "<!DOCTYPE x [<!ENTITY a \"ha\">]><w:p><w:t>&a;</w:t></w:p>";
        assert_eq!(walked(laughs, &OOXML), Err(Reason::Bomb));
        assert_eq!(walked(&"<w:p>".repeat(5_000), &OOXML), Err(Reason::Bomb));
    }
}
