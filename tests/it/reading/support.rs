//! Files of our own making: letters typeset to PDF, scans rendered from them.

use image::{DynamicImage, ImageFormat, RgbImage};
use lumbung::read::{Outcome, Plaintext, Reader, Reading, Settings};
use pdf_writer::{Content, Finish, Name, Pdf, Rect, Ref, Str};
use std::{
    io::Cursor,
    path::{Path, PathBuf},
};

pub const LETTER: &[&str] = &[
    "PEMERINTAH DESA SUKAMAJU",
    "KECAMATAN CIBITUNG",
    "Nomor 005/127/Pemdes tanggal 15 Desember 2025",
    "Perihal undangan musyawarah perencanaan pembangunan desa",
    "",
    "Dengan hormat,",
    "Bersama surat ini kami mengundang Bapak dan Ibu untuk hadir",
    "dalam musyawarah perencanaan pembangunan desa yang akan",
    "dilaksanakan pada hari Selasa di Balai Desa Sukamaju.",
    "Acara dimulai pukul sembilan pagi dan dihadiri oleh camat,",
    "kepala dusun, serta perwakilan masyarakat dari setiap rukun",
    "warga. Kehadiran tepat waktu sangat kami harapkan demi",
    "kelancaran acara tersebut.",
    "Atas perhatian dan kerja sama yang baik kami ucapkan terima kasih.",
];

pub fn reader() -> Reader {
    Reader::new(Settings::default(), program())
}

pub fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_lumbung"))
}

pub fn plaintext(bytes: &[u8]) -> Plaintext {
    Plaintext::of("test", bytes).expect("memory")
}

/// A folder of data that is not part of the project, or `None` with a line that says so.
pub fn shared(path: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = ["../shared/data", "../../shared/data"].map(|data| root.join(data).join(path));
    let found = found.into_iter().find(|path| path.exists());
    if found.is_none() {
        eprintln!("SKIPPED: ../shared/data/{path} is not here");
    }
    found
}

pub fn shared_file(path: &str) -> Option<Vec<u8>> {
    shared(path).map(|path| std::fs::read(path).expect("readable"))
}

pub async fn outcome(bytes: &[u8], name: &str) -> Outcome {
    reader().read(&plaintext(bytes), name, |_, _| {}).await
}

pub async fn reading(bytes: &[u8], name: &str) -> Reading {
    match outcome(bytes, name).await {
        Outcome::Read(reading) => reading,
        other => panic!("{name} was not read: {other:?}"),
    }
}

/// A letter on A4, one line under the other, 12 points high.
pub fn letter_pdf(lines: &[&str]) -> Vec<u8> {
    let [catalog, tree, page_number, font, text] = [1, 2, 3, 4, 5].map(Ref::new);
    let mut pdf = Pdf::new();
    pdf.catalog(catalog).pages(tree);
    pdf.pages(tree).kids([page_number]).count(1);
    let mut page = pdf.page(page_number);
    page.media_box(Rect::new(0.0, 0.0, 595.0, 842.0)).parent(tree).contents(text);
    page.resources().fonts().pair(Name(b"F"), font);
    page.finish();
    pdf.type1_font(font).base_font(Name(b"Helvetica"));
    let mut content = Content::new();
    for (row, line) in lines.iter().enumerate() {
        content.begin_text().set_font(Name(b"F"), 12.0).next_line(90.0, 740.0 - row as f32 * 22.0);
        content.show(Str(line.as_bytes())).end_text();
    }
    pdf.stream(text, &content.finish());
    pdf.finish()
}

/// The letter as a scanner would see it: 200 dots an inch, 1654 pixels wide.
pub async fn letter_scan(lines: &[&str]) -> RgbImage {
    let picture = reader().picture(&plaintext(&letter_pdf(lines)), 1, 1654, 0, None).await.expect("a picture");
    image::load_from_memory(&picture.bytes).expect("decodes").into_rgb8()
}

pub fn encoded(picture: &RgbImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::from(picture.clone()).write_to(&mut bytes, format).expect("encodes");
    bytes.into_inner()
}

pub fn png(picture: &RgbImage) -> Vec<u8> {
    encoded(picture, ImageFormat::Png)
}

/// How many of the letter's longer words were read.
pub fn share_of_words(text: &str, lines: &[&str]) -> f32 {
    let wanted: Vec<&str> =
        lines.iter().flat_map(|line| line.split_whitespace()).filter(|word| word.len() > 4).collect();
    let read: Vec<&str> = text.split_whitespace().collect();
    let found = wanted.iter().filter(|word| read.contains(*word)).count();
    found as f32 / wanted.len() as f32
}
