//! The files that want to break their reader, each with its outcome: those of ../shared, and a set of our own, made here,
//! so that every clone of the project has one.

use super::{
    documents::{DOCX_BODY, workbook, zipped},
    hostile_makers::*,
    support::{png, shared},
};
use image::{Rgb, RgbImage};
use lumbung::read::{Outcome, Reason};
use std::fs;

/// What must become of a file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fate {
    /// Read, with at least so many letters of text.
    Read(usize),
    Stored,
    Not(Reason),
}

impl Fate {
    pub fn holds(self, outcome: &Outcome) -> bool {
        match (self, outcome) {
            (Fate::Read(least), Outcome::Read(reading)) => {
                reading.pages.iter().map(|page| page.text.len()).sum::<usize>() >= least
            }
            (Fate::Stored, Outcome::Stored { .. }) => true,
            (Fate::Not(wanted), Outcome::Unreadable { reason, .. }) => *reason == wanted,
            _ => false,
        }
    }
}

/// A file by its name, and what must become of it.
pub type Hostile = (&'static str, Vec<u8>, Fate);

/// Those of ../shared, or `None` with a line that says so.
pub fn shared_set() -> Option<Vec<Hostile>> {
    let folder = shared("hostile")?;
    let listed = fs::read_to_string(folder.join("MANIFEST.tsv")).expect("a manifest");
    let listed: Vec<&str> = listed.lines().skip(1).filter_map(|line| line.split('\t').next()).collect();
    let unlisted: Vec<&&str> = listed.iter().filter(|path| SHARED.iter().all(|(known, _)| known != *path)).collect();
    assert!(unlisted.is_empty(), "files without an outcome in the table: {unlisted:?}");
    Some(SHARED.iter().map(|(path, fate)| (*path, fs::read(folder.join(path)).expect("readable"), *fate)).collect())
}

/// The files in ../shared/data/hostile, each with its outcome.
const SHARED: &[(&str, Fate)] = &[
    ("image-bomb/decompression_bomb.gif", Fate::Not(Reason::Broken)),
    ("image-bomb/decompression_bomb_extents.gif", Fate::Read(0)),
    ("image-malformed/Bad_badbitcount.bmp", Fate::Not(Reason::Broken)),
    ("image-malformed/Bad_clrsUsed.bmp", Fate::Not(Reason::Broken)),
    ("image-malformed/Bad_height.bmp", Fate::Not(Reason::Broken)),
    ("image-malformed/Bad_shortfile.bmp", Fate::Not(Reason::Broken)),
    ("image-malformed/README.md", Fate::Read(100)),
    ("image-malformed/bad-color-map.tga", Fate::Stored),
    ("image-malformed/badrle.bmp", Fate::Not(Reason::Broken)),
    ("image-malformed/crash-1152ec2d1a1a71395b6f2ce6721c38924d025bf3.tif", Fate::Not(Reason::Broken)),
    ("image-malformed/crash-1185209cf7655b5aed8ae5e77784dfdd18ab59e9.tif", Fate::Not(Reason::Broken)),
    ("image-malformed/crash-2020-10-test.tif", Fate::Not(Reason::Bomb)),
    ("image-malformed/crash-63b1dffefc8c075ddc606c0a2f5fdc15ece78863.tif", Fate::Not(Reason::Bomb)),
    ("image-malformed/crash-7d4c83eb92150fb8f1653a697703ae06ae7c4998.j2k", Fate::Stored),
    ("image-malformed/crash-d2c93af851d3ab9a19e34503626368b2ecde9c03.j2k", Fate::Stored),
    ("image-malformed/crash-f46f5b2f43c370fe65706c11449f567ecc345e74.tif", Fate::Not(Reason::Broken)),
    ("image-malformed/oom-225817ca0f8c663be7ab4b9e717b02c661e66834.tif", Fate::Not(Reason::Broken)),
    ("pdf-active/foxit-reader-poc.pdf", Fate::Read(0)),
    ("pdf-active/payload5.pdf", Fate::Read(10)),
    ("pdf-active/starter_pack.pdf", Fate::Read(10)),
    ("pdf-empty/bug1020226.pdf", Fate::Not(Reason::Broken)),
    ("pdf-empty/issue15590.pdf", Fate::Not(Reason::Broken)),
    ("pdf-empty/issue21436.pdf", Fate::Read(0)),
    ("pdf-empty/issue9105_other.pdf", Fate::Not(Reason::Broken)),
    ("pdf-empty/issue9418.pdf", Fate::Read(300)),
    ("pdf-empty/poppler-91414-0-54.pdf", Fate::Read(1)),
    ("pdf-encrypted/auth-event-ef-open.pdf", Fate::Not(Reason::Encrypted)),
    ("pdf-encrypted/bug1782186.pdf", Fate::Not(Reason::Encrypted)),
    ("pdf-encrypted/encrypted-attachment.pdf", Fate::Not(Reason::Encrypted)),
    ("pdf-encrypted/issue3371.pdf", Fate::Not(Reason::Encrypted)),
    ("pdf-encrypted/issue6010_1.pdf", Fate::Not(Reason::Encrypted)),
    ("pdf-fuzz/15316.fuzz", Fate::Read(1)),
    ("pdf-fuzz/15387.fuzz", Fate::Read(1)),
    ("pdf-fuzz/15442.fuzz", Fate::Read(1)),
    ("pdf-fuzz/15445.fuzz", Fate::Read(1)),
    ("pdf-fuzz/16301.fuzz", Fate::Read(1)),
    ("pdf-fuzz/23599.fuzz", Fate::Stored),
    ("pdf-fuzz/23642-mod.fuzz", Fate::Read(0)),
    ("pdf-fuzz/30507.fuzz", Fate::Stored),
    ("pdf-fuzz/376305073.fuzz", Fate::Stored),
    ("pdf-fuzz/37740.fuzz", Fate::Stored),
    ("pdf-fuzz/409905355.fuzz", Fate::Not(Reason::Broken)),
    ("pdf-fuzz/4797504999981056.fuzz", Fate::Read(1)),
    ("pdf-fuzz/57639.fuzz", Fate::Read(1)),
    ("pdf-fuzz/65681.fuzz", Fate::Stored),
    ("pdf-fuzz/68915.fuzz", Fate::Stored),
    ("pdf-unopenable/poppler-742-0-fuzzed.pdf", Fate::Not(Reason::Encrypted)),
];

/// Made here.
pub fn own_set() -> Vec<Hostile> {
    let scan = RgbImage::from_fn(300, 200, |x, y| Rgb([(x * y % 251) as u8; 3]));
    let whole_png = png(&scan);
    vec![
        ("empty.pdf", vec![], Fate::Not(Reason::Empty)),
        ("only-a-header.pdf", b"%PDF-1.7\n".to_vec(), Fate::Not(Reason::Broken)),
        ("garbage.pdf", [&b"%PDF-1.4\n"[..], &[0xA7; 5000]].concat(), Fate::Not(Reason::Broken)),
        ("locked.pdf", locked_pdf(), Fate::Not(Reason::Encrypted)),
        (
            "page-tree-without-end.pdf",
            pdf_of("<</Type/Pages/Kids[2 0 R 2 0 R 2 0 R]/Count 3>>", ""),
            Fate::Not(Reason::Broken),
        ),
        ("page-of-five-metres.pdf", one_page("0 0 14400 14400", "BT /F 900 Tf 90 900 Td (Besar) Tj ET"), Fate::Read(5)),
        ("page-of-miles.pdf", one_page("0 0 1 9000000", "0 0 1 1 re f"), Fate::Read(0)),
        ("page-without-size.pdf", one_page("0 0 0 0", "0 0 1 1 re f"), Fate::Read(0)),
        ("page-of-nonsense.pdf", one_page("nan -inf 1e39 [ ]", "0 0 1 1 re f"), Fate::Not(Reason::Broken)),
        ("stack-of-states.pdf", one_page("0 0 595 842", &"q ".repeat(400_000)), Fate::Read(0)),
        ("stream-bomb.pdf", stream_bomb(), Fate::Not(Reason::Bomb)),
        ("picture-bomb.png", sized_png(&whole_png, 60_000, 60_000), Fate::Not(Reason::Bomb)),
        ("cut.png", whole_png[..whole_png.len() / 2].to_vec(), Fate::Not(Reason::Broken)),
        ("huge.tif", tiff(100_000, 100_000, 0), Fate::Not(Reason::Bomb)),
        ("tiff-that-follows-itself.tif", tiff(8, 8, 8), Fate::Not(Reason::Broken)),
        ("sound.tif", tiff(8, 8, 0), Fate::Read(0)),
        ("zip-bomb.docx", zip_bomb(DOCX_BODY), Fate::Not(Reason::Bomb)),
        ("zip-bomb.odt", zip_bomb("content.xml"), Fate::Not(Reason::Bomb)),
        ("laughs.docx", zipped(&[(DOCX_BODY, LAUGHS)]), Fate::Not(Reason::Bomb)),
        ("deep.docx", zipped(&[(DOCX_BODY, &"<w:p>".repeat(100_000))]), Fate::Not(Reason::Bomb)),
        ("not-xml.docx", zipped(&[(DOCX_BODY, "<w:p><w:t>x</w:q")]), Fate::Not(Reason::Broken)),
        ("cut.docx", zipped(&[(DOCX_BODY, LAUGHS)])[..60].to_vec(), Fate::Not(Reason::Broken)),
        ("a-program.zip", zipped(&[("../../etc/cron.d/x", "* * * * * root true")]), Fate::Stored),
        ("deep.rtf", format!("{{\\rtf1{}", "{".repeat(500_000)).into_bytes(), Fate::Not(Reason::Bomb)),
        ("mail-in-mail.eml", nested_mail(2_000), Fate::Read(1)),
        ("far-apart.xlsx", workbook(FAR_APART), Fate::Read(10)),
        ("laughs.xlsx", workbook(LAUGHING_SHEET), Fate::Not(Reason::Broken)),
        ("laughs.odt", open_document(LAUGHS), Fate::Not(Reason::Bomb)),
        ("entries-without-number.docx", many_entries(20_001), Fate::Not(Reason::Bomb)),
        ("table-that-follows-itself.pdf", table_that_follows_itself(), Fate::Read(0)),
        ("length-of-itself.pdf", length_of_itself(), Fate::Read(0)),
        ("drawing-that-draws-itself.pdf", drawing_that_draws_itself(), Fate::Not(Reason::TimedOut)),
        ("picture-of-ten-gigapixels.pdf", gigapixels(), Fate::Read(0)),
        ("pages-without-number.pdf", many_pages(30_000), Fate::Not(Reason::TooManyPages)),
        ("noise.jpg", [&b"\xff\xd8\xff\xe0\0\x10JFIF\0"[..], &[0x5A; 3_000]].concat(), Fate::Not(Reason::Broken)),
        ("noise.webp", [&b"RIFF\xff\xff\xff\x7fWEBPVP8L"[..], &[0xC3; 3_000]].concat(), Fate::Not(Reason::Broken)),
        ("picture-bomb.bmp", bmp(60_000, 60_000), Fate::Not(Reason::Bomb)),
        ("picture-bomb.gif", gif(65_535, 65_535), Fate::Not(Reason::Bomb)),
        ("binary-without-end.rtf", br"{\rtf1 isi \bin2147483647 xx}".to_vec(), Fate::Read(0)),
        ("letters-in-letters.eml", forwarded_mail(300), Fate::Read(1)),
        ("parts-without-number.eml", parted_mail(20_000), Fate::Read(1)),
        ("too-much.txt", "surat undangan\n".repeat(2_500_000).into_bytes(), Fate::Not(Reason::TooMuchText)),
        ("binary.txt", (0..=255u8).cycle().take(4_000).collect(), Fate::Stored),
    ]
}
