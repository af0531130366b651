//! How fast what is stored is verified and read back, on one core. `cargo bench --bench verify`
//!
//! Every ratio is of figures from the same run on the same machine and the same core: the scrub beside plain SHA-256 over the same
//! files, deep verification beside SHA-256, age and SHA-256 over the same bytes with nothing else around them, and restic,
//! where it is installed, beside both.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use jiff::tz::TimeZone;
use lumbung::app;
use lumbung::audit::{Origin, Who};
use lumbung::blob::BlobStore;
use lumbung::cli::install;
use lumbung::clock::Clock;
use lumbung::config::Config;
use lumbung::db::Db;
use lumbung::document::{self, Changes, Limits};
use lumbung::download::{Grant, Shelf};
use lumbung::error::Result;
use lumbung::id::{DocumentId, OfficeId};
use lumbung::ingest::{self, Accepted, Ingest, Recording, Source, record};
use lumbung::office::{self, OfficeKeys};
use lumbung::queue::{self, Queue};
use lumbung::read::{self, Reader};
use lumbung::seal::{InForce, RecoveryIdentity, Sealer};
use lumbung::vault::{Depth, Vault};
use sha2::{Digest, Sha256};

const MIB: usize = 1 << 20;
/// Of 32 MiB each.
const FILES: usize = 16;
const SIZE: usize = 32 * MIB;
/// Of 30 kB each; told, without a limit of their own.
const LETTERS: usize = 1000;
const LETTER: usize = 30_000;
const LEAST: f64 = 0.8;
const RESTIC: f64 = 2.0;
const PINNED: &str = "LUMBUNG_BENCH_PINNED";

