//! A running Lumbung for one test, in this process, on either stack. At its end it checks what the test did not assert.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use lumbung::access::Role;
use lumbung::app::App;
use lumbung::blob::{BlobStore, Prefix};
use lumbung::cli;
use lumbung::clock::Clock;
use lumbung::config::Config;
use lumbung::db::Db;
use lumbung::http::serve;
use lumbung::jobs::indexing;

use super::client::Client;
use super::fault::Faults;
use super::minio::{self, Bucket};
use super::regency::{Account, Actor, Regency, Stack, settle_at};
use super::{mail, server};

/// Makes one test body into two tests, one on each stack:
/// `both_stacks!(a_letter_is_found, async |app| { … });`
macro_rules! both_stacks {
    ($name:ident, async |$app:ident $(: $type:ty)?| $body:block) => {
        async fn $name($app: &$crate::support::app::TestApp) $body

        mod $name {
            use $crate::support::{app::run_on, regency::Stack};

            #[tokio::test(flavor = "multi_thread")]
            async fn embedded() {
                run_on(Stack::Embedded, super::$name).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn networked() {
                run_on(Stack::Networked, super::$name).await;
            }
        }
    };
}
pub(crate) use both_stacks;

pub async fn run_on(stack: Stack, body: impl AsyncFnOnce(&TestApp)) {
    let app = TestApp::start(stack).await;
    body(&app).await;
    app.finish().await;
}

pub struct TestApp {
    pub stack: Stack,
    /// Moving it moves every holder: sessions, links and leases expire.
    pub clock: Clock,
    /// The parts of the running server, for what cannot be seen from outside.
    pub app: App,
    /// Where it listens, as `http://127.0.0.1:port`.
    pub base: String,
    /// Only on the networked stack.
    pub bucket: Option<Bucket>,
    home: Home,
    running: Option<serve::Running>,
    regency: &'static Regency,
}

/// The data of one installation, and what its configuration says.
#[derive(Debug)]
pub struct Home {
    pub dir: PathBuf,
    pub file: PathBuf,
    database: String,
    settings: Vec<(String, String)>,
}

impl TestApp {
    pub async fn start(stack: Stack) -> TestApp {
        TestApp::with(stack, &[]).await
    }

    /// With settings of its own, such as `("upload.max_bytes", "1000")`.
    pub async fn with(stack: Stack, settings: &[(&str, &str)]) -> TestApp {
        let regency = Regency::on(stack).await;
        let (home, bucket) = Home::make(stack, regency, settings).await;
        TestApp::in_home(stack, regency, home, bucket).await
    }

    /// On the networked stack, with both servers behind proxies that can fail.
    pub async fn behind(faults: &Faults, settings: &[(&str, &str)]) -> TestApp {
        let regency = Regency::on(Stack::Networked).await;
        let (mut home, bucket) = Home::make(Stack::Networked, regency, settings).await;
        home.go_through(faults);
        TestApp::in_home(Stack::Networked, regency, home, bucket).await
    }

    async fn in_home(stack: Stack, regency: &'static Regency, home: Home, bucket: Option<Bucket>) -> TestApp {
        let clock = Clock::default();
        let running = serve_in(&home, clock.clone()).await;
        let (app, base) = (running.app.clone(), format!("http://{}", running.address));
        TestApp { stack, clock, app, base, bucket, home, running: Some(running), regency }
    }

    pub fn actor(&self, actor: Actor) -> Client {
        Client::of(&self.base, self.account(actor))
    }

    /// Somebody beside those with whom every test begins, at an office of this code.
    pub async fn newcomer(&self, login: &str, code: &str, role: Role) -> Client {
        let account = settle_at(&self.app.db, &self.clock, &self.app.accounts, login, code, role).await;
        Client::of(&self.base, account)
    }

    pub fn nobody(&self) -> Client {
        Client::nobody(&self.base)
    }

    /// The entries of the audit about one kind of act, newest first, as the auditor is told them.
    pub async fn noted(&self, action: &str) -> Vec<serde_json::Value> {
        let path = format!("/api/v1/audit?limit=200&action={action}");
        let told = self.actor(Actor::Auditor).get(&path).await.is(200).json();
        told["items"].as_array().expect("items").clone()
    }

    pub fn account(&self, actor: Actor) -> Account {
        self.regency.accounts[&actor].clone()
    }

    /// An `AGE-SECRET-KEY-…` line that opens every object.
    pub fn recovery_identity(&self) -> &str {
        &self.regency.recovery
    }

    /// Everything that it writes to its own disk lies in here.
    pub fn dir(&self) -> &Path {
        &self.home.dir
    }

    /// Stops gracefully and starts again on the same data; addresses change.
    pub async fn restart(&mut self) {
        self.restart_after(|_| ()).await;
    }

    /// The same, with something done to its data folder meanwhile.
    pub async fn restart_after(&mut self, meanwhile: impl FnOnce(&Path)) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
        meanwhile(&self.home.dir);
        let running = serve_in(&self.home, self.clock.clone()).await;
        (self.app, self.base) = (running.app.clone(), format!("http://{}", running.address));
        self.running = Some(running);
    }

    /// Stops it for good, so that its data can be taken away.
    pub async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }

    /// Another server of the same installation: the same database and bucket, and a folder and an index of its own.
    pub async fn another_node(&self) -> Node {
        assert_eq!(self.stack, Stack::Networked, "an embedded Lumbung is one server");
        let home = self.home.beside();
        let running = serve_in(&home, self.clock.clone()).await;
        Node { base: format!("http://{}", running.address), home, running, regency: self.regency }
    }

    /// Waits until no job can run now and the index has followed every change.
    pub async fn settled(&self) {
        let started = Instant::now();
        loop {
            // The jobs first: when none is under way, nothing new comes to the index.
            let is_busy = self.is_busy().await;
            let behind = indexing::pending(&self.app).await.expect("the index answers").len();
            if !is_busy && behind == 0 {
                return;
            }
            let (waiting, dead) = self.app.queue.depth().await.expect("the queue answers");
            let late = started.elapsed() > Duration::from_secs(60);
            assert!(!late, "{waiting} jobs wait, {dead} are dead, {behind} documents are not indexed");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Whether a worker holds a job or could take one. One question: between two of them a job ends that begins the next.
    async fn is_busy(&self) -> bool {
        let sql =
            "SELECT CAST(COUNT(*) AS BIGINT) FROM job WHERE state = 'waiting' AND (lease IS NOT NULL OR run_at <= $1)";
        let now = vec![self.clock.now().into()];
        let row: Option<(i64,)> = self.app.db.one(sql, now).await.expect("the database answers");
        row.is_some_and(|(busy,)| busy > 0)
    }

    /// Whether a worker holds a job at this moment.
    pub async fn is_leased(&self) -> bool {
        let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM job WHERE state = 'waiting' AND lease IS NOT NULL";
        let row: Option<(i64,)> = self.app.db.one(sql, vec![]).await.expect("the database answers");
        row.is_some_and(|(leased,)| leased > 0)
    }

    /// Sets aside what nothing names, as two nights' sweeps would: a put whose answer was lost leaves its object.
    pub async fn swept(&self) {
        self.settled().await;
        for _ in 0..3 {
            // The server's own sweep may be at it, and begins when the clock moves.
            while self.app.vault.sweep(true).await.expect("the store answers").is_none() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            self.clock.advance(Duration::from_secs(25 * 3600));
        }
    }

    /// The end of every test. What it checks, no test has to.
    pub async fn finish(mut self) {
        self.settled().await;
        let dead = self.app.queue.list(true, None, 10).await.expect("the queue answers");
        assert!(dead.is_empty(), "jobs were given up: {dead:?}");
        self.check_objects().await;
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }

    /// Every object has its row, every row that can be read has its object.
    async fn check_objects(&self) {
        let listed: Vec<_> = self.app.store.list(Prefix::Objects).try_collect().await.expect("the store lists");
        let stored: Vec<String> = listed.into_iter().filter_map(|object| Some(object.name()?.to_string())).collect();
        let known = "SELECT object FROM blob WHERE state <> 'gone' UNION SELECT object FROM derivation \
                     UNION SELECT object FROM discarded";
        let known: Vec<(String,)> = self.app.db.all(known, vec![]).await.expect("the database answers");
        let orphans: Vec<_> = stored.iter().filter(|name| !known.iter().any(|(object,)| object == *name)).collect();
        assert!(orphans.is_empty(), "objects that no row knows: {orphans:?}");
        let live = "SELECT object FROM blob WHERE state = 'live' UNION SELECT object FROM derivation";
        let live: Vec<(String,)> = self.app.db.all(live, vec![]).await.expect("the database answers");
        let lost: Vec<_> = live.iter().filter(|(object,)| !stored.contains(object)).collect();
        assert!(lost.is_empty(), "rows whose object is not there: {lost:?}");
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.home.dir);
        let unfinished = self.running.is_some() && !std::thread::panicking();
        assert!(!unfinished, "a test ends with `app.finish().await`");
    }
}

