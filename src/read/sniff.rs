//! What kind of file this is, by its content. A name tells a table from other plain text and nothing else.

pub(super) const PDF: &str = "application/pdf";
pub(super) const TIFF: &str = "image/tiff";
pub(super) const HEIC: &str = "image/heic";
pub(super) const ZIP: &str = "application/zip";
pub(super) const RTF: &str = "application/rtf";
pub(super) const EML: &str = "message/rfc822";
pub(super) const TEXT: &str = "text/plain";
pub(super) const CSV: &str = "text/csv";
pub(super) const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
pub(super) const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
pub(super) const PPTX: &str = "application/vnd.openxmlformats-officedocument.presentationml.presentation";
pub(super) const ODT: &str = "application/vnd.oasis.opendocument.text";
pub(super) const ODS: &str = "application/vnd.oasis.opendocument.spreadsheet";
pub(super) const ODP: &str = "application/vnd.oasis.opendocument.presentation";
const UNKNOWN: &str = "application/octet-stream";

/// How many bytes from the beginning [`sniff`] wants to see.
pub(super) const HEAD: usize = 64 << 10;

const READABLE: &[&str] = &[
    PDF,
    "image/jpeg",
    "image/png",
    "image/webp",
    "image/bmp",
    "image/gif",
    TIFF,
    HEIC,
    DOCX,
    XLSX,
    PPTX,
    ODT,
    ODS,
    ODP,
    RTF,
    TEXT,
    CSV,
    EML,
];

/// The media type of a file that begins with `head`.
pub fn sniff(head: &[u8], name: &str) -> &'static str {
    // A PDF may begin with some rubbish, as long as its mark stands in the first kilobyte.
    if head.iter().take(1024).any(|byte| *byte == b'%') && find(&head[..head.len().min(1029)], b"%PDF-").is_some() {
        return PDF;
    }
    if head.starts_with(b"PK\x03\x04") {
        return zipped(head);
    }
    if head.starts_with(b"II*\0") || head.starts_with(b"MM\0*") {
        return TIFF;
    }
    let found = infer::get(head).map(|kind| kind.mime_type());
    match found {
        Some("image/heif" | "image/heic") => HEIC,
        Some("application/rtf" | "text/rtf") => RTF,
        Some("text/html" | "text/xml" | "text/x-shellscript") | None => text(head, name),
        Some(kind) => kind,
    }
}

/// Whether files of this kind are read at all.
pub fn is_readable(media_type: &str) -> bool {
    READABLE.contains(&media_type)
}

/// Whether a file that looks like this goes to the reader. An archive does: only its table of contents, at its end, says
/// whether it is an office file.
pub fn is_worth_a_look(media_type: &str) -> bool {
    is_readable(media_type) || media_type == ZIP
}

/// A media type that a child claims, if it is one of ours.
pub(super) fn known(claimed: &str) -> &'static str {
    READABLE.iter().chain([&ZIP]).find(|kind| **kind == claimed).copied().unwrap_or(UNKNOWN)
}

/// A signature covers a range of bytes of the file, and says so.
pub(super) fn is_signed_pdf(bytes: &[u8]) -> bool {
    let Some(range) = find(bytes, b"/ByteRange") else { return false };
    // An object of its own may come before or after; a form field of an empty signature has no range.
    let near = &bytes[range.saturating_sub(1 << 20)..bytes.len().min(range + (1 << 20))];
    find(near, b"/Type/Sig").or_else(|| find(near, b"/Type /Sig")).or_else(|| find(near, b"adbe.pkcs7")).is_some()
        || find(near, b"ETSI.CAdES").is_some()
}

/// Office files are zip archives; which kind stands in the names of their first entries, or in the entry `mimetype`.
fn zipped(head: &[u8]) -> &'static str {
    let stored = [
        (ODT, "mimetypeapplication/vnd.oasis.opendocument.text"),
        (ODS, "mimetypeapplication/vnd.oasis.opendocument.spreadsheet"),
        (ODP, "mimetypeapplication/vnd.oasis.opendocument.presentation"),
    ];
    let named = [(DOCX, "word/"), (XLSX, "xl/"), (PPTX, "ppt/")];
    let opening = &head[..head.len().min(200)];
    if let Some((kind, _)) = stored.iter().find(|(_, mark)| find(opening, mark.as_bytes()).is_some()) {
        return kind;
    }
    let entry = |at: usize| Some(usize::from(*head.get(at + 26)?) | usize::from(*head.get(at + 27)?) << 8);
    let mut from = 0;
    while let Some(found) = head.get(from..).and_then(|rest| find(rest, b"PK\x03\x04")) {
        let at = from + found;
        let name = entry(at).and_then(|len| head.get(at + 30..at + 30 + len)).unwrap_or_default();
        if let Some((kind, _)) = named.iter().find(|(_, folder)| name.starts_with(folder.as_bytes())) {
            return kind;
        }
        from = at + 4;
    }
    // An Office file whose telling entries come late; the child looks them up and knows better.
    if find(opening, b"[Content_Types].xml").is_some() { DOCX } else { ZIP }
}

fn text(head: &[u8], name: &str) -> &'static str {
    if !is_text(head) {
        return UNKNOWN;
    }
    let shown = String::from_utf8_lossy(&head[..head.len().min(8 << 10)]);
    let start = shown.trim_start_matches('\u{feff}').trim_start();
    if let Some(kind) = markup(start) {
        return kind;
    }
    if is_mail(start) {
        return EML;
    }
    // Only here does the name count: lines with commas in them are a table or a letter, and either is read.
    let lower = name.to_lowercase();
    let is_csv = lower.ends_with(".csv") || (!lower.ends_with(".txt") && is_table(start));
    if is_csv { CSV } else { TEXT }
}

