//! Office files, text, mail and photographs of telephones.

use super::hostile_makers::FAR_APART;
use super::support::{
    LETTER, encoded, letter_pdf, letter_scan, outcome, plaintext, png, reader, reading, share_of_words,
};
use image::{ImageFormat, imageops};
use lumbung::read::{Outcome, Reason, Source};
use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;

pub const DOCX_BODY: &str = "word/document.xml";
pub const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
pub const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
pub const PPTX: &str = "application/vnd.openxmlformats-officedocument.presentationml.presentation";

pub fn zipped(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        archive.start_file(*name, SimpleFileOptions::default()).expect("memory");
        archive.write_all(content.as_bytes()).expect("memory");
    }
    archive.finish().expect("memory").into_inner()
}

async fn texts(bytes: &[u8], name: &str, media_type: &str) -> Vec<String> {
    let reading = reading(bytes, name).await;
    assert_eq!((reading.media_type.as_str(), reading.pictures, reading.incomplete), (media_type, false, None));
    for page in &reading.pages {
        assert_eq!((page.source, page.words.len()), (Source::Layer, 0));
    }
    reading.pages.into_iter().map(|page| page.text).collect()
}

#[tokio::test]
async fn word_and_slides_are_read_page_by_page() {
    let word = zipped(&[
        ("[Content_Types].xml", "<Types/>"),
        (
            "word/document.xml",
            "<w:document><w:p><w:t>Keputusan &amp; lampiran</w:t></w:p><w:p><w:br w:type=\"page\"/><w:t>Halaman dua</w:t></w:p></w:document>",
        ),
        ("word/footer1.xml", "<w:ftr><w:p><w:t>Kaki surat</w:t></w:p></w:ftr>"),
    ]);
    assert_eq!(texts(&word, "a.pdf", DOCX).await, ["Keputusan & lampiran", "Halaman dua\nKaki surat"]);
    let slides = zipped(&[
        ("ppt/presentation.xml", "<p/>"),
        ("ppt/slides/slide10.xml", "<p:sld><a:p><a:t>Sepuluh</a:t></a:p></p:sld>"),
        ("ppt/slides/slide2.xml", "<p:sld><a:p><a:t>Dua</a:t></a:p></p:sld>"),
    ]);
    assert_eq!(texts(&slides, "a.pptx", PPTX).await, ["Dua", "Sepuluh"]);
}

#[tokio::test]
async fn open_documents_are_told_apart_by_what_they_say_they_are() {
    for (kind, xml, wanted) in [
        ("text", "<office:body><text:p>Surat<text:tab/>tugas</text:p></office:body>", vec!["Surat tugas"]),
        (
            "presentation",
            "<office:body><draw:page><text:p>Satu</text:p></draw:page><draw:page><text:p>Dua</text:p></draw:page></office:body>",
            vec!["Satu", "Dua"],
        ),
        (
            "spreadsheet",
            "<office:body><table:table><table:table-row><table:table-cell><text:p>Desa</text:p></table:table-cell><table:table-cell><text:p>187</text:p></table:table-cell></table:table-row></table:table></office:body>",
            vec!["Desa 187"],
        ),
    ] {
        let media_type = format!("application/vnd.oasis.opendocument.{kind}");
        let bytes = zipped(&[("mimetype", &media_type), ("content.xml", xml)]);
        assert_eq!(texts(&bytes, "x", &media_type).await, wanted);
    }
}

#[tokio::test]
async fn a_workbook_is_read_row_by_row_however_far_apart_its_cells_lie() {
    assert_eq!(texts(&workbook(FAR_APART), "a.xlsx", XLSX).await, ["APBDes\nAnggaran 5000\nujung"]);
}

/// A workbook of one sheet.
pub fn workbook(sheet: &str) -> Vec<u8> {
    zipped(&[
        (
            "_rels/.rels",
            r#"<Relationships><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#,
        ),
        (
            "xl/workbook.xml",
            r#"<workbook xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="APBDes" sheetId="1" r:id="rId1"/></sheets></workbook>"#,
        ),
        (
            "xl/_rels/workbook.xml.rels",
            r#"<Relationships><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#,
        ),
        ("xl/worksheets/sheet1.xml", sheet),
    ])
}

