//! Half an hour of ordinary days: uploads, searches and openings on two nodes at 70 % of the peak that was just measured.
//!
//!     LUMBUNG_TEST_FSYNC=1 cargo bench --bench load
//!
//! Two real servers share one PostgreSQL and one MinIO, on the same machine as the callers. Of ten acts two are uploads (every
//! twentieth of them a scanned page that Tesseract has to read, the others typeset letters of 30 kB), five are searches,
//! two are downloads and one is a link that is opened and downloaded by a stranger.
//!
//! An archive is not empty on an ordinary day: 20,000 letters are kept, read and findable before anything is measured.
//!
//! The peak is what callers reach that each begin an act when their last one is done; an upload is done when it has been
//! read, so that nothing piles up. Then the acts begin at fixed moments, whatever the server does, and each one's
//! duration counts from the moment at which it should have begun. `LUMBUNG_BENCH_SECONDS` sets another length than 1,800.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

// The tests' servers and letters, of which a bench needs a part.
#[allow(dead_code, unused_imports, unused_macros)]
#[path = "../tests/it/reading/support.rs"]
mod letters;
#[path = "load/machine.rs"]
mod machine;
#[allow(dead_code, unused_imports, unused_macros)]
#[path = "../tests/it/support/mod.rs"]
mod support;
#[path = "load/work.rs"]
mod work;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use machine::{Machine, Sample};
use support::app::AS_SHIPPED;
use support::program::Program;
use support::regency::Stack;
use tokio::task::JoinSet;
use work::{Act, Office};

/// What the archive holds beforehand.
const LETTERS_BEFORE: u64 = 20_000;
/// Callers that look for the peak.
const CALLERS: u64 = 16;
const SHARE_OF_PEAK: f64 = 0.7;
const LONGEST_UPLOAD: Duration = Duration::from_secs(1);
/// How far a part's mean of memory may be from the mean of all parts.
const FLAT: f64 = 0.05;
/// What is left after the warm-up is looked at in so many parts.
const PARTS: usize = 4;

