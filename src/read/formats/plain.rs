//! Text files, tables of text, and mail.

use super::office::Pages;
use crate::read::{reason::Reason, wire::Limits};
use mail_parser::{Address, MessageParser, MimeHeaders};

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

/// A mail as its reader would see it, with the names of what is attached.
pub(super) fn mail(bytes: &[u8], limits: &Limits) -> Result<Vec<String>, Reason> {
    let mail = MessageParser::default().parse(bytes).ok_or(Reason::Broken)?;
    let mut out = Pages::new(limits.max_text_bytes);
    let mut line = |label: &str, value: String| {
        if value.is_empty() { Ok(()) } else { out.push(&format!("{label}: {value}\n")) }
    };
    line("Perihal", mail.subject().unwrap_or_default().to_owned())?;
    line("Dari", people(mail.from()))?;
    line("Kepada", people(mail.to()))?;
    line("Tembusan", people(mail.cc()))?;
    line("Tanggal", mail.date().map(|date| date.to_rfc3339()).unwrap_or_default())?;
    for name in mail.attachments().filter_map(|part| part.attachment_name()).take(1_000) {
        line("Lampiran", name.to_owned())?;
    }
    for part in 0..mail.text_body_count().min(100) {
        out.push("\n")?;
        out.push(&mail.body_text(part).unwrap_or_default())?;
    }
    out.finish()
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
