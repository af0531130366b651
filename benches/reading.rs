//! From scan to text: what the reader adds to Tesseract.
//!
//! Both sides read the same pages of the same scans on the same machine, turn by turn. On one side the reader gets the
//! PDF and does everything (jail, rendering, skew, OCR, word boxes); on the other Tesseract alone gets the finished
//! page pictures. The ratio of the two is the figure; at most 1.15 is wanted.
//!
//! `cargo bench --bench reading`; the scans are looked for in ../shared/data/scans/scan.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use hayro::{
    PixmapSettings, RenderCache, RenderSettings, hayro_interpret::InterpreterSettings, hayro_syntax::Pdf,
    vello_cpu::color::palette::css::WHITE,
};
use lumbung::read::{Outcome, Plaintext, Reader, Settings, Source};
use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

const ROUNDS: usize = 3;
const DPI: f32 = 200.0;

fn main() {
    let scans = scans();
    if scans.is_empty() {
        println!("SKIPPED: ../shared/data/scans/scan is not here");
        return;
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let reader = Reader::new(Settings::default(), PathBuf::from(env!("CARGO_BIN_EXE_lumbung")));
    println!("{}", runtime.block_on(reader.status()).line());
    let (mut reading, mut alone, mut pages) = (Duration::ZERO, Duration::ZERO, 0);
    for path in scans {
        let bytes = std::fs::read(&path).expect("readable");
        let pictures = pictures(&bytes);
        let input = Plaintext::of("scan", &bytes).expect("memory");
        let mut ours = Vec::new();
        let mut theirs = Vec::new();
        for _ in 0..ROUNDS {
            ours.push(timed(|| read(&runtime, &reader, &input, pictures.len())));
            theirs.push(timed(|| pictures.iter().for_each(|picture| tesseract(picture))));
        }
        let (ours, theirs) = (median(ours), median(theirs));
        let name = path.file_name().unwrap_or_default().to_string_lossy().chars().take(40).collect::<String>();
        println!("{name:40} {:3} pages: {ours:6.2?} with the reader, {theirs:6.2?} Tesseract alone", pictures.len());
        reading += ours;
        alone += theirs;
        pages += pictures.len();
    }
    let ratio = reading.as_secs_f64() / alone.as_secs_f64();
    println!(
        "{pages} pages: {:.2?} a page with the reader, {:.2?} alone",
        reading / pages as u32,
        alone / pages as u32
    );
    println!("scan to text / Tesseract alone = {ratio:.3} (wanted: at most 1.15)");
}

fn scans() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/scans/scan");
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut scans: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    scans.sort();
    scans
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
        let mut pgm = format!("P5\n{} {}\n255\n", pixmap.width(), pixmap.height()).into_bytes();
        let grey = |rgba: &[u8]| (u32::from(rgba[0]) * 77 + u32::from(rgba[1]) * 150 + u32::from(rgba[2]) * 29) >> 8;
        pgm.extend(pixmap.data_as_u8_slice().chunks_exact(4).map(|rgba| grey(rgba) as u8));
        pgm
    };
    pdf.pages().iter().map(picture).collect()
}

fn read(runtime: &tokio::runtime::Runtime, reader: &Reader, input: &Plaintext, pages: usize) {
    let outcome = runtime.block_on(reader.read(input, "scan.pdf", |_, _| {}));
    let Outcome::Read(reading) = outcome else { panic!("the scan was not read: {outcome:?}") };
    assert_eq!(reading.pages.len(), pages);
    assert!(reading.pages.iter().any(|page| page.source == Source::Ocr), "nothing was left to OCR");
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

fn timed(work: impl FnOnce()) -> Duration {
    let started = Instant::now();
    work();
    started.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
