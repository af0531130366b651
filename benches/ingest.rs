//! Acknowledged uploads beside raw PUTs: 32 clients, 30 kB each, MinIO and PostgreSQL with every fsync on.
//!
//!     LUMBUNG_TEST_FSYNC=1 cargo bench --bench ingest
//!
//! Both run against the same servers in turns, so that a noisy machine disturbs both alike. The files are random bytes:
//! they are kept and not read, so that the figure is that of receiving.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

// The tests' servers, of which a bench needs a part.
#[allow(dead_code, unused_imports, unused_macros)]
#[path = "../tests/it/support/mod.rs"]
mod support;

use std::time::Instant;

use aws_sdk_s3::primitives::ByteStream;
use support::app::{AS_SHIPPED, TestApp};
use support::minio::Bucket;
use support::regency::{Actor, Stack};

const CLIENTS: usize = 32;
const EACH: usize = 20;
const SIZE: usize = 30_000;
const ROUNDS: usize = 4;

#[tokio::main]
async fn main() {
    // `cargo test` starts benches too, to see that they run; the figure needs its fsyncs and an optimised build.
    if std::env::var_os("LUMBUNG_TEST_FSYNC").is_none() {
        println!("set LUMBUNG_TEST_FSYNC=1: without it PostgreSQL runs without fsync and the figure says nothing");
        return;
    }
    let app = TestApp::with(Stack::Networked, &AS_SHIPPED).await;
    let bucket = app.bucket.clone().expect("the networked stack has a bucket");
    uploads(&app, 0).await;
    puts(&bucket, 0).await;
    let (mut acknowledged, mut raw) = (Vec::new(), Vec::new());
    let (mut of_raw, mut of_uploads) = (Processor::default(), Processor::default());
    for round in 1..=ROUNDS {
        let before = Processor::now();
        raw.push(puts(&bucket, round).await);
        let between = Processor::now();
        acknowledged.push(uploads(&app, round).await);
        of_raw.add(before, between);
        of_uploads.add(between, Processor::now());
    }
    let (raw, acknowledged) = (median(raw), median(acknowledged));
    println!("raw PUTs of {SIZE} bytes, {CLIENTS} at once:   {raw:.0} a second");
    println!("acknowledged uploads, {CLIENTS} clients:       {acknowledged:.0} a second");
    of_raw.tell("a raw PUT");
    of_uploads.tell("an upload");
    println!("ratio: {:.2} (aim: at least 0.70)", acknowledged / raw);
    app.finish().await;
}

async fn uploads(app: &TestApp, round: usize) -> f64 {
    let client = app.actor(Actor::Clerk);
    timed(|worker, n| {
        let client = client.clone();
        async move {
            let name = format!("{round}-{worker}-{n}.bin");
            client.try_upload(&name, random(), serde_json::json!({})).await.is(201);
        }
    })
    .await
}

async fn puts(bucket: &Bucket, round: usize) -> f64 {
    let client = bucket.client();
    timed(|worker, n| {
        let put = client.put_object().bucket(&bucket.name).key(format!("raw/{round}/{worker}/{n}"));
        async move {
            put.body(ByteStream::from(random())).send().await.expect("a raw PUT");
        }
    })
    .await
}

/// How many a second, with every client sending one after the other.
async fn timed<F: Future<Output = ()> + Send + 'static>(work: impl Fn(usize, usize) -> F) -> f64 {
    let mut clients = tokio::task::JoinSet::new();
    let started = Instant::now();
    for worker in 0..CLIENTS {
        let jobs: Vec<F> = (0..EACH).map(|n| work(worker, n)).collect();
        clients.spawn(async move {
            for job in jobs {
                job.await;
            }
        });
    }
    while let Some(ended) = clients.join_next().await {
        ended.expect("a client ends well");
    }
    (CLIENTS * EACH) as f64 / started.elapsed().as_secs_f64()
}

/// Seconds of processor that the parts have used: what limits uploads where all of them share the same cores.
#[derive(Clone, Copy, Default)]
struct Processor {
    minio: f64,
    postgres: f64,
    /// Lumbung and its clients.
    ours: f64,
}

impl Processor {
    fn now() -> Processor {
        let mut used = Processor::default();
        for process in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            // A process may end meanwhile.
            let Ok(stat) = std::fs::read_to_string(process.path().join("stat")) else { continue };
            let Some((head, tail)) = stat.rsplit_once(')') else { continue };
            let Some((number, name)) = head.split_once(" (") else { continue };
            let ticks = tail.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok());
            let seconds = ticks.sum::<f64>() / rustix::param::clock_ticks_per_second() as f64;
            match name {
                "minio" => used.minio += seconds,
                "postgres" => used.postgres += seconds,
                _ if number == std::process::id().to_string() => used.ours += seconds,
                _ => {}
            }
        }
        used
    }

    fn add(&mut self, from: Processor, to: Processor) {
        self.minio += to.minio - from.minio;
        self.postgres += to.postgres - from.postgres;
        self.ours += to.ours - from.ours;
    }

    fn tell(self, what: &str) {
        let each = |seconds: f64| seconds * 1e3 / (CLIENTS * EACH * ROUNDS) as f64;
        let [minio, postgres, ours] = [self.minio, self.postgres, self.ours].map(each);
        println!(
            "{what} uses {:.1} ms of processor: MinIO {minio:.1}, PostgreSQL {postgres:.1}, Lumbung and its client {ours:.1}",
            minio + postgres + ours
        );
    }
}

fn random() -> Vec<u8> {
    let block: [u8; 1000] = lumbung::id::random();
    let mut bytes = block.repeat(SIZE / 1000);
    bytes[..8].copy_from_slice(&lumbung::id::random::<8>());
    // No known kind of file begins like this.
    bytes[0] = 0xf7;
    bytes
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
