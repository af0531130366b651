//! How fast files are sealed, and what reading a little of a large one costs. `cargo bench --bench seal`
//!
//! Every ratio is of figures from the same run on the same machine: the limit is SHA-256, age and SHA-256 again over the
//! same bytes with nothing else around them, and restic, where it is installed, backs up the same file beside it.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use lumbung::blob::{BlobStore, Memory};
use lumbung::error::Result;
use lumbung::seal::{Limits, Opener, RecoveryIdentity, RecoveryRecipient, Sealer, seal_bytes, seal_stream};
use sha2::{Digest, Sha256};

const MIB: usize = 1 << 20;
const LARGE: usize = 512 * MIB;
const LETTER: usize = 30_000;
const STREAM: u64 = 4 << 30;

const LEAST_GB_PER_S: f64 = 0.45;
const MOST_MICROSECONDS: f64 = 130.0;
const MOST_FETCHED: u64 = 131_104;
const MOST_ADDED_KIB: u64 = 64 << 10;

fn main() -> ExitCode {
    let recovery = RecoveryIdentity::generate().recipient();
    let mut report = Report::default();
    // First, because the peak of memory is that of the whole process.
    memory(&mut report);
    large(&mut report, &noise(LARGE));
    letter(&mut report, &recovery);
    range(&mut report);
    if report.missed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn memory(report: &mut Report) {
    let folder = tempfile::tempdir().expect("temporary folder");
    let piece = Bytes::from(noise(MIB));
    let before = peak_kib();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let plain = stream::iter(0..STREAM / piece.len() as u64).map(|_| -> Result<Bytes> { Ok(piece.clone()) });
    let sealed = runtime.block_on(seal_stream(plain, &Limits::new(folder.path()), None)).expect("seals").0;
    let added = peak_kib() - before;
    let line = format!("a stream of {} GiB into the spool adds {} MiB", sealed.plain_size >> 30, added >> 10);
    report.check(&line, added <= MOST_ADDED_KIB, "at most 64 MiB");
}

fn large(report: &mut Report, plain: &[u8]) {
    // Alternating, so that a busy moment of the machine hits both.
    let (mut limit, mut ours) = (Duration::MAX, Duration::MAX);
    for _ in 0..5 {
        limit = limit.min(time(|| bare(plain)));
        ours = ours.min(time(|| seal(plain)));
    }
    let line = format!(
        "sealing {} MiB on one core: {:.2} GB/s, {:.0} % of the bare SHA-256 + age + SHA-256 ({:.2} GB/s)",
        plain.len() / MIB,
        gb_per_s(plain.len(), ours),
        100.0 * limit.as_secs_f64() / ours.as_secs_f64(),
        gb_per_s(plain.len(), limit),
    );
    report.check(&line, gb_per_s(plain.len(), ours) >= LEAST_GB_PER_S, "at least 0.45 GB/s");
    match restic(plain) {
        Some(theirs) => report.say(&format!(
            "restic backs up the same data on one core at {:.3} GB/s: sealing is {:.1} times as fast",
            gb_per_s(plain.len(), theirs),
            theirs.as_secs_f64() / ours.as_secs_f64()
        )),
        None => report.say("restic is not installed: no comparison"),
    }
}

fn letter(report: &mut Report, recovery: &RecoveryRecipient) {
    let plain = noise(LETTER);
    let alone = median(|| drop(seal_bytes(&plain, None).expect("seals")));
    let both = median(|| drop(seal_bytes(&plain, Some(recovery)).expect("seals")));
    let line = format!("sealing a letter of 30 kB: {alone:.0} µs (with a recovery recipient {both:.0} µs)");
    report.check(&line, alone <= MOST_MICROSECONDS, "at most 130 µs");
}

fn range(report: &mut Report) {
    let memory = Memory::default();
    let store = BlobStore::from(memory.clone());
    let plain = noise(64 * MIB);
    let (sealed, body) = seal_bytes(&plain, None).expect("seals");
    let border = 32 * MIB as u64;
    let range = border - 2048..border + 2048;
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let opened = runtime.block_on(async {
        store.put(&sealed.name, &body).await?;
        let opener = Opener::new(&sealed.key);
        let plan = opener.plan(range.clone())?;
        let got = store.get(&sealed.name, Some(plan.sealed())).await?;
        opener.open_range(&plan, &got.collect().await?)
    });
    assert_eq!(opened.expect("opens")[..], plain[range.start as usize..range.end as usize]);
    let (requests, bytes) = memory.fetched();
    let line = format!("4 KiB across a border inside 64 MiB: {bytes} bytes in {requests} GET");
    report.check(&line, requests == 1 && bytes <= MOST_FETCHED, "at most 131104 bytes in one GET");
}

#[derive(Default)]
struct Report {
    missed: bool,
}

impl Report {
    fn check(&mut self, line: &str, fine: bool, target: &str) {
        self.missed |= !fine;
        println!("{} {line}; wanted: {target}", if fine { "ok    " } else { "MISSED" });
    }

    fn say(&self, line: &str) {
        println!("       {line}");
    }
}

/// As an upload does it, in pieces, with nothing kept.
fn seal(plain: &[u8]) {
    let mut sealer = Sealer::new(None).expect("fresh key");
    for piece in plain.chunks(256 * 1024) {
        std::hint::black_box(sealer.push(piece).expect("seals"));
    }
    std::hint::black_box(sealer.finish().expect("seals"));
}

/// The three passes that cannot be left out.
fn bare(plain: &[u8]) {
    let recipient = age::x25519::Identity::generate().to_public();
    let encryptor = age::Encryptor::with_recipients(std::iter::once(&recipient as _)).expect("one recipient");
    let mut fingerprint = Sha256::new();
    let mut writer = encryptor.wrap_output(Hashing(Sha256::new())).expect("a header");
    for piece in plain.chunks(64 * 1024) {
        fingerprint.update(piece);
        writer.write_all(piece).expect("seals");
    }
    let sealed = writer.finish().expect("seals");
    std::hint::black_box((fingerprint.finalize(), sealed.0.finalize()));
}

struct Hashing(Sha256);

impl Write for Hashing {
    fn write(&mut self, sealed: &[u8]) -> std::io::Result<usize> {
        self.0.update(sealed);
        Ok(sealed.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A first backup into a fresh repository on one core; data and repository lie on the same disk.
fn restic(plain: &[u8]) -> Option<Duration> {
    let folder = tempfile::tempdir().expect("temporary folder");
    fs::write(folder.path().join("data"), plain).expect("room on the disk");
    let run = |arguments: &[&str]| restic_runs(folder.path(), arguments);
    run(&["init"])?;
    let begin = Instant::now();
    run(&["backup", "--quiet", "data"])?;
    Some(begin.elapsed())
}

fn restic_runs(folder: &Path, arguments: &[&str]) -> Option<()> {
    let mut restic = Command::new("restic");
    restic.current_dir(folder).args(["--repo", "repository", "--no-cache"]).args(arguments);
    restic.env("RESTIC_PASSWORD", "bench").env("GOMAXPROCS", "1");
    restic.output().ok().filter(|done| done.status.success()).map(|_| ())
}

fn time(work: impl FnOnce()) -> Duration {
    let begin = Instant::now();
    work();
    begin.elapsed()
}

/// Microseconds.
fn median(mut work: impl FnMut()) -> f64 {
    let mut times: Vec<Duration> = (0..4000).map(|_| time(&mut work)).collect();
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1e6
}

fn gb_per_s(bytes: usize, took: Duration) -> f64 {
    bytes as f64 / took.as_secs_f64() / 1e9
}

/// Bytes that do not compress, the same in every run.
fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

/// The largest resident set that this process ever had.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux");
    line.trim().trim_end_matches("kB").trim().parse().expect("a number")
}