/// A second server beside a [`TestApp`]; the test stops it before it finishes.
pub struct Node {
    base: String,
    home: Home,
    running: serve::Running,
    regency: &'static Regency,
}

impl Node {
    pub fn app(&self) -> &App {
        &self.running.app
    }

    pub fn nobody(&self) -> Client {
        Client::nobody(&self.base)
    }

    pub fn actor(&self, actor: Actor) -> Client {
        Client::of(&self.base, self.regency.accounts[&actor].clone())
    }

    pub async fn stop(self) {
        self.running.stop().await;
        let _ = std::fs::remove_dir_all(&self.home.dir);
    }
}

/// What tests have sooner than a real server would, as it is in a real one: for benches.
pub const AS_SHIPPED: [(&str, &str); 2] = [("search.poll_milliseconds", "1000"), ("search.gather_milliseconds", "200")];

impl Home {
    pub async fn make(stack: Stack, regency: &'static Regency, settings: &[(&str, &str)]) -> (Home, Option<Bucket>) {
        let dir = server::scratch("app");
        let url = regency.settle(&dir).await;
        let smtp = tokio::task::spawn_blocking(mail::port).await.expect("the mail server starts");
        let bucket = match stack {
            Stack::Embedded => None,
            Stack::Networked => Some(minio::fresh_bucket().await),
        };
        let mut text = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\n[data]\ndir = {dir:?}\n[database]\nurl = {url:?}\nmax_connections = 8\n\
             [mail]\nhost = \"127.0.0.1\"\nport = {smtp}\nsecurity = \"none\"\n\
             [reading]\nrequire_jail = false\n[search]\npoll_milliseconds = 100\ngather_milliseconds = 20\n[log]\nlevel = \"warn\"\n\
             [metrics]\nlisten = \"\"\n[limits]\nmin_free_bytes = 0\n"
        );
        if let Some(bucket) = &bucket {
            let secret = dir.join("s3-secret");
            server::write_secret(&secret, minio::SECRET_KEY);
            text.push_str(&format!(
                "[storage]\nkind = \"s3\"\ns3_endpoint = {:?}\ns3_bucket = {:?}\ns3_access_key = {:?}\ns3_secret_key_file = {secret:?}\n",
                bucket.endpoint,
                bucket.name,
                minio::ACCESS_KEY,
            ));
        }
        let file = dir.join("lumbung.toml");
        std::fs::write(&file, text).expect("our folder is writable");
        let settings = settings.iter().map(|(key, value)| (variable(key), (*value).to_owned())).collect();
        (Home { dir, file, database: url, settings }, bucket)
    }

    /// Reaches database and store through the proxies.
    pub fn go_through(&mut self, faults: &Faults) {
        let (_, name) = self.database.rsplit_once('/').expect("postgres://user@host:port/name");
        let url = format!("postgres://lumbung@127.0.0.1:{}/{name}", faults.database.port());
        self.settings.push((variable("database.url"), url));
        self.settings.push((variable("storage.s3_endpoint"), faults.store.endpoint()));
    }

    /// A command of the program on this installation, to its end.
    pub fn command(&self, environment: &[(&str, &str)], args: &[&str]) -> Output {
        self.command_under(&[], environment, args)
    }

    /// The same, started by another program with its arguments.
    pub fn command_under(&self, under: &[String], environment: &[(&str, &str)], args: &[&str]) -> Output {
        let mut words = under.iter().map(String::as_str).chain([env!("CARGO_BIN_EXE_lumbung")]);
        let mut command = Command::new(words.next().expect("the program at least"));
        command.args(words).args(args).arg("--config").arg(&self.file).envs(self.environment());
        command.envs(environment.iter().copied()).output().expect("the program runs")
    }

    /// Its object store, as another program would open it.
    pub async fn open_store(&self) -> BlobStore {
        let config = Config::load(Some(&self.file), self.environment()).expect("our own file");
        let settings = lumbung::app::storage(&config).expect("our own settings");
        BlobStore::open(&settings).await.expect("the store answers")
    }

    /// Another value for a setting, from the next start on.
    pub fn set(&mut self, key: &str, value: &str) {
        let key = variable(key);
        self.settings.retain(|(known, _)| *known != key);
        self.settings.push((key, value.to_owned()));
    }

    /// Another database, from the next start on.
    pub fn set_database(&mut self, url: &str) {
        self.database = url.to_owned();
        self.set("database.url", url);
    }

    /// The database as the operator would look into it.
    pub async fn open_database(&self) -> Db {
        let acquire = Duration::from_secs(10);
        let settings =
            lumbung::db::Settings { url: self.database.clone(), max_connections: 2, acquire, answer: acquire };
        Db::connect(&settings, &Clock::default()).await.expect("the database answers")
    }

    /// The same installation as another machine would have it.
    pub fn beside(&self) -> Home {
        let dir = server::scratch("node");
        for key in ["master.key", "s3-secret"].map(|name| self.dir.join(name)).iter().filter(|key| key.exists()) {
            std::fs::copy(key, dir.join(key.file_name().expect("a name"))).expect("nodes share their keys");
        }
        let text = std::fs::read_to_string(&self.file).expect("our own file");
        let text = text.replace(self.dir.to_str().expect("a plain path"), dir.to_str().expect("a plain path"));
        let file = dir.join("lumbung.toml");
        std::fs::write(&file, text).expect("our folder is writable");
        Home { dir, file, database: self.database.clone(), settings: self.settings.clone() }
    }

    /// The settings of the test as environment variables.
    pub fn environment(&self) -> impl Iterator<Item = (String, String)> {
        self.settings.iter().cloned()
    }
}

/// `upload.max_bytes` as `LUMBUNG__UPLOAD__MAX_BYTES`.
fn variable(key: &str) -> String {
    format!("LUMBUNG__{}", key.replace('.', "__").to_uppercase())
}

async fn serve_in(home: &Home, clock: Clock) -> serve::Running {
    let config = Config::load(Some(&home.file), home.environment()).expect("the test's configuration is right");
    let program = PathBuf::from(env!("CARGO_BIN_EXE_lumbung"));
    let app = App::open(config, clock, program).await.expect("the parts come together");
    let router = cli::router(&app);
    serve::start(app, router).await.expect("the server starts")
}