#[tokio::test]
async fn text_tables_rich_text_and_mail_are_read() {
    assert_eq!(texts(b"Yth. Camat\r\ndi tempat", "a.txt", "text/plain").await, ["Yth. Camat\ndi tempat"]);
    assert_eq!(texts(b"nama;desa\nUdin;Caf\xe9\n", "a.csv", "text/csv").await, ["nama;desa\nUdin;Café"]);
    let rich = br"{\rtf1\ansi\b Surat\b0  tugas\par Nomor 7}";
    assert_eq!(texts(rich, "a.doc", "application/rtf").await, ["Surat tugas\nNomor 7"]);
    let mail = "From: Camat <camat@contoh.id>\r\nTo: desa@contoh.id\r\nSubject: =?utf-8?q?Undangan_rapat?=\r\n\
        MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\n\
        Mohon hadir.\r\n--x\r\nContent-Type: application/pdf; name=\"jadwal.pdf\"\r\nContent-Disposition: attachment; \
        filename=\"jadwal.pdf\"\r\n\r\nx\r\n--x--\r\n";
    let read = texts(mail.as_bytes(), "a.eml", "message/rfc822").await.remove(0);
    for part in ["Perihal: Undangan rapat", "Dari: Camat <camat@contoh.id>", "Lampiran: jadwal.pdf", "Mohon hadir."] {
        assert!(read.contains(part), "{part} is missing: {read}");
    }
}

#[tokio::test]
async fn what_is_attached_to_a_mail_is_read_where_it_is_text() {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let word = zipped(&[(DOCX_BODY, "<w:p><w:t>Rencana jembatan</w:t></w:p>")]);
    let mail = format!(
        "From: camat@contoh.id\r\nTo: desa@contoh.id\r\nSubject: Terusan\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nLihat lampiran.\r\n\
         --x\r\nContent-Type: application/octet-stream; name=\"a.docx\"\r\nContent-Disposition: attachment; \
         filename=\"a.docx\"\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n\
         --x\r\nContent-Type: message/rfc822\r\n\r\nFrom: bupati@contoh.id\r\nTo: camat@contoh.id\r\n\
         Subject: Perintah asli\r\n\r\nSegera laksanakan.\r\n--x--\r\n",
        STANDARD.encode(word)
    );
    let read = texts(mail.as_bytes(), "a.eml", "message/rfc822").await.join("\n");
    for part in ["Lihat lampiran.", "Lampiran: a.docx", "Rencana jembatan", "Perintah asli", "Segera laksanakan."] {
        assert!(read.contains(part), "{part} is missing: {read}");
    }
}

#[tokio::test]
async fn what_is_not_read_is_said_to_be_stored() {
    let cases = [
        (zipped(&[("foto/a.txt", "isi")]), "arsip.zip"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 old office".to_vec(), "lama.doc"),
        (b"<html><body>halo</body></html>".to_vec(), "a.html"),
        (b"\x7fELF\x02\x01\x01".to_vec(), "program.pdf"),
    ];
    for (bytes, name) in cases {
        assert!(matches!(outcome(&bytes, name).await, Outcome::Stored { .. }), "{name}");
    }
    let pictured = reader().picture(&plaintext(b"Yth. Camat"), 1, 800, 0, None).await;
    assert_eq!(pictured, Err(Reason::NoPictures));
}

#[tokio::test]
async fn a_photograph_in_heic_is_read_like_any_other() {
    if reader().status().await.heif.is_none() {
        let said = outcome(include_bytes!("../../data/surat.heic"), "foto.heic").await;
        assert!(matches!(said, Outcome::Unreadable { reason: Reason::NoHeif, .. }));
        return;
    }
    let reading = reading(include_bytes!("../../data/surat.heic"), "foto.heic").await;
    assert_eq!((reading.media_type.as_str(), reading.pictures), ("image/heic", true));
    assert!(share_of_words(&reading.pages[0].text, LETTER) > 0.9, "{}", reading.pages[0].text);
}

#[tokio::test]
async fn photographs_become_one_pdf_with_their_jpegs_unchanged() {
    let scan = letter_scan(LETTER).await;
    let jpeg = encoded(&scan, ImageFormat::Jpeg);
    let lying = png(&imageops::rotate270(&scan));
    let parts = vec![(plaintext(&jpeg), 0), (plaintext(&lying), 90)];
    let pdf = reader().pictures_to_pdf(parts).await.expect("a PDF");
    assert!(pdf.windows(jpeg.len()).any(|part| part == jpeg), "the photograph was changed");
    let reading = reading(&pdf, "foto.pdf").await;
    assert_eq!(reading.pages.len(), 2);
    for page in &reading.pages {
        assert_eq!(page.turned, 0, "the sheet itself stands upright");
        assert!(share_of_words(&page.text, LETTER) > 0.9, "{}", page.text);
    }
    let cut = plaintext(&jpeg[..jpeg.len() / 2]);
    let not_a_picture = plaintext(&letter_pdf(LETTER));
    assert!(reader().pictures_to_pdf(vec![(cut, 0)]).await.is_err());
    assert_eq!(reader().pictures_to_pdf(vec![(not_a_picture, 0)]).await, Err(Reason::NoPictures));
    assert_eq!(reader().pictures_to_pdf(vec![]).await, Err(Reason::Empty));
}
