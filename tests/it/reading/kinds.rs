//! Every kind of file that is accepted, by the API: what it is told to be, whether its words are found, what becomes of it
//! where it cannot be read.

use super::{
    documents::{DOCX, DOCX_BODY, PPTX, XLSX, workbook, zipped},
    hostile_makers::{locked_pdf, open_document},
    support::{encoded, letter_pdf, letter_scan, png},
};
use crate::support::{
    app::{TestApp, both_stacks},
    client::Client,
    regency::{Actor, Stack},
};
use image::{ImageFormat, imageops};
use lumbung::read::Reason;
use serde_json::{Value, json};

/// A file under a name that may lie, what it is, and a word of each of its pages.
struct Kind {
    name: &'static str,
    bytes: Vec<u8>,
    media_type: &'static str,
    words: &'static [&'static str],
    is_pictured: bool,
}

fn kind(
    name: &'static str,
    bytes: impl Into<Vec<u8>>,
    media_type: &'static str,
    words: &'static [&'static str],
) -> Kind {
    let is_pictured = media_type.starts_with("image/") || media_type == "application/pdf";
    Kind { name, bytes: bytes.into(), media_type, words, is_pictured }
}

/// The photographs and scans: read by OCR.
async fn scanned() -> Vec<Kind> {
    // The upper part of a sheet: less for OCR to look at.
    let scan = async |word: &str| {
        let sheet = letter_scan(&["SURAT KETERANGAN", word, "kepala desa"]).await;
        imageops::crop_imm(&sheet, 0, 0, sheet.width(), 520).to_image()
    };
    let mut tiff = std::io::Cursor::new(Vec::new());
    let mut pages = tiff::encoder::TiffEncoder::new(&mut tiff).expect("memory");
    for word in ["DAHLIA", "SERUNI"] {
        let page = imageops::grayscale(&scan(word).await);
        pages
            .write_image::<tiff::encoder::colortype::Gray8>(page.width(), page.height(), page.as_raw())
            .expect("memory");
    }
    vec![
        kind("foto.png", encoded(&scan("MELATI").await, ImageFormat::Jpeg), "image/jpeg", &["melati"]),
        kind("pindaian.pdf", png(&scan("KENANGA").await), "image/png", &["kenanga"]),
        kind("foto.txt", encoded(&scan("CEMPAKA").await, ImageFormat::WebP), "image/webp", &["cempaka"]),
        kind("faks", tiff.into_inner(), "image/tiff", &["dahlia", "seruni"]),
    ]
}

fn typed() -> Vec<Kind> {
    let sheet = r#"<worksheet><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>gladiol</t></is></c></row></sheetData></worksheet>"#;
    let slides =
        [("ppt/presentation.xml", "<p/>"), ("ppt/slides/slide1.xml", "<p:sld><a:p><a:t>bakung</a:t></a:p></p:sld>")];
    let table = "<office:body><table:table><table:table-row><table:table-cell><text:p>kemuning</text:p></table:table-cell></table:table-row></table:table></office:body>";
    let ods = "application/vnd.oasis.opendocument.spreadsheet";
    let wide: Vec<u8> = "surat tentang wijaya\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mail = "From: Camat <camat@contoh.id>\r\nTo: desa@contoh.id\r\nSubject: Undangan\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nsedapmalam\r\n--x\r\n\
        Content-Type: text/plain; name=\"jadwal.txt\"\r\nContent-Disposition: attachment; filename=\"jadwal.txt\"\r\n\r\n\
        bugenvil\r\n--x--\r\n";
    vec![
        kind("gambar.jpg", letter_pdf(&["surat tentang anggrek"]), "application/pdf", &["anggrek"]),
        kind("a.pdf", zipped(&[(DOCX_BODY, "<w:p><w:t>teratai</w:t></w:p>")]), DOCX, &["teratai"]),
        kind("a.zip", workbook(sheet), XLSX, &["gladiol"]),
        kind("a.docx", zipped(&slides), PPTX, &["bakung"]),
        kind(
            "a.odt",
            open_document("<office:body><text:p>kamboja</text:p></office:body>"),
            "application/vnd.oasis.opendocument.text",
            &["kamboja"],
        ),
        kind("a.ods", zipped(&[("mimetype", ods), ("content.xml", table)]), ods, &["kemuning"]),
        kind("lama.doc", &br"{\rtf1\ansi\b surat\b0  flamboyan}"[..], "application/rtf", &["flamboyan"]),
        kind("utf8.txt", "surat — tentang nusaindah é\n", "text/plain", &["nusaindah"]),
        kind("utf16.txt", [&b"\xff\xfe"[..], &wide].concat(), "text/plain", &["wijaya"]),
        kind("lama.txt", &b"caf\xe9 \x93matahari\x94 sore\n"[..], "text/plain", &["matahari", "café"]),
        kind("data", "nama;desa;rt\nbudi;tulip;01\n", "text/csv", &["tulip"]),
        kind("pesan.txt", mail, "message/rfc822", &["sedapmalam", "bugenvil"]),
        late_office_file(),
    ]
}

