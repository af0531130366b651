//! From scan to findable: what Lumbung adds to Tesseract.
//!
//!     cargo bench --bench reading
//!
//! On one side the running server gets the file by its API and does everything: receive, seal, store, queue, jail, render,
//! straighten, OCR, word boxes, seal again, index. The clock runs from the first byte sent until a search for a word of the
//! last page names the document. On the other side Tesseract alone, with the same languages, gets the finished pictures of
//! the same pages. Both sides run in turns on the same machine, and each does as much at the same time as the other:
//! first one file after another, page after page; then two files at once, which is what the server does when more wait.
//! At most 1.15 is wanted.
//!
//! The scans are a letter made here and those of ../shared/data/scans/scan where that folder is.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

// The tests' servers and letters, of which a bench needs a part.
#[allow(dead_code, unused_imports, unused_macros)]
#[path = "../tests/it/reading/support.rs"]
mod letters;
#[allow(dead_code, unused_imports, unused_macros)]
#[path = "../tests/it/support/mod.rs"]
mod support;

use hayro::{
    PixmapSettings, RenderCache, RenderSettings, hayro_interpret::InterpreterSettings, hayro_syntax::Pdf,
    vello_cpu::color::palette::css::WHITE,
};
use serde_json::json;
use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
    sync::Mutex,
    time::{Duration, Instant},
};
use support::{
    app::AS_SHIPPED,
    client::Client,
    program::Program,
    regency::{Actor, Stack},
};

const ROUNDS: usize = 3;
const DPI: f32 = 200.0;

/// A scan, its pages as OCR sees them, and a word of its last page that only OCR can know.
struct Scan {
    name: String,
    bytes: Vec<u8>,
    pictures: Vec<Vec<u8>>,
    word: String,
}

#[tokio::main]
async fn main() {
    let [poll, gather] = AS_SHIPPED;
    let settings = [("limits.api_requests_per_minute", "1000000"), poll, gather];
    let program = Program::start(Stack::Embedded, &settings).await;
    let clerk = program.actor(Actor::Clerk);
    println!("{}", clerk.get("/api/v1/status").await.is(200).json()["reading"]["summary"]);
    let mut scans = scans().await;
    for scan in &mut scans {
        scan.word = a_word_of(&clerk, scan).await;
    }
    let pages: usize = scans.iter().map(|scan| scan.pictures.len()).sum();
    let (mut single, mut double) = ((Vec::new(), Vec::new()), (Vec::new(), Vec::new()));
    for _ in 0..ROUNDS {
        single.0.push(found_one_by_one(&clerk, &scans).await);
        single.1.push(recognised(&scans, 1));
        double.0.push(found_at_once(&clerk, &scans).await);
        double.1.push(recognised(&scans, 2));
    }
    for (how, (ours, theirs)) in [("one file after another", single), ("two files at once", double)] {
        let (ours, theirs) = (median(ours), median(theirs));
        println!("{pages} pages, {how}: findable after {ours:.2?}, Tesseract alone {theirs:.2?}");
        let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
        println!("scan to findable / Tesseract alone, {how} = {ratio:.3} (wanted: at most 1.15)");
    }
}

async fn scans() -> Vec<Scan> {
    let letter = letters::letter_scan(letters::LETTER).await;
    let grey = image::imageops::grayscale(&letter);
    let picture = pgm(grey.width(), grey.height(), grey.into_raw());
    let scan = |name: String, bytes, pictures| Scan { name, bytes, pictures, word: String::new() };
    let mut scans = vec![scan("a letter of our own".to_owned(), letters::png(&letter), vec![picture])];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/scans/scan");
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.path()).collect();
    files.sort();
    if files.is_empty() {
        println!("SKIPPED: ../shared/data/scans/scan is not here");
    }
    for path in files {
        let bytes = std::fs::read(&path).expect("readable");
        let pictures = pictures(&bytes);
        scans.push(scan(path.file_name().unwrap_or_default().to_string_lossy().into_owned(), bytes, pictures));
    }
    scans
}

/// Brings the scan in once, which also warms everything up.
async fn a_word_of(clerk: &Client, scan: &Scan) -> String {
    let document = clerk.upload_and_read(&scan.name, scan.bytes.clone(), json!({ "title": "Pindaian" })).await;
    assert_eq!(document["pages"], scan.pictures.len(), "{document}");
    let page =
        format!("/api/v1/documents/{}/pages/{}/text", document["id"].as_str().expect("an id"), document["pages"]);
    let text = clerk.get(&page).await.is(200).text();
    let words = text.split_whitespace().filter(|word| word.chars().all(|letter| letter.is_ascii_alphabetic()));
    words.max_by_key(|word| word.len()).expect("OCR reads words").to_owned()
}

async fn found_one_by_one(clerk: &Client, scans: &[Scan]) -> Duration {
    let started = Instant::now();
    for scan in scans {
        found(clerk, scan).await;
    }
    started.elapsed()
}

async fn found_at_once(clerk: &Client, scans: &[Scan]) -> Duration {
    let started = Instant::now();
    futures_util::future::join_all(scans.iter().map(|scan| found(clerk, scan))).await;
    started.elapsed()
}

async fn found(clerk: &Client, scan: &Scan) {
    let document = clerk.upload(&scan.name, scan.bytes.clone(), json!({ "title": "Pindaian" })).await;
    let id = document["id"].as_str().expect("an id").to_owned();
    while !clerk.finds(&scan.word).await.contains(&id) {
        // All of them asking all the time would take from what is measured.
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Tesseract on every page, so many files at the same time.
fn recognised(scans: &[Scan], at_once: usize) -> Duration {
    let started = Instant::now();
    let waiting = Mutex::new(scans.iter());
    let next = || waiting.lock().expect("nobody panicked").next();
    std::thread::scope(|threads| {
        for _ in 0..at_once {
            threads.spawn(|| {
                while let Some(scan) = next() {
                    scan.pictures.iter().for_each(|picture| tesseract(picture));
                }
            });
        }
    });
    started.elapsed()
}

/// The pages as OCR sees them, as PGM files.
fn pictures(bytes: &[u8]) -> Vec<Vec<u8>> {
    let pdf = Pdf::new(bytes.to_vec()).expect("a sound PDF");
    let scale = DPI / 72.0;
    let settings = PixmapSettings { x_scale: scale, y_scale: scale, bg_color: WHITE };
    let picture = |page| {
        let cache = RenderCache::new();
        let pixmap =
            hayro::render(page, &cache, &InterpreterSettings::default(), &RenderSettings::default(), &settings);
        let grey =
            |rgba: &[u8]| ((u32::from(rgba[0]) * 77 + u32::from(rgba[1]) * 150 + u32::from(rgba[2]) * 29) >> 8) as u8;
        let pixels = pixmap.data_as_u8_slice().chunks_exact(4).map(grey).collect();
        pgm(u32::from(pixmap.width()), u32::from(pixmap.height()), pixels)
    };
    pdf.pages().iter().map(picture).collect()
}

fn pgm(width: u32, height: u32, pixels: Vec<u8>) -> Vec<u8> {
    [format!("P5\n{width} {height}\n255\n").into_bytes(), pixels].concat()
}

fn tesseract(picture: &[u8]) {
    let mut child = Command::new("tesseract")
        .args(["stdin", "stdout", "-l", "ind+eng", "--dpi", "200", "--psm", "1", "tsv"])
        .env("OMP_THREAD_LIMIT", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("tesseract-ocr is installed");
    child.stdin.take().expect("piped").write_all(picture).expect("taken");
    assert!(child.wait().expect("ours").success());
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
