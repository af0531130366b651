//! Searching 124,128 law articles as pages of the archive of a regency, through the sealed index, on one core.
//!
//!     cargo bench --bench search
//!
//! Every question is asked with a reader's scope and answered whole: totals, facets, twenty documents, a snippet for
//! each. There are two readers: a village, and the one office to which every document was sent, whose scope is the
//! whole archive. PostgreSQL's full-text search answers the same questions for the same readers in the same run, and
//! the memory is that of the real server with that index open. The articles are looked for in ../shared/data/laws.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

#[path = "search/laws.rs"]
mod laws;
#[path = "search/postgres.rs"]
mod postgres;
#[path = "search/questions.rs"]
mod questions;
// The tests' servers, of which a bench needs a part.
#[allow(dead_code, unused_imports, unused_macros)]
#[path = "../tests/it/support/mod.rs"]
mod support;

use std::{
    collections::HashSet,
    fs,
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use lumbung::{
    seal::MasterKey,
    search::{Change, Index, Question, Scope, Settings},
};
use tokio::runtime::Runtime;

use self::{
    laws::{Archive, SECRETARIAT, VILLAGE},
    postgres::Postgres,
    questions::Asked,
    support::{
        program::Program,
        regency::{Actor, Stack},
    },
};

const MOST_MS: f64 = 20.0;
const MOST_RESIDENT_MB: f64 = 150.0;
/// Documents that are applied together.
const BATCH: usize = 100;
const ROUNDS: usize = 3;

const READERS: [(&str, u64); 2] = [("a village", VILLAGE), ("an office to which all was sent", SECRETARIAT)];

fn main() -> ExitCode {
    let Some(archive) = Archive::load() else {
        println!("SKIPPED: ../shared/data/laws is not here");
        return ExitCode::SUCCESS;
    };
    let runtime = Runtime::new().expect("a runtime");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (served, built) = (folder.path().join("served"), folder.path().join("built"));
    let settings = [("search.dir", served.to_str().expect("a plain path"))];
    let mut program = runtime.block_on(Program::start(Stack::Embedded, &settings));
    let master = MasterKey::load(&program.home.dir.join("master.key")).expect("the server's key");
    let key = *master.derive("index");

    let mut report = Report::default();
    let asked = questions::ask(&archive);
    build(&report, &archive, &built, key);
    let ours = search(&mut report, &asked, &built, key);
    compare(&runtime, &report, &archive, &asked, &ours);
    drop(archive);
    fs::rename(&served, folder.path().join("empty")).expect("the empty index makes room");
    fs::rename(&built, &served).expect("the full one takes its place");
    memory(&runtime, &mut report, &mut program, &asked);
    if report.missed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// As the server does it: batches of documents, each commit safely on the disk.
fn build(report: &Report, archive: &Archive, dir: &Path, key: [u8; 32]) {
    let index = Index::open(dir, key, settings()).expect("a new index");
    let started = Instant::now();
    for (at, documents) in archive.documents.chunks(BATCH).enumerate() {
        let changes = documents.iter().cloned().map(Change::Replace).collect();
        index.apply(changes, at as i64 + 1).expect("applied");
    }
    let took = started.elapsed();
    let (entries, segments) = index.size();
    drop(index);
    report.say(&format!(
        "{} pages of {} documents, {:.1} MB of text, indexed in {took:.1?}: {:.1} MB/s",
        archive.pages,
        archive.documents.len(),
        archive.bytes as f64 / 1e6,
        archive.bytes as f64 / 1e6 / took.as_secs_f64(),
    ));
    let sealed: u64 = fs::read_dir(dir)
        .expect("the folder")
        .flatten()
        .filter_map(|file| file.metadata().ok())
        .map(|file| file.len())
        .sum();
    report.say(&format!("{entries} entries in {segments} segments, {:.0} MB sealed on the disk", sealed as f64 / 1e6));
}

/// Every question by every reader; gives the warm times for each reader.
fn search(report: &mut Report, asked: &[Asked], dir: &Path, key: [u8; 32]) -> Vec<Vec<Duration>> {
    let mut all = Vec::new();
    for (reader, office) in READERS {
        let started = Instant::now();
        let index = Index::open(dir, key, settings()).expect("the index");
        report.say(&format!("opened in {:.1?}, every byte of it authenticated", started.elapsed()));
        let scope = Scope::office(office, false, true);
        let answer = |text: &str| index.search(&Question::of(text), &scope, &HashSet::new()).expect("an answer");
        let ask = |(_, text): &Asked| timed(|| answer(text));
        // Cold: nothing of the index is decrypted in memory. Its files may lie in the system's cache.
        let cold: Vec<Duration> = asked.iter().map(ask).collect();
        let rounds: Vec<Vec<Duration>> = (0..ROUNDS).map(|_| asked.iter().map(ask).collect()).collect();
        let of = |at: usize| median(rounds.iter().map(|round| round[at]).collect());
        let warm: Vec<Duration> = (0..asked.len()).map(of).collect();
        let within = answer("").total;
        report.say(&format!("{reader}: {} questions within {within} documents", asked.len()));
        for (state, times) in [("cold", &cold), ("warm", &warm)] {
            let line = format!("{reader}, {state}: {}", quantiles(times));
            report.check(&line, ms(quantile(times, 95)) < MOST_MS, "p95 below 20 ms");
        }
        by_kind(report, asked, &warm);
        all.push(warm);
    }
    all
}

fn by_kind(report: &Report, asked: &[Asked], times: &[Duration]) {
    let mut kinds: Vec<&str> = asked.iter().map(|(kind, _)| *kind).collect();
    kinds.dedup();
    for kind in kinds {
        let of_kind: Vec<Duration> =
            asked.iter().zip(times).filter(|((its, _), _)| *its == kind).map(|(_, time)| *time).collect();
        report.say(&format!("  {kind:20} {}", quantiles(&of_kind)));
    }
}

fn compare(runtime: &Runtime, report: &Report, archive: &Archive, asked: &[Asked], ours: &[Vec<Duration>]) {
    let started = Instant::now();
    let url = support::postgres::fresh_database();
    let mut postgres = runtime.block_on(Postgres::fill(&url, archive));
    report.say(&format!(
        "PostgreSQL ('{}', GIN, every word of the question wanted) filled and indexed in {:.1?}",
        postgres.language,
        started.elapsed()
    ));
    for ((reader, office), ours) in READERS.into_iter().zip(ours) {
        let mut ask = |text: &str| timed(|| runtime.block_on(postgres.ask(text, office)));
        for (_, text) in asked {
            ask(text);
        }
        let theirs: Vec<Duration> = asked.iter().map(|(_, text)| ask(text)).collect();
        report.say(&format!("{reader}, PostgreSQL, warm: {}", quantiles(&theirs)));
        let ratio = |percent| quantile(&theirs, percent).as_secs_f64() / quantile(ours, percent).as_secs_f64();
        report.say(&format!("  PostgreSQL / ours: p50 {:.1}, p95 {:.1}, p99 {:.1}", ratio(50), ratio(95), ratio(99)));
    }
}

/// What the server itself holds of the index: before anybody asks, and when many have.
fn memory(runtime: &Runtime, report: &mut Report, program: &mut Program, asked: &[Asked]) {
    let empty = resident_mb(program.process());
    runtime.block_on(program.cut_and_restart());
    std::thread::sleep(Duration::from_secs(3));
    let idle = resident_mb(program.process());
    let line =
        format!("the server with that index open, idle: {idle:.0} MB resident ({empty:.0} MB with an empty one)");
    report.check(&line, idle < MOST_RESIDENT_MB, "below 150 MB");
    let client = program.actor(Actor::Clerk);
    runtime.block_on(async {
        for (_, text) in asked {
            client.search(text).await;
        }
    });
    let after = resident_mb(program.process());
    report.say(&format!("the same server after {} questions: {after:.0} MB resident", asked.len()));
}

fn resident_mb(process: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux");
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse().expect("a number");
    kib * 1024.0 / 1e6
}

/// As the server sets it.
fn settings() -> Settings {
    Settings { max_question_chars: 10_240, ..Settings::default() }
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

fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let started = Instant::now();
    std::hint::black_box(work());
    started.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn quantile(times: &[Duration], percent: usize) -> Duration {
    let mut times = times.to_vec();
    times.sort();
    times[(times.len() * percent / 100).min(times.len() - 1)]
}

fn quantiles(times: &[Duration]) -> String {
    let [p50, p95, p99] = [50, 95, 99].map(|percent| ms(quantile(times, percent)));
    format!("p50 {p50:.1} ms, p95 {p95:.1} ms, p99 {p99:.1} ms")
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