/// An office file that begins with a large picture of itself: only the table at its end says what it is.
fn late_office_file() -> Kind {
    let mut noise = 0x2545_f491_u32;
    let mut letter = || {
        noise ^= noise << 13;
        noise ^= noise >> 17;
        noise ^= noise << 5;
        char::from(b'!' + (noise % 90) as u8)
    };
    let thumbnail: String = (0..200_000).map(|_| letter()).collect();
    let entries = [("docProps/thumbnail.emf", thumbnail.as_str()), (DOCX_BODY, "<w:p><w:t>lavender</w:t></w:p>")];
    kind("surat.docx", zipped(&entries), DOCX, &["lavender"])
}

both_stacks!(every_kind_is_told_by_its_content_read_and_found_by_its_words, async |app: &TestApp| {
    let clerk = app.actor(Actor::Clerk);
    let mut sent = Vec::new();
    for kind in scanned().await.into_iter().chain(typed()) {
        let made = clerk.upload(kind.name, kind.bytes.clone(), json!({ "title": "Tanpa judul" })).await;
        sent.push((made["id"].as_str().expect("an id").to_owned(), kind));
    }
    for (id, kind) in &sent {
        let settled = clerk.settled(id).await;
        assert_eq!(
            (&settled["state"], &settled["media_type"]),
            (&json!("ready"), &json!(kind.media_type)),
            "{}: {settled}",
            kind.name
        );
        for word in kind.words {
            assert_eq!(clerk.finds(word).await, [id.as_str()], "{}: {word}", kind.name);
        }
        let pages = if kind.media_type == "image/tiff" { 2 } else { 1 };
        assert_eq!(settled["pages"], pages, "{}", kind.name);
        let picture = clerk.get(&format!("/api/v1/documents/{id}/pages/{pages}/image")).await;
        assert_eq!(picture.status, if kind.is_pictured { 200 } else { 404 }, "{}", kind.name);
    }
});

both_stacks!(what_is_of_another_kind_is_stored_and_found_by_its_title, async |app: &TestApp| {
    let clerk = app.actor(Actor::Clerk);
    let kinds: [(&str, Vec<u8>, &str); 4] = [
        ("arsip.zip", zipped(&[("foto/a.txt", "isi")]), "application/zip"),
        ("lama.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 lama".to_vec(), ""),
        ("halaman.pdf", b"<html><body>halo</body></html>".to_vec(), "text/html"),
        ("program.pdf", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec(), ""),
    ];
    for (name, bytes, media_type) in kinds {
        let made = clerk.upload(name, bytes.clone(), json!({ "title": format!("Berkas {name} kalimati") })).await;
        let id = made["id"].as_str().expect("an id");
        let settled = clerk.settled(id).await;
        assert_eq!((&settled["state"], settled.get("reason")), (&json!("stored"), None), "{name}: {settled}");
        if !media_type.is_empty() {
            assert_eq!(settled["media_type"], media_type, "{name}");
        }
        assert_eq!(clerk.get(&format!("/api/v1/documents/{id}/content")).await.is(200).body, bytes, "{name}");
    }
    app.settled().await;
    assert_eq!(clerk.search("kalimati").await["total"], 4);
});

both_stacks!(a_photograph_in_heic_is_read_or_says_what_is_missing, async |app: &TestApp| {
    let clerk = app.actor(Actor::Clerk);
    let bytes = include_bytes!("../../data/surat.heic").to_vec();
    let made = clerk.upload("foto.jpg", bytes.clone(), json!({})).await;
    let settled = clerk.settled(made["id"].as_str().expect("an id")).await;
    assert_eq!(settled["media_type"], "image/heic");
    if app.app.reader.status().await.heif.is_some() {
        assert_eq!(settled["state"], "ready", "{settled}");
    } else {
        is_unreadable(&settled, Reason::NoHeif);
    }
    let content = format!("/api/v1/documents/{}/content", settled["id"].as_str().expect("an id"));
    assert_eq!(clerk.get(&content).await.is(200).body, bytes);
});

