//! How the hostile files of our own are made.

use super::documents::zipped;
use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;

pub const LAUGHS: &str =
    "<!DOCTYPE l [<!ENTITY a \"haha\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]><w:p><w:t>&b;</w:t></w:p>";

/// A PDF with the page tree as given and whatever objects follow it; a reader finds them without a table.
pub fn pdf_of(tree: &str, rest: &str) -> Vec<u8> {
    format!("%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj{tree}endobj\n{rest}\ntrailer<</Root 1 0 R>>\n%%EOF")
        .into_bytes()
}

pub fn one_page(media_box: &str, content: &str) -> Vec<u8> {
    let page = format!(
        "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[{media_box}]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>endobj\n\
         4 0 obj<</Length {}>>stream\n{content}\nendstream endobj\n\
         5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj",
        content.len()
    );
    pdf_of("<</Type/Pages/Kids[3 0 R]/Count 1>>", &page)
}

/// Locked with a password that nobody told us; with a table of its objects, as every program writes it.
pub fn locked_pdf() -> Vec<u8> {
    let objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>",
        "<</Filter/Standard/V 1/R 2/P -4/O<00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff>\
         /U<ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100>>>",
    ];
    let mut pdf = "%PDF-1.4\n".to_owned();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (at, object) in objects.iter().enumerate() {
        table.push_str(&format!("{:010} 00000 n \n", pdf.len()));
        pdf.push_str(&format!("{} 0 obj\n{object}\nendobj\n", at + 1));
    }
    let start = pdf.len();
    let id = "<0123456789abcdef0123456789abcdef>";
    format!("{pdf}{table}trailer\n<</Size 5/Root 1 0 R/Encrypt 4 0 R/ID[{id}{id}]>>\nstartxref\n{start}\n%%EOF")
        .into_bytes()
}

/// A page whose content is a gigabyte of blanks, packed into one megabyte.
pub fn stream_bomb() -> Vec<u8> {
    let packed = deflated(&[b' '; 1 << 20], 1024);
    let head = format!("4 0 obj<</Filter/FlateDecode/Length {}>>stream\n", packed.len() + 2);
    let page = "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R>>endobj\n";
    let mut pdf = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n\
        2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        .to_vec();
    pdf.extend_from_slice(page.as_bytes());
    pdf.extend_from_slice(head.as_bytes());
    pdf.extend_from_slice(&[0x78, 0x9c]);
    pdf.extend_from_slice(&packed);
    pdf.extend_from_slice(b"\nendstream endobj\ntrailer<</Root 1 0 R>>\n%%EOF");
    pdf
}

pub fn zip_bomb(name: &str) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file("mimetype", SimpleFileOptions::default()).expect("memory");
    archive.write_all(b"application/vnd.oasis.opendocument.text").expect("memory");
    archive.start_file(name, SimpleFileOptions::default()).expect("memory");
    let piece = [b' '; 1 << 20];
    for _ in 0..200 {
        archive.write_all(&piece).expect("memory");
    }
    archive.finish().expect("memory").into_inner()
}

/// The bare deflate stream of `piece` so many times over.
pub fn deflated(piece: &[u8], times: usize) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file("x", SimpleFileOptions::default()).expect("memory");
    for _ in 0..times {
        archive.write_all(piece).expect("memory");
    }
    let packed = archive.finish().expect("memory");
    let mut archive = zip::ZipArchive::new(packed).expect("ours");
    let mut raw = archive.by_index_raw(0).expect("ours");
    let mut bytes = Vec::new();
    std::io::copy(&mut raw, &mut bytes).expect("memory");
    bytes
}

/// The picture with another size in its header, checksum and all.
pub fn sized_png(png: &[u8], width: u32, height: u32) -> Vec<u8> {
    let mut bytes = png.to_vec();
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let mut sum = u32::MAX;
    for byte in &bytes[12..29] {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 };
        }
    }
    bytes[29..33].copy_from_slice(&(!sum).to_be_bytes());
    bytes
}

