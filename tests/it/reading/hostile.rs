//! Files that want to break their reader. Each has its outcome written beside it; the server's process lives on, and
//! all of its readers together stay small.

use super::{
    documents::zipped,
    support::{LETTER, letter_pdf, plaintext, png, program, reader, shared},
};
use image::{Rgb, RgbImage};
use lumbung::read::{Outcome, Reader, Reason, Settings};
use std::{
    fs,
    io::{Cursor, Write},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use zip::write::SimpleFileOptions;

const TREE_LIMIT: u64 = 1536 << 20;

/// What must become of a file.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    /// Read, with at least so many letters of text.
    Read(usize),
    Stored,
    Not(Reason),
}

impl Fate {
    fn holds(self, outcome: &Outcome) -> bool {
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

#[tokio::test]
async fn every_file_that_broke_other_readers_settles_as_the_table_says() {
    let Some(folder) = shared("hostile") else { return };
    let listed = fs::read_to_string(folder.join("MANIFEST.tsv")).expect("a manifest");
    let unlisted = listed.lines().skip(1).filter_map(|line| line.split('\t').next());
    let unlisted: Vec<&str> = unlisted.filter(|path| SHARED.iter().all(|(known, _)| known != path)).collect();
    assert!(unlisted.is_empty(), "files without an outcome in the table: {unlisted:?}");
    let files = SHARED.iter().map(|(path, fate)| (*path, fs::read(folder.join(path)).expect("readable"), *fate));
    settle(files.collect()).await;
}

#[tokio::test]
async fn every_hostile_file_of_our_own_settles_as_the_table_says() {
    settle(own_set()).await;
}

/// Reads all of them, four at a time as a busy server would, with an ordinary letter in their midst.
async fn settle(files: Vec<(&str, Vec<u8>, Fate)>) {
    let watch = Watch::start();
    let started = Instant::now();
    let reader = reader();
    let settled = Arc::new(tokio::sync::Semaphore::new(4));
    let mut running = tokio::task::JoinSet::new();
    for (name, bytes, fate) in files {
        let (reader, settled, name) = (reader.clone(), settled.clone(), name.to_owned());
        running.spawn(async move {
            let _turn = settled.acquire().await.expect("open");
            let outcome = reader.read(&plaintext(&bytes), &name, |_, _| {}).await;
            (!fate.holds(&outcome)).then(|| format!("{name}: {fate:?}, but it was {}", short(&outcome)))
        });
    }
    let letter = reader.read(&plaintext(&letter_pdf(LETTER)), "surat.pdf", |_, _| {}).await;
    let letter_took = started.elapsed();
    let wrong: Vec<String> = running.join_all().await.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(Fate::Read(300).holds(&letter), "{}", short(&letter));
    assert!(letter_took < Duration::from_secs(60), "the letter waited {letter_took:?}");
    assert!(started.elapsed() < Duration::from_secs(300), "settling took {:?}", started.elapsed());
    let peak = watch.peak();
    eprintln!("settled in {:?}, readers at most {} MiB", started.elapsed(), peak >> 20);
    assert!(peak < TREE_LIMIT, "the readers took {} MiB", peak >> 20);
}

fn short(outcome: &Outcome) -> String {
    format!("{outcome:?}").chars().take(300).collect()
}

/// Adds up, again and again, the resident memory of all readers that this process has started.
struct Watch {
    peak: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
}

impl Watch {
    fn start() -> Watch {
        let watch = Watch { peak: Arc::default(), over: Arc::default() };
        let (peak, over) = (watch.peak.clone(), watch.over.clone());
        std::thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                peak.fetch_max(readers_memory(), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        watch
    }

    fn peak(&self) -> u64 {
        self.over.store(true, Ordering::Relaxed);
        self.peak.load(Ordering::Relaxed)
    }
}

fn readers_memory() -> u64 {
    let parent = format!("PPid:\t{}\n", std::process::id());
    let memory = |folder: &Path| -> Option<u64> {
        let status = fs::read_to_string(folder.join("status")).ok().filter(|status| status.contains(&parent))?;
        let line = fs::read_to_string(folder.join("cmdline")).ok()?;
        let is_reader = line.contains(lumbung::read::COMMAND) || line.contains("tesseract");
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.trim().trim_end_matches(" kB");
        is_reader.then_some(resident.parse::<u64>().ok()? << 10)
    };
    fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| memory(&entry.path())).sum()
}

/// Made here, so that every clone of the project has them.
fn own_set() -> Vec<(&'static str, Vec<u8>, Fate)> {
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
        ("zip-bomb.docx", zip_bomb("word/document.xml"), Fate::Not(Reason::Bomb)),
        ("zip-bomb.odt", zip_bomb("content.xml"), Fate::Not(Reason::Bomb)),
        ("laughs.docx", zipped(&[("word/document.xml", LAUGHS)]), Fate::Not(Reason::Bomb)),
        ("deep.docx", zipped(&[("word/document.xml", &"<w:p>".repeat(100_000))]), Fate::Not(Reason::Bomb)),
        ("not-xml.docx", zipped(&[("word/document.xml", "<w:p><w:t>x</w:q")]), Fate::Not(Reason::Broken)),
        ("cut.docx", zipped(&[("word/document.xml", LAUGHS)])[..60].to_vec(), Fate::Not(Reason::Broken)),
        ("a-program.zip", zipped(&[("../../etc/cron.d/x", "* * * * * root true")]), Fate::Stored),
        ("deep.rtf", format!("{{\\rtf1{}", "{".repeat(500_000)).into_bytes(), Fate::Not(Reason::Bomb)),
        ("mail-in-mail.eml", nested_mail(2_000), Fate::Read(1)),
        ("too-much.txt", "surat undangan\n".repeat(2_500_000).into_bytes(), Fate::Not(Reason::TooMuchText)),
        ("binary.txt", (0..=255u8).cycle().take(4_000).collect(), Fate::Stored),
    ]
}

const LAUGHS: &str =
    "<!DOCTYPE l [<!ENTITY a \"haha\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]><w:p><w:t>&b;</w:t></w:p>";

/// A PDF with the page tree as given and whatever objects follow it; a reader finds them without a table.
fn pdf_of(tree: &str, rest: &str) -> Vec<u8> {
    format!("%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj{tree}endobj\n{rest}\ntrailer<</Root 1 0 R>>\n%%EOF")
        .into_bytes()
}

fn one_page(media_box: &str, content: &str) -> Vec<u8> {
    let page = format!(
        "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[{media_box}]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>endobj\n\
         4 0 obj<</Length {}>>stream\n{content}\nendstream endobj\n\
         5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj",
        content.len()
    );
    pdf_of("<</Type/Pages/Kids[3 0 R]/Count 1>>", &page)
}

/// Locked with a password that nobody told us; with a table of its objects, as every program writes it.
fn locked_pdf() -> Vec<u8> {
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
fn stream_bomb() -> Vec<u8> {
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

fn zip_bomb(name: &str) -> Vec<u8> {
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
fn deflated(piece: &[u8], times: usize) -> Vec<u8> {
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
fn sized_png(png: &[u8], width: u32, height: u32) -> Vec<u8> {
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
fn tiff(width: u32, height: u32, next: u32) -> Vec<u8> {
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

fn nested_mail(depth: usize) -> Vec<u8> {
    let mut mail = "From: a@contoh.id\r\nTo: b@contoh.id\r\nSubject: Undangan\r\nMIME-Version: 1.0\r\n".to_owned();
    for level in 0..depth {
        mail.push_str(&format!("Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n"));
    }
    mail.push_str("Content-Type: text/plain\r\n\r\nisi\r\n");
    mail.into_bytes()
}

#[tokio::test]
async fn too_many_pages_leave_the_first_ones_read() {
    let pages: String =
        (3..9).map(|n| format!("{n} 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\n")).collect();
    let six = pdf_of("<</Type/Pages/Kids[3 0 R 4 0 R 5 0 R 6 0 R 7 0 R 8 0 R]/Count 6>>", &pages);
    let with_text = |number: usize| {
        let settings = Settings { max_pages: number as u32, ..Settings::default() };
        Reader::new(settings, program())
    };
    let Outcome::Read(all) = with_text(6).read(&plaintext(&six), "a.pdf", |_, _| {}).await else { panic!("not read") };
    assert_eq!((all.pages.len(), all.incomplete), (6, None));
    let text = "surat undangan kepala desa\n".repeat(1_000);
    let Outcome::Read(some) = with_text(4).read(&plaintext(text.as_bytes()), "a.txt", |_, _| {}).await else {
        panic!("not read")
    };
    assert_eq!((some.pages.len(), some.incomplete), (4, Some(Reason::TooManyPages)));
}

#[tokio::test]
async fn a_file_beyond_the_size_limit_is_not_even_opened() {
    let reader = Reader::new(Settings { max_input_bytes: 100, ..Settings::default() }, program());
    let said = reader.read(&plaintext(&letter_pdf(LETTER)), "a.pdf", |_, _| {}).await;
    assert_eq!(said, Outcome::Unreadable { media_type: "application/pdf".into(), reason: Reason::TooLarge });
}