#[tokio::main]
async fn main() -> ExitCode {
    // `cargo test` starts benches too, to see that they run; the figure needs its fsyncs and an optimised build.
    if std::env::var_os("LUMBUNG_TEST_FSYNC").is_none() {
        println!("set LUMBUNG_TEST_FSYNC=1: without it PostgreSQL runs without fsync and the figure says nothing");
        return ExitCode::SUCCESS;
    }
    let seconds = std::env::var("LUMBUNG_BENCH_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1800);
    let length = Duration::from_secs(seconds);
    let mut settings = vec![("limits.api_requests_per_minute", "10000000"), ("links.max_log_rows_per_hour", "1000000")];
    settings.extend(AS_SHIPPED);
    let mut first = Program::start(Stack::Networked, &settings).await;
    let mut second = first.beside().await;
    let office = Arc::new(Office::settle([&first, &second]).await);
    let begun = Instant::now();
    office.fill(LETTERS_BEFORE).await;
    println!("{LETTERS_BEFORE} letters kept and read in {:.0} s", begun.elapsed().as_secs_f64());
    // Half a minute first, so that connections and caches are warm.
    peak(&office, Duration::from_secs(30)).await;
    let peak = peak(&office, Duration::from_secs(60)).await;
    let rate = peak * SHARE_OF_PEAK;
    println!("peak of {CALLERS} callers: {peak:.1} acts a second; the load is {rate:.1} a second for {seconds} s");
    let machine = Machine::watch([first.process(), second.process()]);
    let (acts, took) = steady(&office, rate, length).await;
    let samples = machine.stop().await;
    let fine = [
        report_acts(&acts, took),
        report_memory(&samples, length),
        report_files(&samples, length),
        report_kept(&office).await,
    ];
    first.stop().await;
    second.stop().await;
    if fine.iter().all(|fine| *fine) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Acts a second of callers who never wait but for their own act.
async fn peak(office: &Arc<Office>, length: Duration) -> f64 {
    let (begun, done) = (Instant::now(), Arc::new(AtomicU64::new(0)));
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let (office, done) = (office.clone(), done.clone());
        callers.spawn(async move {
            let mut turn = caller * 7;
            while begun.elapsed() < length {
                let act = Act::of_turn(turn);
                let document = office.perform(act, turn).await.expect("no act fails while the peak is looked for");
                if let (Act::Letter | Act::Scan, Some(document)) = (act, document) {
                    office.read(turn, &document).await;
                }
                done.fetch_add(1, Ordering::Relaxed);
                turn += 1;
            }
        });
    }
    while let Some(ended) = callers.join_next().await {
        ended.expect("a caller ends well");
    }
    done.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64()
}

/// How one act went, counted from the moment at which it was due.
struct Done {
    act: Act,
    took: Duration,
    failed: Option<String>,
}

async fn steady(office: &Arc<Office>, rate: f64, length: Duration) -> (Vec<Done>, Duration) {
    let begun = tokio::time::Instant::now();
    let (mut running, mut done) = (JoinSet::new(), Vec::new());
    for turn in 0.. {
        let due = begun + Duration::from_secs_f64(turn as f64 / rate);
        if due.duration_since(begun) >= length {
            break;
        }
        tokio::time::sleep_until(due).await;
        let office = office.clone();
        running.spawn(async move {
            let act = Act::of_turn(turn);
            let failed = office.perform(act, turn).await.err();
            Done { act, took: due.elapsed(), failed }
        });
        while let Some(ended) = running.try_join_next() {
            done.push(ended.expect("an act ends"));
        }
    }
    while let Some(ended) = running.join_next().await {
        done.push(ended.expect("an act ends"));
    }
    (done, begun.elapsed())
}

fn report_acts(acts: &[Done], took: Duration) -> bool {
    let failed: Vec<&String> = acts.iter().filter_map(|done| done.failed.as_ref()).collect();
    println!("{} acts in {:.0} s, {} failed {:?}", acts.len(), took.as_secs_f64(), failed.len(), failed.first());
    let mut fine = failed.is_empty();
    for (name, kinds) in [
        ("uploads", &[Act::Letter, Act::Scan][..]),
        ("searches", &[Act::Search]),
        ("downloads", &[Act::Download]),
        ("links opened", &[Act::OpenLink]),
    ] {
        let mut took: Vec<Duration> =
            acts.iter().filter(|done| kinds.contains(&done.act)).map(|done| done.took).collect();
        took.sort_unstable();
        let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
        println!("{name:>13}: {:6} | p50 {:.0?} | p99 {:.0?} | longest {:.0?}", took.len(), at(0.5), at(0.99), at(1.0));
        fine &= name != "uploads" || at(0.99) < LONGEST_UPLOAD;
    }
    println!("aim: no failure, 99 of 100 uploads within {LONGEST_UPLOAD:?}{}", verdict(fine));
    fine
}

/// Of each node the mean of every part after the warm-up, which is the first third.
fn parts(samples: &[Sample], length: Duration, node: usize, of: impl Fn(&machine::Node) -> u64) -> [f64; PARTS] {
    let (from, part) = (length / 3, length * 2 / 3 / PARTS as u32);
    std::array::from_fn(|n| {
        let within = |at: Duration| at >= from + part * n as u32 && at < from + part * (n as u32 + 1);
        let seen: Vec<u64> =
            samples.iter().filter(|sample| within(sample.at)).map(|sample| of(&sample.nodes[node])).collect();
        seen.iter().sum::<u64>() as f64 / seen.len().max(1) as f64
    })
}

fn report_memory(samples: &[Sample], length: Duration) -> bool {
    let mut fine = true;
    for node in 0..2 {
        let means = parts(samples, length, node, |node| node.resident);
        let mean = means.iter().sum::<f64>() / PARTS as f64;
        let off = means.iter().map(|part| (part / mean - 1.0).abs()).fold(0.0, f64::max);
        fine &= off <= FLAT;
        let said: Vec<String> = means.iter().map(|bytes| format!("{:.0}", bytes / 1e6)).collect();
        println!("node {}: resident MB in four parts {}, {:.1} % off at most", node + 1, said.join(", "), off * 100.0);
    }
    println!("aim: at most {:.0} % off{}", FLAT * 100.0, verdict(fine));
    fine
}

fn report_files(samples: &[Sample], length: Duration) -> bool {
    let mut fine = true;
    for node in 0..2 {
        let means = parts(samples, length, node, |node| node.files);
        // Callers' connections come and go; a leak would show in the second half.
        fine &= means[2] + means[3] <= (means[0] + means[1]) * 1.1;
        let said: Vec<String> = means.iter().map(|files| format!("{files:.1}")).collect();
        println!("node {}: open files in four parts {}", node + 1, said.join(", "));
    }
    println!("aim: the second half at most a tenth above the first{}", verdict(fine));
    fine
}

/// Nothing of it may be missing, and all of it must be read soon after the load has ended.
async fn report_kept(office: &Office) -> bool {
    let begun = Instant::now();
    let (kept, waiting) = office.settled().await;
    println!(
        "{kept} letters acknowledged and there; {waiting} waited to be read at the end, for {:.0?}",
        begun.elapsed()
    );
    kept == office.acknowledged()
}

fn verdict(fine: bool) -> &'static str {
    if fine { "" } else { "  MISSED" }
}
