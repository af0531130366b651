//! The archive over the years: keys that change, what is destroyed and swept, the mirror, records, backup and restore. The
//! server and the commands beside it die at each named point; whoever ran the command runs it again.

use std::process::Output;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lumbung::blob::ObjectName;
use lumbung::crash::Point;
use lumbung::seal::SealedBody;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::leftover;
use super::story::fresh_word;
use crate::reading::support::letter_pdf;
use crate::support::client::{Answer, Client, form, try_send};
use crate::support::program::{Launch, Program};
use crate::support::regency::{Actor, Stack};
use crate::support::{postgres, server};

/// What is played until a point is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chapter {
    Keys,
    Store,
    Records,
}

impl Chapter {
    pub const ALL: [Chapter; 3] = [Chapter::Keys, Chapter::Store, Chapter::Records];
}

/// What brings the death.
#[derive(Clone, Copy, Debug)]
pub enum Death {
    /// A named point, once: of the server, or of the command that meets it first.
    Point(&'static str),
    /// The n-th of these calls of each command.
    Call { calls: &'static str, n: usize },
    /// The n-th of these calls of the server, counted from its start.
    ServerCall { calls: &'static str, n: usize },
}

impl Death {
    fn environment(&self) -> Vec<(&str, &str)> {
        match self {
            Death::Point(point) => vec![("LUMBUNG_DIE_AT", point)],
            Death::Call { .. } | Death::ServerCall { .. } => Vec::new(),
        }
    }

    /// What a command runs under.
    fn under(&self) -> Vec<String> {
        match self {
            Death::Call { calls, n } => killed_at(calls, *n),
            Death::Point(_) | Death::ServerCall { .. } => Vec::new(),
        }
    }

    /// What the server runs under.
    fn over_server(&self) -> Vec<String> {
        match self {
            Death::ServerCall { calls, n } => killed_at(calls, *n),
            Death::Point(_) | Death::Call { .. } => Vec::new(),
        }
    }

    fn is_call(&self) -> bool {
        matches!(self, Death::Call { .. })
    }
}

fn killed_at(calls: &str, n: usize) -> Vec<String> {
    let inject = format!("inject={calls}:signal=KILL:when={n}");
    ["strace", "-f", "-qq", "-o", "/dev/null", "-e", &inject].map(str::to_owned).into()
}

pub fn chapter_of(point: Point) -> Option<Chapter> {
    match point.name().split('.').next()? {
        "rotate" | "master" | "recovery" => Some(Chapter::Keys),
        "mirror" | "destroy" | "erase" | "sweep" => Some(Chapter::Store),
        "records" | "backup" | "restore" => Some(Chapter::Records),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_death_while_the_archive_is_kept_loses_nothing_embedded() {
    every_point(Stack::Embedded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_death_while_the_archive_is_kept_loses_nothing_networked() {
    every_point(Stack::Networked).await;
}

async fn every_point(stack: Stack) {
    let (started, seats) = (Instant::now(), Arc::new(Semaphore::new(3)));
    let mut years = tokio::task::JoinSet::new();
    for (point, chapter) in Point::ALL.iter().filter_map(|point| Some((point.name(), chapter_of(*point)?))) {
        let (seats, here) = (seats.clone(), Handle::current());
        // A thread for each: commands are waited for, and nobody else's turn is taken meanwhile.
        years.spawn_blocking(move || {
            here.block_on(async {
                let _seat = seats.acquire().await.expect("never closed");
                eprintln!("{stack:?}: to die at {point}");
                let deaths = Years::begin(stack, Death::Point(point)).await.play(chapter).await;
                assert!(deaths > 0, "{point} was never reached");
            });
        });
    }
    let points = years.len();
    while let Some(ended) = years.join_next().await {
        ended.expect("the years end well");
    }
    eprintln!("{stack:?}: {points} points of keeping, 0 lost, in {} s", started.elapsed().as_secs());
}

struct Letter {
    id: String,
    word: String,
    bytes: Vec<u8>,
}

/// An archive whose server and commands die.
pub struct Years {
    program: Program,
    stack: Stack,
    death: Death,
    deaths: usize,
    clerk: Client,
    kept: Vec<Letter>,
}

const DAY: u64 = 86_400;
/// A node that died is taken for dead after a minute.
const PATIENCE: Duration = Duration::from_secs(120);

impl Years {
    pub async fn begin(stack: Stack, death: Death) -> Years {
        let mirror = server::scratch("mirror");
        let settings = [
            ("queue.lease_seconds", "10"),
            ("storage.mirror.kind", "folder"),
            ("storage.mirror.folder", mirror.to_str().expect("a plain path")),
        ];
        let (armed, over) = (death.environment(), death.over_server());
        let over: Vec<&str> = over.iter().map(String::as_str).collect();
        let launch = Launch { environment: &armed, under: &over, ..Launch::default() };
        let mut program = Program::launch(stack, &settings, &launch).await;
        let mut deaths = 0;
        if !program.becomes_ready().await {
            deaths += 1;
            program.start_again().await;
        }
        let clerk = program.actor(Actor::Clerk);
        let mut years = Years { program, stack, death, deaths, clerk, kept: Vec::new() };
        for class in ["biasa", "rahasia"] {
            let letter = years.letter(class).await;
            years.kept.push(letter);
        }
        years
    }

    /// Tells how many deaths there were.
    pub async fn play(mut self, chapter: Chapter) -> usize {
        match chapter {
            Chapter::Keys => self.keys().await,
            Chapter::Store => self.store().await,
            Chapter::Records => self.records().await,
        }
        self.end().await;
        self.deaths
    }

    /// A letter of its own that is read.
    async fn letter(&mut self, class: &str) -> Letter {
        let word = fresh_word();
        let (bytes, key) = (letter_pdf(&[&word, "surat undangan rapat desa"]), word.clone());
        let (body, metadata) = (bytes.clone(), json!({ "title": "Undangan rapat", "security_class": class }));
        let made = self
            .ask(move |clerk| {
                let form = form("surat.pdf", body.clone(), metadata.clone());
                clerk.request(Method::POST, "/api/v1/documents").header("Idempotency-Key", &key).multipart(form)
            })
            .await;
        let id = made.is(201).json()["id"].as_str().expect("an id").to_owned();
        let path = format!("/api/v1/documents/{id}");
        self.until("it is read", async |years: &mut Years| {
            years.ask(|clerk| clerk.request(Method::GET, &path)).await.is(200).json()["state"] == "ready"
        })
        .await;
        Letter { id, word, bytes }
    }

    /// Asked again after a death, as often as it takes.
    async fn ask(&mut self, request: impl Fn(&Client) -> RequestBuilder) -> Answer {
        loop {
            match try_send(request(&self.clerk)).await {
                Ok(answer) if answer.status == 409 && !answer.header("retry-after").is_empty() => {
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
                Ok(answer) => return answer,
                Err(_) => {
                    assert!(self.program.dies_within(Duration::from_secs(10)).await, "{}", self.program.output());
                    self.deaths += 1;
                    self.program.start_again().await;
                }
            }
        }
    }

    async fn status(&mut self) -> Value {
        self.ask(|clerk| clerk.request(Method::GET, "/api/v1/status")).await.is(200).json()
    }

    async fn until(&mut self, what: &str, is_so: impl AsyncFn(&mut Years) -> bool) {
        let started = Instant::now();
        while !is_so(self).await {
            assert!(started.elapsed() < PATIENCE, "{:?}: {what}: not yet\n{}", self.death, self.program.output());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// A command, run again if it died, when what it held is free again. True where it had died before.
    fn command(&mut self, ahead: u64, args: &[&str]) -> (Output, bool) {
        let unarmed = |years: &Years, ahead: u64| {
            years.program.command_with(&[("LUMBUNG_CLOCK_AHEAD", &ahead.to_string())], args)
        };
        if self.deaths > 0 && !self.death.is_call() {
            return (unarmed(self, ahead), false);
        }
        let ahead_now = ahead.to_string();
        let mut armed = self.death.environment();
        armed.push(("LUMBUNG_CLOCK_AHEAD", ahead_now.as_str()));
        let done = self.program.home.command_under(&self.death.under(), &armed, args);
        if done.status.code().is_some() {
            return (done, false);
        }
        self.deaths += 1;
        let later = if args[0] == "sweep" { 3600 } else { 0 };
        (unarmed(self, ahead + later), true)
    }

    fn done(&mut self, ahead: u64, args: &[&str]) -> String {
        let (done, again) = self.command(ahead, args);
        // What died at some call may have done all and told nobody: then there is nothing left to do.
        let had_ended = again && self.death.is_call();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success() || had_ended, "{:?}: {args:?}: {said}", self.death);
        String::from_utf8_lossy(&done.stdout).into_owned()
    }

    async fn count(&self, sql: &'static str) -> i64 {
        let db = self.program.home.open_database().await;
        let found: Option<(i64,)> = db.one(sql, vec![]).await.expect("the database answers");
        db.close().await;
        found.map_or(0, |(count,)| count)
    }

    async fn keys(&mut self) {
        self.done(0, &["key", "rotate"]);
        const FORMER: &str = "SELECT CAST(COUNT(*) AS BIGINT) FROM blob_key WHERE version = 1";
        self.until("every key is wrapped anew", async |years: &mut Years| {
            years.status().await;
            years.count(FORMER).await == 0
        })
        .await;
        self.master().await;
        let file = server::scratch("recovery");
        let names = ["new.txt", "newer.txt"].map(|name| file.join(name).display().to_string());
        let (done, again) = self.command(0, &["key", "recovery-new", "--recovery-out", &names[0]]);
        if again && !done.status.success() {
            self.done(0, &["key", "recovery-new", "--recovery-out", &names[1]]);
        }
        self.until("every object is copied", async |years: &mut Years| years.status().await["former_recovery"] == 0)
            .await;
    }

    /// Until the command says that it is done; after each step the server is started with the file as it is.
    async fn master(&mut self) {
        const WAITING: &str = "SELECT CAST(COUNT(*) AS BIGINT) FROM job WHERE kind = 'change_master'";
        for _ in 0..8 {
            let told = self.done(0, &["key", "rotate", "--master"]);
            self.restart().await;
            if told.starts_with("2/3") {
                self.until("the database goes over", async |years: &mut Years| {
                    years.status().await;
                    years.count(WAITING).await == 0
                })
                .await;
                self.restart().await;
            }
            if told.starts_with("3/3") {
                return;
            }
        }
        panic!("{:?}: the change of the master key does not end", self.death);
    }

    /// With the file of the master key as it is, and still to die where it has not.
    async fn restart(&mut self) {
        self.program.cut();
        let (armed, over) = (self.death.environment(), self.death.over_server());
        let over: Vec<&str> = over.iter().map(String::as_str).collect();
        let (launch, unarmed) = (Launch { environment: &armed, under: &over, ..Launch::default() }, Launch::default());
        self.program.launch_again(if self.deaths == 0 { &launch } else { &unarmed });
        if !self.program.becomes_ready().await {
            self.deaths += 1;
            self.program.start_again().await;
        }
    }

    async fn store(&mut self) {
        let gone = self.letter("biasa").await;
        // The same bytes once more: one of the two blobs is needed by nobody.
        let (twin, bytes) = (fresh_word(), self.kept[0].bytes.clone());
        let told = self
            .ask(move |clerk| {
                let form = form("surat.pdf", bytes.clone(), json!({ "title": "Undangan rapat" }));
                clerk.request(Method::POST, "/api/v1/documents").header("Idempotency-Key", &twin).multipart(form)
            })
            .await;
        let twin = told.is(201).json()["id"].as_str().expect("an id").to_owned();
        self.kept.push(Letter { id: twin, word: self.kept[0].word.clone(), bytes: self.kept[0].bytes.clone() });
        self.leave_alone().await;
        self.until("the mirror has everything", async |years: &mut Years| {
            years.status().await["vault"]["mirror"]["waiting"] == 0
        })
        .await;
        let path = format!("/api/v1/documents/{}", gone.id);
        self.ask(|clerk| clerk.request(Method::DELETE, &path)).await.is(204);
        let (done, again) = self.command(0, &["destroy", &gone.id, "--reason", "uji"]);
        assert!(done.status.success() || again, "{}", String::from_utf8_lossy(&done.stderr));
        self.ask(|clerk| clerk.request(Method::GET, &path)).await.refusal(404, "not-found");

        let store = self.program.home.open_store().await;
        let body = SealedBody::from_bytes(vec![7; 100].into());
        let stray = ObjectName::Object(*body.digest());
        store.put(&stray, &body).await.expect("put");
        for day in 1..4 {
            self.done(day * DAY + 3600, &["sweep", "--confirm"]);
        }
        assert_eq!(store.head(&stray).await.expect("asked"), None, "what nothing names is set aside");
        let aside = ObjectName::Quarantined(Box::new(stray));
        assert_eq!(store.head(&aside).await.expect("asked"), Some(100), "and not deleted");
        let destroyed = format!("/api/v1/audit?action=document.destroy&object={}", gone.id);
        let head = self.program.actor(Actor::Head);
        let entries = self.ask(|_| head.request(Method::GET, &destroyed)).await.is(200).json();
        assert_eq!(entries["items"].as_array().map(Vec::len), Some(1), "{entries}");
    }

    /// The twin's own blob as if it had been in use and no version named it any more.
    async fn leave_alone(&self) {
        let db = self.program.home.open_database().await;
        let changed = db.execute("UPDATE blob SET state = 'live' WHERE state = 'pending'", vec![]).await;
        // One more, of an upload that was cut, is as much nobody's.
        assert!(changed.expect("the database answers") >= 1, "the twin's");
        db.close().await;
    }

    async fn records(&mut self) {
        let behind = async |years: &mut Years| years.status().await["records"]["waiting"] == 0;
        self.until("the records are written", behind).await;
        let file = server::scratch("backup").join("cadangan");
        self.done(0, &["backup", "--hold-hours", "0", "--out", file.to_str().expect("a plain path")]);
        self.until("the records are written", behind).await;
        let before = self.figures().await;
        self.program.cut();
        self.restore(&before).await;
        self.program.start_again().await;
    }

    /// Rows that a restore brings back one by one.
    async fn figures(&self) -> [i64; 3] {
        [
            self.count("SELECT CAST(COUNT(*) AS BIGINT) FROM version").await,
            self.count("SELECT CAST(COUNT(*) AS BIGINT) FROM blob_key").await,
            self.count("SELECT CAST(COUNT(*) AS BIGINT) FROM audit").await,
        ]
    }

    /// On an empty machine that has the store and the recovery key.
    async fn restore(&mut self, before: &[i64; 3]) {
        let mut home = self.program.home.beside();
        std::fs::remove_file(home.dir.join("master.key")).expect("it has none");
        let database = match self.stack {
            Stack::Embedded => format!("sqlite:{}", home.dir.join("lumbung.db").display()),
            Stack::Networked => tokio::task::spawn_blocking(postgres::fresh_database).await.expect("a database"),
        };
        home.set_database(&database);
        if self.stack == Stack::Embedded {
            home.set("storage.folder", self.program.home.dir.join("store").to_str().expect("a plain path"));
        }
        let key = home.dir.join("recovery.txt");
        std::fs::write(&key, self.program.recovery_identity()).expect("our folder");
        let args = ["restore", "--from-bucket", "--recovery-key", key.to_str().expect("a plain path")];
        let mut done = home.command_under(&self.death.under(), &self.death.environment(), &args);
        if done.status.code().is_none() {
            self.deaths += 1;
            done = home.command(&[], &args);
            // It had ended and nobody was told.
            let may_have_ended = self.death.is_call() || matches!(self.death, Death::Point("restore.committed"));
            assert!(done.status.success() || may_have_ended, "{:?}", self.death);
        }
        let verified = home.command(&[], &["verify", "--deep"]);
        assert!(verified.status.success(), "{:?}: {}", self.death, String::from_utf8_lossy(&verified.stdout));
        let original = std::mem::replace(&mut self.program.home, home);
        let [versions, keys, entries] = self.figures().await;
        let restored = std::mem::replace(&mut self.program.home, original);
        assert_eq!([versions, keys], before[..2]);
        assert!(entries > before[2], "and that it was restored");
        std::fs::remove_dir_all(&restored.dir).expect("removed");
    }

    /// Everything that was kept opens and is found, and nothing is in the store that has no row.
    async fn end(&mut self) {
        let kept = std::mem::take(&mut self.kept);
        if !self.death.over_server().is_empty() && self.deaths == 0 {
            // It made fewer calls and shall not die any more.
            self.program.cut();
            self.program.start_again().await;
        }
        for letter in &kept {
            let path = format!("/api/v1/documents/{}", letter.id);
            let content = self.ask(|clerk| clerk.request(Method::GET, &format!("{path}/content"))).await.is(200).body;
            assert!(content == letter.bytes, "{:?}: {} has other bytes", self.death, letter.id);
            let clerk = self.clerk.clone();
            let (id, word) = (letter.id.clone(), letter.word.clone());
            self.until("it is found", async |_: &mut Years| clerk.finds(&word).await.contains(&id)).await;
        }
        leftover::none(&self.program).await;
    }
}
