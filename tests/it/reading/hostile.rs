//! Files that want to break their reader, straight to the reader: each must settle as its table says, the process that
//! asked lives on, and all of its readers together stay small.

use super::{
    hostile_files::{Fate, Hostile, own_set, shared_set},
    hostile_makers::pdf_of,
    support::{LETTER, letter_pdf, plaintext, program},
    tree::{TREE_LIMIT, Watch},
};
use lumbung::read::{Outcome, Reader, Reason, Settings};
use std::{
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

#[tokio::test]
async fn every_file_that_broke_other_readers_settles_as_the_table_says() {
    let Some(files) = shared_set() else { return };
    settle(files).await;
}

#[tokio::test]
async fn every_hostile_file_of_our_own_settles_as_the_table_says() {
    settle(own_set()).await;
}

/// Reads all of them, four at a time as a busy server would, with an ordinary letter in their midst.
async fn settle(files: Vec<Hostile>) {
    let watch = Watch::start(readers_memory);
    let started = Instant::now();
    // What never ends is ended sooner than usual, by a measure that does not depend on what else the machine does.
    let reader = Reader::new(Settings { cpu_seconds: 15, ..Settings::default() }, program());
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

/// The resident memory of all readers that this process has started.
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
