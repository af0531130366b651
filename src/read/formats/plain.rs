//! Text files, tables of text, and mail.

use super::office::Pages;
use crate::read::{reason::Reason, sniff, wire::Limits};
use mail_parser::{Address, Message, MessageParser, MimeHeaders, PartType};

/// The text of a file whose encoding nobody wrote down: a mark says so, or it is UTF-8, or it is of an old Windows.
pub(super) fn decode(bytes: &[u8]) -> String {
    if let Some((encoding, mark)) = encoding_rs::Encoding::for_bom(bytes) {
        return encoding.decode_without_bom_handling(&bytes[mark..]).0.into_owned();
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(),
    }
}

pub(super) fn pages(bytes: &[u8], limits: &Limits) -> Result<Vec<String>, Reason> {
    let text = decode(bytes);
    if text.len() > limits.max_text_bytes { Err(Reason::TooMuchText) } else { Ok(vec![text]) }
}

/// A mail as its reader would see it, with the names of what is attached, and its text where that is cheap to have.
pub(super) fn mail(bytes: &[u8], limits: &Limits) -> Result<Vec<String>, Reason> {
    let mail = MessageParser::default().parse(bytes).ok_or(Reason::Broken)?;
    let mut out = Pages::new(limits.max_text_bytes);
    letter(&mail, limits, FORWARDED, &mut out)?;
    out.finish()
}

/// A mail that was forwarded as an attachment is followed so many times.
const FORWARDED: usize = 8;
/// A guard of the reader, not a limit of the archive: no mail that people write has so many.
const MOST_ATTACHMENTS: usize = 200;

fn letter(mail: &Message<'_>, limits: &Limits, deeper: usize, out: &mut Pages) -> Result<(), Reason> {
    line(out, "Perihal", mail.subject().unwrap_or_default())?;
    line(out, "Dari", &people(mail.from()))?;
    line(out, "Kepada", &people(mail.to()))?;
    line(out, "Tembusan", &people(mail.cc()))?;
    line(out, "Tanggal", &mail.date().map(|date| date.to_rfc3339()).unwrap_or_default())?;
    for name in mail.attachments().filter_map(|part| part.attachment_name()).take(1_000) {
        line(out, "Lampiran", name)?;
    }
    for part in 0..mail.text_body_count().min(100) {
        out.push("\n")?;
        out.push(&mail.body_text(part).unwrap_or_default())?;
    }
    for part in mail.attachments().take(MOST_ATTACHMENTS) {
        match &part.body {
            PartType::Message(inner) if deeper > 0 => {
                out.push("\n")?;
                letter(inner, limits, deeper - 1, out)?;
            }
            PartType::Text(text) => {
                out.push("\n")?;
                out.push(text)?;
            }
            PartType::Binary(bytes) | PartType::InlineBinary(bytes) => {
                for page in attached(bytes, part.attachment_name().unwrap_or_default(), limits) {
                    out.push("\n")?;
                    out.push(&page)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn line(out: &mut Pages, label: &str, value: &str) -> Result<(), Reason> {
    if value.is_empty() { Ok(()) } else { out.push(&format!("{label}: {value}\n")) }
}

/// Office files and tables. PDFs and pictures have pages of their own, which a mail cannot show: they are only named, and
/// found by their text when they are uploaded themselves. What cannot be read does not spoil the mail.
fn attached(bytes: &[u8], name: &str, limits: &Limits) -> Vec<String> {
    let kind = sniff::sniff(&bytes[..bytes.len().min(sniff::HEAD)], name);
    let is_paged = kind == sniff::PDF || kind == sniff::EML || kind.starts_with("image/");
    if is_paged || !sniff::is_worth_a_look(kind) {
        return Vec::new();
    }
    match super::open(kind, bytes.to_vec(), limits) {
        Ok(super::Opened { document: super::Document::Text(pages), .. }) => pages,
        _ => Vec::new(),
    }
}

fn people(address: Option<&Address<'_>>) -> String {
    let people = address.into_iter().flat_map(|address| address.iter()).take(1_000);
    let shown = people.map(|person| match (person.name(), person.address()) {
        (Some(name), Some(address)) => format!("{name} <{address}>"),
        (name, address) => name.or(address).unwrap_or_default().to_owned(),
    });
    shown.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_in_the_encoding_that_it_was_written_in() {
        assert_eq!(decode("Rp 5.000 — lunas".as_bytes()), "Rp 5.000 — lunas");
        assert_eq!(decode(b"\xff\xfeD\0e\0s\0a\0"), "Desa");
        assert_eq!(decode(b"\xef\xbb\xbfDesa"), "Desa");
        assert_eq!(decode(b"Caf\xe9 \x93Sari\x94"), "Café “Sari”");
    }
}