fn main() -> ExitCode {
    if std::env::var_os(PINNED).is_none() {
        return on_one_core();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    if runtime.block_on(measure()) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The same program with everything that it starts, restic too, held to one core.
fn on_one_core() -> ExitCode {
    let program = std::env::current_exe().expect("this program");
    let done = Command::new("taskset").args(["-c", "0"]).arg(program).env(PINNED, "1").status();
    match done {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(cause) => {
            println!("taskset is needed to hold everything to one core: {cause}");
            ExitCode::FAILURE
        }
    }
}

async fn measure() -> bool {
    let folder = tempfile::tempdir().expect("temporary folder");
    let large = Archive::make(&folder.path().join("large"), FILES, SIZE).await;
    let mut fine = large.scrub(true).await;
    fine &= large.deep(folder.path()).await;
    drop(large);
    let letters = Archive::make(&folder.path().join("letters"), LETTERS, LETTER).await;
    letters.scrub(false).await;
    fine
}

struct Archive {
    dir: PathBuf,
    vault: Vault,
    shelf: Shelf,
    db: Db,
    keys: OfficeKeys,
    documents: Vec<DocumentId>,
    bytes: usize,
    plain: Vec<u8>,
}

impl Archive {
    async fn make(dir: &Path, files: usize, size: usize) -> Archive {
        let text = format!("[data]\ndir = {dir:?}\n");
        let config = Config::from_layers(&text, []).expect("a valid configuration");
        let clock = Clock::default();
        let recovery = RecoveryIdentity::generate().recipient();
        let setup = install(&config, &recovery, &clock).await.expect("installed");
        let store = BlobStore::open(&app::storage(&config).expect("settings")).await.expect("a folder");
        let vault = app::vault(&config, &setup.db, &clock, &store, &setup.keys).await.expect("a vault");
        let reader = Reader::new(read::Settings::default(), PathBuf::from("lumbung"));
        let shelf =
            Shelf::new(setup.db.clone(), clock.clone(), store.clone(), setup.keys.clone(), reader, InForce::new(None));
        let way = Way::new(&config, &setup.db, &setup.keys, &clock, &store);
        let office = way.office().await;
        let plain = noise(size);
        let mut documents = Vec::with_capacity(files);
        for n in 0..files {
            let mut file = plain.clone();
            file[..8].copy_from_slice(&(n as u64).to_le_bytes());
            documents.push(way.upload(office, file).await.expect("uploaded"));
        }
        Archive {
            dir: dir.to_owned(),
            vault,
            shelf,
            db: setup.db,
            keys: setup.keys,
            documents,
            bytes: files * size,
            plain,
        }
    }

    /// Every byte of every object against its name, beside plain SHA-256 over the same files.
    async fn scrub(&self, is_limited: bool) -> bool {
        let files = files_below(&self.dir.join("store/o"));
        let (mut limit, mut ours) = (Duration::MAX, Duration::MAX);
        for _ in 0..3 {
            limit = limit.min(time(|| files.iter().for_each(|file| plain_digest(file))));
            ours = ours.min(self.verify(Depth::Scrub).await);
        }
        let share = limit.as_secs_f64() / ours.as_secs_f64();
        let line = format!(
            "scrub of {} objects of {} kB: {:.2} GB/s, {:.0} % of plain SHA-256 over the same files ({:.2} GB/s)",
            files.len(),
            self.bytes / files.len() / 1000,
            self.speed(ours),
            100.0 * share,
            self.speed(limit)
        );
        if !is_limited {
            println!("       {line}");
            return true;
        }
        say(&line, share >= LEAST, "at least 80 %")
    }

    async fn deep(&self, folder: &Path) -> bool {
        let (mut limit, mut ours, mut restored) = (Duration::MAX, Duration::MAX, Duration::MAX);
        let sealed = sealed(&self.plain);
        for _ in 0..3 {
            limit = limit.min(time(|| (0..self.documents.len()).for_each(|_| bare(&sealed))));
            ours = ours.min(self.verify(Depth::Deep).await);
            restored = restored.min(self.restore(&folder.join("restored")).await);
        }
        let mut fine = true;
        for (what, took) in [("deep verification", ours), ("restoring the originals to files", restored)] {
            let share = limit.as_secs_f64() / took.as_secs_f64();
            let line = format!(
                "{what}: {:.2} GB/s, {:.0} % of the bare SHA-256 + age + SHA-256 ({:.2} GB/s)",
                self.speed(took),
                100.0 * share,
                self.speed(limit)
            );
            fine &= say(&line, share >= LEAST, "at least 80 %");
        }
        let Some((check, restore)) = self.restic(folder) else {
            println!("       restic is not installed: no comparison");
            return fine;
        };
        for (what, theirs, took) in [("restic check --read-data", check, ours), ("restic restore", restore, restored)] {
            let times = theirs.as_secs_f64() / took.as_secs_f64();
            let line =
                format!("{what} on the same data: {:.2} GB/s; ours is {times:.1} times as fast", self.speed(theirs));
            fine &= say(&line, times >= RESTIC, "at least twice as fast");
        }
        fine
    }

    async fn verify(&self, depth: Depth) -> Duration {
        let begin = Instant::now();
        let report = self.vault.verify(depth).await.expect("verified");
        assert!(report.is_sound() && report.checked == self.documents.len() as u64, "{report:?}");
        begin.elapsed()
    }

    /// Every original into a file, as `content` gives it.
    async fn restore(&self, folder: &Path) -> Duration {
        let _ = fs::remove_dir_all(folder);
        fs::create_dir_all(folder).expect("room on the disk");
        let begin = Instant::now();
        for (n, id) in self.documents.iter().enumerate() {
            let found = document::load_for_work(&self.db, &self.keys, *id).await.expect("asked").expect("there");
            let grant = Grant::of_document(&found).expect("readable");
            let mut content = self.shelf.content(&grant, None).await.expect("there");
            let mut file = File::create(folder.join(n.to_string())).expect("room on the disk");
            while let Some(piece) = content.stream.next().await {
                file.write_all(&piece.expect("authentic")).expect("room on the disk");
            }
        }
        begin.elapsed()
    }

    /// How long it takes restic to read all of the same data back, and to restore it.
    fn restic(&self, folder: &Path) -> Option<(Duration, Duration)> {
        let source = folder.join("restored");
        let run = |arguments: &[&str]| {
            let mut restic = Command::new("restic");
            restic.current_dir(folder).args(["--repo", "repository", "--no-cache"]).args(arguments);
            let done = restic.env("RESTIC_PASSWORD", "bench").env("GOMAXPROCS", "1").output().ok()?;
            done.status.success().then_some(())
        };
        run(&["init"])?;
        run(&["backup", "--quiet", &source.to_string_lossy()])?;
        let begin = Instant::now();
        run(&["check", "--read-data", "--quiet"])?;
        let check = begin.elapsed();
        let begin = Instant::now();
        run(&["restore", "latest", "--target", "back", "--quiet"])?;
        Some((check, begin.elapsed()))
    }

    fn speed(&self, took: Duration) -> f64 {
        self.bytes as f64 / took.as_secs_f64() / 1e9
    }
}

/// The way in.
struct Way {
    ingest: Ingest,
    queue: Queue,
    db: Db,
}

impl Way {
    fn new(config: &Config, db: &Db, keys: &OfficeKeys, clock: &Clock, store: &BlobStore) -> Way {
        let limits = ingest::Limits {
            max_bytes: config.upload.max_bytes,
            spool_memory_bytes: 64 * MIB,
            spool: config.upload.spool.clone(),
            part_bytes: config.upload.part_bytes,
            expire_hours: 1,
            max_open: 1,
            office_bytes: None,
            is_scanned: false,
        };
        let ingest = Ingest::new(db.clone(), clock.clone(), store.clone(), keys.clone(), InForce::new(None), limits);
        let queueing =
            queue::Settings { lease_seconds: 60, max_attempts: 1, backoff_seconds: 1, office_step_seconds: 1 };
        Way { ingest, queue: Queue::new(db.clone(), clock.clone(), queueing), db: db.clone() }
    }

    async fn office(&self) -> OfficeId {
        let mut tx = self.db.read().await.expect("a transaction");
        office::by_code(&mut tx, "32.16").await.expect("asked").expect("the regency").id
    }

    async fn upload(&self, office: OfficeId, bytes: Vec<u8>) -> Result<DocumentId> {
        let source = Source::new(office, "data.bin".into(), 1 << 32);
        let received = self.ingest.receive(source, stream::iter([Ok(Bytes::from(bytes))])).await?;
        let zone = TimeZone::UTC;
        let with = Recording { ingest: &self.ingest, queue: &self.queue, zone: &zone };
        let limits =
            Limits { max_title: 500, max_labels: 20, max_field: 500, max_summary: 10_000, max_word: 60, max_note: 500 };
        let details = Changes::default().into_details("data.bin", limits)?;
        let accepted = Accepted { who: Who::Machine, person: None, origin: Origin::machine(), drop: None };
        let mut tx = self.db.write().await?;
        let recorded = record(&mut tx, with, received, &details, &accepted).await?;
        tx.commit().await?;
        Ok(recorded.created.recorded.document)
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let below = fs::read_dir(folder).expect("objects").flatten();
    below.flat_map(|part| fs::read_dir(part.path()).expect("a part").flatten()).map(|file| file.path()).collect()
}

/// What `sha256sum` does.
fn plain_digest(file: &Path) {
    let mut file = File::open(file).expect("an object");
    let mut buffer = vec![0; 256 * 1024];
    let mut hash = Sha256::new();
    loop {
        let read = file.read(&mut buffer).expect("readable");
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
    }
    std::hint::black_box(hash.finalize());
}

/// An age file and the identity that opens it.
struct SealedFile {
    bytes: Vec<u8>,
    identity: age::x25519::Identity,
}

fn sealed(plain: &[u8]) -> SealedFile {
    let mut sealer = Sealer::new(None).expect("a fresh key");
    let mut bytes = sealer.push(plain).expect("seals").to_vec();
    let (tail, sealed) = sealer.finish().expect("seals");
    bytes.extend_from_slice(&tail);
    let identity = sealed.key.age_identity_line().expect("its own").parse().expect("an identity");
    SealedFile { bytes, identity }
}

/// The three passes that cannot be left out, a piece at a time, so that each finds the bytes in the cache.
fn bare(sealed: &SealedFile) {
    let hashing = Hashing { bytes: &sealed.bytes, digest: Sha256::new() };
    let decryptor =
        age::Decryptor::new_buffered(std::io::BufReader::with_capacity(64 * 1024, hashing)).expect("a header");
    let mut plain = decryptor.decrypt(std::iter::once(&sealed.identity as _)).expect("opens");
    let mut fingerprint = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = plain.read(&mut buffer).expect("authentic");
        if read == 0 {
            break;
        }
        fingerprint.update(&buffer[..read]);
    }
    std::hint::black_box(fingerprint.finalize());
}

struct Hashing<'a> {
    bytes: &'a [u8],
    digest: Sha256,
}

impl Read for Hashing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.bytes.read(buffer)?;
        self.digest.update(&buffer[..read]);
        Ok(read)
    }
}

fn say(line: &str, fine: bool, target: &str) -> bool {
    println!("{} {line}; wanted: {target}", if fine { "ok    " } else { "MISSED" });
    fine
}

fn time(work: impl FnOnce()) -> Duration {
    let begin = Instant::now();
    work();
    begin.elapsed()
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
