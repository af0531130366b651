//! What must not happen to a letter while it is read or shown.

use super::support::{LETTER, letter_pdf, letter_scan, plaintext, png, program, reader, reading};
use lumbung::read::{Plaintext, Reader, Settings, Watermark};
use std::{
    collections::BTreeSet,
    fs,
    io::Write,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// Folders to which a reader could write something in clear.
fn writable_folders() -> Vec<PathBuf> {
    let mut folders = vec![std::env::temp_dir(), "/tmp".into(), "/var/tmp".into(), "/dev/shm".into()];
    folders.extend(std::env::current_dir());
    folders.extend(std::env::var_os("HOME").map(PathBuf::from));
    folders
}

fn files_below(folder: &Path, depth: u32, found: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(kind) = entry.file_type() else { continue };
        let name = entry.file_name();
        if kind.is_dir() && depth > 0 && name != "target" && name != ".cargo" && name != ".rustup" && name != ".git" {
            files_below(&entry.path(), depth - 1, found);
        } else if kind.is_file() {
            found.insert(entry.path());
        }
    }
}

fn written_since(moment: SystemTime) -> Vec<PathBuf> {
    let mut found = BTreeSet::new();
    writable_folders().iter().for_each(|folder| files_below(folder, 4, &mut found));
    let is_new = |path: &PathBuf| fs::metadata(path).and_then(|data| data.modified()).is_ok_and(|at| at >= moment);
    found.into_iter().filter(is_new).collect()
}

#[tokio::test]
async fn no_file_anywhere_holds_a_word_or_a_picture_of_what_was_read() {
    const CANARY: &str = "KENARIRAHASIA";
    let folder = tempfile::tempdir().expect("a folder");
    // A file of our own marks the moment by the same clock that stamps all others.
    let mark = folder.path().join("mark");
    fs::write(&mark, "x").expect("writable");
    let moment = fs::metadata(&mark).and_then(|data| data.modified()).expect("a time");
    let lines = ["Surat rahasia", CANARY, "kepada camat"];
    let scan = png(&letter_scan(&lines).await);
    let read = reading(&scan, "rahasia.png").await;
    assert!(read.pages[0].text.contains(CANARY), "the canary itself was not read: {}", read.pages[0].text);
    reading(&letter_pdf(&lines), "rahasia.pdf").await;
    reader().pictures_to_pdf(vec![(plaintext(&scan), 0)]).await.expect("a PDF");
    reading(include_bytes!("../../data/surat.heic"), "foto.heic").await;
    // The word, the picture that OCR saw, and a piece of the file itself.
    let traces: [&[u8]; 3] = [CANARY.as_bytes(), b"P5\n1654", &scan[1_000..1_064]];
    for path in written_since(moment) {
        let Ok(bytes) = fs::read(&path) else { continue };
        let leaked = traces.iter().any(|trace| holds(&bytes, trace));
        assert!(!leaked, "{} holds something of the letter", path.display());
    }
    let left: Vec<_> = fs::read_dir(std::env::temp_dir()).expect("readable").flatten().collect();
    assert!(!left.iter().any(|entry| entry.file_name().to_string_lossy().starts_with("lumbung-heif-")));
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[tokio::test]
async fn a_watermark_is_burned_into_the_pixels_and_the_resolution_is_bounded() {
    let input = plaintext(&letter_pdf(LETTER));
    let mark = Watermark { lines: vec!["DPMD, dpmd@contoh.go.id".into(), "12-01-2026 09.30 lnk_ABC".into()] };
    let clean = reader().picture(&input, 1, 1_000, 0, None).await.expect("a picture");
    let marked = reader().picture(&input, 1, 1_000, 0, Some(&mark)).await.expect("a picture");
    let decode = |bytes: &[u8]| image::load_from_memory(bytes).expect("decodes").into_rgb8();
    let (before, after) = (decode(&clean.bytes), decode(&marked.bytes));
    assert_eq!(before.dimensions(), after.dimensions());
    let red = after.pixels().filter(|pixel| pixel.0[0] > pixel.0[1].saturating_add(30)).count();
    assert!(red * 50 > after.pixels().len(), "only {red} pixels carry the mark");
    let large = reader().picture(&input, 1, 2_400, 0, Some(&mark)).await.expect("a picture");
    assert!(large.width <= 595 * 150 / 72 + 1, "a marked page came out {} pixels wide", large.width);
    let scan = plaintext(&png(&letter_scan(LETTER).await));
    let large = reader().picture(&scan, 1, 2_400, 0, Some(&mark)).await.expect("a picture");
    assert!(large.height <= 1_755, "a marked photograph came out {} pixels high", large.height);
}

#[tokio::test]
async fn a_signed_pdf_says_so_and_one_without_a_signature_does_not() {
    assert!(!reading(&letter_pdf(LETTER), "surat.pdf").await.signed);
    let mut signed = letter_pdf(LETTER);
    signed.extend_from_slice(
        b"\n9 0 obj<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/adbe.pkcs7.detached/ByteRange[0 10 20 30]/Contents<00>>>endobj\n",
    );
    let read = reading(&signed, "surat.pdf").await;
    assert!(read.signed && read.pages[0].text.contains("SUKAMAJU"));
}

#[tokio::test]
async fn many_reads_of_one_input_do_not_disturb_each_other() {
    let mut input = Plaintext::new("surat").expect("memory");
    input.write_all(&letter_pdf(LETTER)).expect("memory");
    let reader = Reader::new(Settings::default(), program());
    let reads = (0..6).map(|_| async { reader.read(&input, "surat.pdf", |_, _| {}).await });
    let all = futures_util::future::join_all(reads).await;
    assert!(all.windows(2).all(|pair| pair[0] == pair[1]), "{all:?}");
}