/// A grey TIFF of one strip, whose page list goes on at `next`.
pub fn tiff(width: u32, height: u32, next: u32) -> Vec<u8> {
    let mut bytes = b"II*\0\x08\0\0\0".to_vec();
    let tags =
        [(256u16, width), (257, height), (258, 8), (259, 1), (262, 1), (273, 200), (277, 1), (278, height), (279, 64)];
    bytes.extend((tags.len() as u16).to_le_bytes());
    for (tag, value) in tags {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(4u16.to_le_bytes());
        bytes.extend(1u32.to_le_bytes());
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend(next.to_le_bytes());
    bytes.resize(200 + 64, 255);
    bytes
}

pub fn nested_mail(depth: usize) -> Vec<u8> {
    let mut mail = "From: a@contoh.id\r\nTo: b@contoh.id\r\nSubject: Undangan\r\nMIME-Version: 1.0\r\n".to_owned();
    for level in 0..depth {
        mail.push_str(&format!("Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n"));
    }
    mail.push_str("Content-Type: text/plain\r\n\r\nisi\r\n");
    mail.into_bytes()
}

pub const FAR_APART: &str = r#"<worksheet><sheetData>
    <row r="1"><c r="A1" t="inlineStr"><is><t>Anggaran</t></is></c><c r="B1"><v>5000</v></c></row>
    <row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>ujung</t></is></c></row></sheetData></worksheet>"#;

pub const LAUGHING_SHEET: &str = r#"<!DOCTYPE l [<!ENTITY a "haha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><worksheet><sheetData>
    <row r="1"><c r="A1" t="inlineStr"><is><t>&b;</t></is></c></row></sheetData></worksheet>"#;

pub fn open_document(content: &str) -> Vec<u8> {
    zipped(&[("mimetype", "application/vnd.oasis.opendocument.text"), ("content.xml", content)])
}

pub fn many_entries(count: usize) -> Vec<u8> {
    let names: Vec<String> = (0..count).map(|number| format!("word/{number}.xml")).collect();
    zipped(&names.iter().map(|name| (name.as_str(), "")).collect::<Vec<_>>())
}

/// Its table of objects names itself as the one before it.
pub fn table_that_follows_itself() -> Vec<u8> {
    let objects = "1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n\
        3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\n";
    let mut pdf = "%PDF-1.4\n".to_owned();
    let mut table = "xref\n0 4\n0000000000 65535 f \n".to_owned();
    for object in objects.split_inclusive('\n') {
        table.push_str(&format!("{:010} 00000 n \n", pdf.len()));
        pdf.push_str(object);
    }
    let start = pdf.len();
    format!("{pdf}{table}trailer\n<</Size 4/Root 1 0 R/Prev {start}>>\nstartxref\n{start}\n%%EOF").into_bytes()
}

pub fn length_of_itself() -> Vec<u8> {
    let page = "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R>>endobj\n\
        4 0 obj<</Length 4 0 R>>stream\n0 0 9 9 re f\nendstream endobj";
    pdf_of("<</Type/Pages/Kids[3 0 R]/Count 1>>", page)
}

pub fn drawing_that_draws_itself() -> Vec<u8> {
    let draw = "/X Do /X Do";
    let page = format!(
        "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources 6 0 R>>endobj\n\
         4 0 obj<</Length {0}>>stream\n{draw}\nendstream endobj\n\
         5 0 obj<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources 6 0 R/Length {0}>>stream\n{draw}\nendstream endobj\n\
         6 0 obj<</XObject<</X 5 0 R>>>>endobj",
        draw.len()
    );
    pdf_of("<</Type/Pages/Kids[3 0 R]/Count 1>>", &page)
}

/// One picture of 100,000 by 100,000 on a page of ordinary size.
pub fn gigapixels() -> Vec<u8> {
    let page = "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</XObject<</X 5 0 R>>>>>>endobj\n\
        4 0 obj<</Length 24>>stream\n595 0 0 842 0 0 cm /X Do\nendstream endobj\n\
        5 0 obj<</Type/XObject/Subtype/Image/Width 100000/Height 100000/BitsPerComponent 8/ColorSpace/DeviceRGB/Length 9>>stream\n123456789\nendstream endobj";
    pdf_of("<</Type/Pages/Kids[3 0 R]/Count 1>>", page)
}

pub fn many_pages(count: usize) -> Vec<u8> {
    let numbers = 3..count + 3;
    let kids: String = numbers.clone().map(|number| format!("{number} 0 R ")).collect();
    let pages: String =
        numbers.map(|number| format!("{number} 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\n")).collect();
    pdf_of(&format!("<</Type/Pages/Kids[{kids}]/Count {count}>>"), &pages)
}

/// A header that promises so many pixels, and no pixel.
pub fn bmp(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"BM\x80\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
    bytes.extend([width.to_le_bytes(), height.to_le_bytes()].concat());
    bytes.extend(b"\x01\0\x18\0");
    bytes.resize(128, 0);
    bytes
}

pub fn gif(width: u16, height: u16) -> Vec<u8> {
    let size = [width.to_le_bytes(), height.to_le_bytes()].concat();
    [b"GIF89a", &size[..], b"\0\0\0,\0\0\0\0", &size[..], b"\0\x02\x02\x44\x01\0;"].concat()
}

/// A mail that holds a mail that holds a mail.
pub fn forwarded_mail(depth: usize) -> Vec<u8> {
    let head = "From: a@contoh.id\r\nTo: b@contoh.id\r\nSubject: Terusan\r\nMIME-Version: 1.0\r\n";
    let level = |level: usize| {
        format!(
            "{head}Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\nContent-Type: message/rfc822\r\n\r\n"
        )
    };
    let mail: String = (0..depth).map(level).collect();
    format!("{mail}{head}\r\nisi\r\n").into_bytes()
}

pub fn parted_mail(parts: usize) -> Vec<u8> {
    let head = "From: a@contoh.id\r\nTo: b@contoh.id\r\nSubject: Undangan\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/mixed; boundary=x\r\n\r\n";
    let part = "--x\r\nContent-Type: text/plain\r\n\r\nisi\r\n";
    format!("{head}{}--x--\r\n", part.repeat(parts)).into_bytes()
}