fn is_unreadable(settled: &Value, reason: Reason) {
    let said = reason.say();
    assert_eq!((&settled["state"], &settled["reason"]), (&json!("unreadable"), &json!(reason.slug())), "{settled}");
    assert_eq!(settled["reason_text"], json!({ "id": said.id, "en": said.en }), "{settled}");
}

both_stacks!(what_cannot_be_read_is_kept_says_why_and_may_be_tried_again, async |app: &TestApp| {
    let clerk = app.actor(Actor::Clerk);
    let whole = letter_pdf(&["surat undangan"]);
    let files = [
        (locked_pdf(), Reason::Encrypted),
        ([&b"%PDF-1.7\n"[..], &[0xA7; 3_000]].concat(), Reason::Broken),
        (png(&image::RgbImage::new(300, 200))[..200].to_vec(), Reason::Broken),
    ];
    for (bytes, reason) in files {
        let made = clerk.upload("surat.pdf", bytes.clone(), json!({})).await;
        let path = format!("/api/v1/documents/{}", made["id"].as_str().expect("an id"));
        is_unreadable(&clerk.settled(&path[18..]).await, reason);
        assert_eq!(clerk.post(&format!("{path}/read"), json!({})).await.is(202).json()["state"], "received");
        is_unreadable(&clerk.settled(&path[18..]).await, reason);
        assert_eq!(clerk.get(&format!("{path}/content")).await.is(200).body, bytes);
        clerk.get(&format!("{path}/pages/1/image")).await.is(404);
    }
    let noted = app.noted("document.read_again").await;
    assert!(noted.len() >= 3 && noted.iter().all(|entry| entry["person_name"] == "clerk"), "{noted:?}");
    let read = clerk.upload_and_read("surat.pdf", whole, json!({})).await;
    let again = format!("/api/v1/documents/{}/read", read["id"].as_str().expect("an id"));
    clerk.post(&again, json!({})).await.refusal(409, "not-unreadable");
});

both_stacks!(a_signed_pdf_says_so_and_comes_back_byte_for_byte, async |app: &TestApp| {
    let clerk = app.actor(Actor::Clerk);
    let plain = clerk.upload_and_read("biasa.pdf", letter_pdf(&["surat biasa"]), json!({})).await;
    assert_eq!(plain["signed"], false);
    let mut signed = letter_pdf(&["surat bertanda tangan"]);
    signed.extend_from_slice(
        b"\n9 0 obj<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/adbe.pkcs7.detached/ByteRange[0 10 20 30]/Contents<00>>>endobj\n",
    );
    let read = clerk.upload_and_read("tte.pdf", signed.clone(), json!({})).await;
    assert_eq!(read["signed"], true);
    let path = format!("/api/v1/documents/{}", read["id"].as_str().expect("an id"));
    clerk.get(&format!("{path}/pages/1/image")).await.is(200);
    clerk.patch(&path, json!({ "title": "Judul lain" })).await.is(200);
    assert_eq!(clerk.get(&format!("{path}/content")).await.is(200).body, signed);
});

/// A scan, and a letter of which one page is a scan: both wait for an OCR program that comes later.
#[tokio::test(flavor = "multi_thread")]
async fn what_waited_for_tesseract_is_read_on_request_once_it_is_installed_without_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join("tesseract");
    let app = TestApp::with(Stack::Embedded, &[("reading.tesseract", program.to_str().expect("a path"))]).await;
    let clerk = app.actor(Actor::Clerk);
    let scan = png(&letter_scan(&["SURAT KETERANGAN", "tentang BLENCONG"]).await);
    let made = clerk.upload("pindaian.png", scan, json!({})).await;
    let id = made["id"].as_str().expect("an id");
    is_unreadable(&clerk.settled(id).await, Reason::NoTesseract);
    assert_eq!(clerk.get("/api/v1/status").await.is(200).json()["reading"]["ocr"], false);
    std::os::unix::fs::symlink("/usr/bin/tesseract", &program).expect("our folder");
    assert_eq!(read_again_until_ready(&clerk, id).await["state"], "ready");
    assert_eq!(clerk.finds("blencong").await, [id]);
    assert_eq!(clerk.get("/api/v1/status").await.is(200).json()["reading"]["ocr"], true);
    app.finish().await;
}

async fn read_again_until_ready(clerk: &Client, id: &str) -> Value {
    for _ in 0..20 {
        clerk.post(&format!("/api/v1/documents/{id}/read"), json!({})).await.is(202);
        let settled = clerk.settled(id).await;
        if settled["state"] == "ready" {
            return settled;
        }
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
    panic!("{id} is not read: {}", clerk.settled(id).await);
}