/// A page or XML, by how it begins. A letter may begin with `<` too.
fn markup(start: &str) -> Option<&'static str> {
    let begins = |mark: &str| start.get(..mark.len()).is_some_and(|begun| begun.eq_ignore_ascii_case(mark));
    if begins("<?xml") {
        return Some("text/xml");
    }
    let is_page = begins("<!doctype") || begins("<!--") || is_element(start);
    is_page.then_some("text/html")
}

/// A tag with which pages and drawings begin. Any other one is text, as in a letter that tells somebody what to type.
fn is_element(start: &str) -> bool {
    const FIRST: [&str; 4] = ["html", "head", "body", "svg"];
    let Some(tag) = start.strip_prefix('<') else { return false };
    let length = tag.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(tag.len());
    FIRST.iter().any(|known| known.eq_ignore_ascii_case(&tag[..length]))
}

fn is_text(head: &[u8]) -> bool {
    if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
        return true;
    }
    let control = head.iter().filter(|byte| **byte < 32 && !matches!(**byte, b'\n' | b'\r' | b'\t' | 12)).count();
    let high = head.iter().filter(|byte| **byte >= 128).count();
    let utf8 = match std::str::from_utf8(head) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    // Text of an old office machine has accents here and there, but is not made of them.
    !head.is_empty() && control == 0 && (utf8 || high * 4 < head.len())
}

fn is_mail(start: &str) -> bool {
    const FIELDS: [&str; 10] = [
        "from",
        "to",
        "subject",
        "date",
        "received",
        "mime-version",
        "return-path",
        "message-id",
        "content-type",
        "delivered-to",
    ];
    let names = start.lines().take_while(|line| !line.is_empty()).filter(|line| !line.starts_with([' ', '\t']));
    let names = names.map_while(|line| Some(line.split_once(':')?.0.to_lowercase()));
    names.filter(|name| FIELDS.contains(&name.as_str())).count() >= 3
}

fn is_table(start: &str) -> bool {
    let counts = |mark: char| -> Vec<usize> {
        start.lines().take(6).filter(|line| !line.is_empty()).map(|line| line.matches(mark).count()).collect()
    };
    [',', ';', '\t'].into_iter().map(counts).any(|counts| {
        counts.len() >= 2
            && counts.first().is_some_and(|first| *first >= 2 && counts.iter().all(|count| count == first))
    })
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_decides_and_a_name_cannot_lie() {
        let cases: &[(&[u8], &str, &str)] = &[
            (b"%PDF-1.7\n", "foto.jpg", PDF),
            (b"\0\0rubbish before %PDF-1.4\n", "x", PDF),
            (b"\xff\xd8\xff\xe0\0\x10JFIF", "surat.pdf", "image/jpeg"),
            (b"II*\0\x08\0\0\0", "a.txt", TIFF),
            (b"{\\rtf1\\ansi", "a.doc", RTF),
            (b"Nama;Desa;RT\nBudi;Sukamaju;01\n", "data", CSV),
            (b"Nama;Desa;RT\nBudi;Sukamaju;01\n", "data.txt", TEXT),
            (b"Kepada Yth. Camat", "a.csv", CSV),
            (b"From: a@b.id\r\nTo: c@d.id\r\nSubject: Undangan\r\n\r\nIsi", "x.txt", EML),
            (b"Yth. Bapak Camat\ndi tempat", "", TEXT),
            (b"\xff\xfeY\0t\0h\0", "", TEXT),
            (b"<html><body>", "a.html", "text/html"),
            (b"<html><body>", "a.txt", "text/html"),
            (b"<HTML lang=id>", "a.csv", "text/html"),
            (b"\xef\xbb\xbf \r\n<!DOCTYPE html><p>Undangan", "a.txt", "text/html"),
            (b"<!-- disimpan dari peramban -->\n<p>Undangan", "a.txt", "text/html"),
            (b"<div class=\"surat\">Undangan</div>", "a.html", TEXT),
            (b"<svg viewBox=\"0 0 1 1\"/>", "gambar.txt", "text/html"),
            (b"<?xml version=\"1.0\"?><faktur/>", "a.txt", "text/xml"),
            (b"<?XML version=\"1.0\"?><faktur/>", "", "text/xml"),
            (b"<faktur><nomor>005</nomor></faktur>", "faktur.xml", TEXT),
            (b"<<PENGUMUMAN>> Rapat di balai desa", "a.html", TEXT),
            (b"<Rahasia> Kepada Yth. Camat", "a.xml", TEXT),
            (b"<budi@desa.id> menulis:\nsetuju", "a.html", TEXT),
            (b"< 5 hektar sawah", "", TEXT),
            (b"<", "a.html", TEXT),
            (b"\x00\x01\x02\x03", "a.txt", UNKNOWN),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a.doc", UNKNOWN),
        ];
        for (head, name, wanted) in cases {
            let found = sniff(head, name);
            if *wanted == UNKNOWN {
                assert!(!is_readable(found), "{name}: {found}");
            } else {
                assert_eq!(found, *wanted, "{name}");
            }
        }
    }

    #[test]
    fn a_signature_is_seen_and_an_empty_field_is_not_one() {
        let signed = b"5 0 obj <</Type/Sig/Filter/Adobe.PPKLite/ByteRange [0 10 20 30]/Contents<00>>>";
        assert!(is_signed_pdf(signed));
        assert!(!is_signed_pdf(b"5 0 obj <</FT/Sig/T(Tanda tangan)>>"));
    }
}
