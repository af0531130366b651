//! The running program's parts, put together once from the configuration and handed to every edge.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::tz::TimeZone;
use tokio::sync::{Notify, broadcast, watch};
use tokio_util::sync::CancellationToken;

use crate::{
    account::Accounts,
    blob::{self, BlobStore},
    clock::Clock,
    config::{self, Config, Network},
    db::{self, Db},
    download::Shelf,
    error::{Error, Kind, Result, say},
    id::{OfficeId, VersionId},
    ingest::{self, Ingest, Recording},
    mail::Mailer,
    measure::{Counted, Of, Timed},
    office::{self, OfficeKeys},
    queue::{self, Queue},
    read::{self, Reader},
    record::Records,
    scan::Scanner,
    seal::{InForce, MasterKey, RecoveryRecipient, Secret32},
    search::{self, Index},
    share::Sharing,
    vault::{self, Vault},
};

/// Everything a handler may need; a cheap handle.
#[derive(Clone)]
pub struct App {
    parts: Arc<Parts>,
}

/// The parts themselves.
pub struct Parts {
    pub config: Config,
    pub db: Db,
    pub clock: Clock,
    pub zone: TimeZone,
    pub master: Arc<MasterKey>,
    pub recovery: InForce,
    pub keys: OfficeKeys,
    pub accounts: Accounts,
    pub queue: Queue,
    pub store: BlobStore,
    pub ingest: Ingest,
    pub shelf: Shelf,
    pub records: Records,
    pub vault: Vault,
    pub reader: Reader,
    pub index: Index,
    pub mailer: Option<Mailer>,
    /// Where an antivirus daemon is configured.
    pub scanner: Option<Scanner>,
    pub sharing: Sharing,
    pub trusted_proxies: Vec<Network>,
    /// Wakes the workers when this node has enqueued a job.
    pub work: Notify,
    /// Wakes this node's indexing when this node has changed a document.
    pub indexing: Notify,
    /// What of the log of changes this node's index holds.
    pub applied: Mutex<crate::document::Applied>,
    /// Counts this node's applied batches, for those who wait for one.
    pub index_moved: watch::Sender<u64>,
    /// What happens to documents, for those who watch.
    pub events: broadcast::Sender<Happening>,
    /// What this node has answered and done since it started.
    pub done: Done,
    /// Ends every background task: jobs are handed back.
    pub stopping: CancellationToken,
    /// Tells this process from the other nodes.
    pub node: String,
    public_url: std::sync::OnceLock<String>,
}

/// Counts and durations of this node, for its operator.
#[derive(Clone, Debug)]
pub struct Done {
    /// Answers, by the kind of page or call.
    pub answers: Timed,
    /// Refusals, by their slug.
    pub refused: Counted,
    /// Attempts at jobs, by their kind.
    pub jobs: Timed,
}

impl Default for Done {
    fn default() -> Done {
        let refused = Counted::default();
        // Those that somebody is called for are told from the start: what has never been told cannot be seen to rise.
        for of in ["internal", "too-many"] {
            let _ = refused.get_or_create(&Of { of });
        }
        Done { answers: Timed::default(), refused, jobs: Timed::default() }
    }
}

/// Progress of a version of an office's document.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Happening {
    /// Whether another node told it.
    #[serde(skip)]
    pub elsewhere: bool,
    pub office: OfficeId,
    pub document: crate::id::DocumentId,
    pub version: VersionId,
    pub state: crate::document::State,
    pub pages_read: u32,
    pub pages: Option<u32>,
}

impl std::ops::Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

impl App {
    /// Connects, migrates and checks; refuses to start on anything that would lose or leak.
    pub async fn open(config: Config, clock: Clock, program: PathBuf) -> Result<App> {
        must_be_set_up(&config)?;
        std::fs::create_dir_all(&config.data.dir)?;
        std::fs::create_dir_all(&config.upload.spool)?;
        crate::seal::clear_spool(&config.upload.spool)?;
        crate::seal::limit_memory(config.upload.spool_memory_total_bytes);
        let db = Db::connect(&database(&config)?, &clock).await?;
        db::migrate(&db, db::MIGRATIONS, &clock).await?;
        let (master, recovery) = unlocked(&db, &config).await?;
        let (master, recovery) = (Arc::new(master), InForce::new(recovery));
        let keys = OfficeKeys::new(db.clone(), &master);
        office::follow_file(&db, &clock, &keys, &config.region.offices_file).await?;
        let store = BlobStore::open(&storage(&config)?).await?;
        let reader = Reader::new(reading(&config), program);
        let index = open_index(&config, &master).await?;
        let zone = TimeZone::get(&config.region.timezone).map_err(Error::internal)?;
        let queue = Queue::new(db.clone(), clock.clone(), queueing(&config));
        let accounts =
            Accounts::new(db.clone(), clock.clone(), config.session.clone(), config.throttle.clone(), master.clone());
        let limits = uploading(&config);
        let ingest = Ingest::new(db.clone(), clock.clone(), store.clone(), keys.clone(), recovery.clone(), limits);
        let shelf =
            Shelf::new(db.clone(), clock.clone(), store.clone(), keys.clone(), reader.clone(), recovery.clone());
        let records = Records::new(
            db.clone(),
            clock.clone(),
            store.clone(),
            master.clone(),
            recovery.clone(),
            config.upload.spool.clone(),
            records_forget(&config),
        );
        let vault = vault(&config, &db, &clock, &store, &keys).await?;
        let mailer = Mailer::new(&config.mail)?;
        let scanner = scanner(&config);
        let sharing =
            Sharing::new(db.clone(), clock.clone(), queue.clone(), &master, &config, zone.clone(), mailer.is_some());
        let trusted_proxies = config.server.trusted_proxies.iter().filter_map(|text| Network::parse(text)).collect();
        let (events, _) = broadcast::channel(1024);
        let parts = Parts {
            config,
            db,
            clock,
            zone,
            master,
            recovery,
            keys,
            accounts,
            queue,
            store,
            ingest,
            shelf,
            records,
            vault,
            reader,
            index,
            mailer,
            scanner,
            sharing,
            trusted_proxies,
            work: Notify::new(),
            indexing: Notify::new(),
            applied: Default::default(),
            index_moved: watch::channel(0).0,
            events,
            done: Done::default(),
            stopping: CancellationToken::new(),
            node: crate::id::to_letters(&crate::id::random::<10>()),
            public_url: std::sync::OnceLock::new(),
        };
        Ok(App { parts: Arc::new(parts) })
    }

    /// The address under which people reach this server, without a slash at the end.
    pub fn public_url(&self) -> &str {
        match self.config.server.public_url.as_str() {
            "" => self.public_url.get().map_or("http://localhost", String::as_str),
            configured => configured,
        }
    }

    /// Known once the server listens; a configured address wins.
    pub fn listening_at(&self, url: String) {
        let _ = self.public_url.set(url);
    }

    /// Cookies are Secure except where everybody is on this machine and nothing is encrypted.
    pub fn cookies_are_secure(&self) -> bool {
        self.public_url().starts_with("https://")
    }

    /// Seals the answers that are kept for repeated requests.
    pub fn repeat_key(&self) -> Secret32 {
        Secret32::from(self.master.derive("idempotency"))
    }

    /// Another node, or the machine's operator, may have changed the recovery recipient.
    pub async fn refresh_recovery(&self) -> Result<()> {
        self.recovery.change(recovery_recipient(&self.db).await?);
        Ok(())
    }

    pub fn recording(&self) -> Recording<'_> {
        Recording { ingest: &self.ingest, queue: &self.queue, zone: &self.zone }
    }

    /// After a commit that enqueued a job or changed a document: this node need not wait for its next look.
    pub fn nudge(&self) {
        self.work.notify_one();
        self.indexing.notify_one();
    }
}

/// Refuses a place where there is nothing yet before anything is made there: often it is only the wrong folder.
pub fn must_be_set_up(config: &Config) -> Result<()> {
    let Some(rest) = config.database.url.strip_prefix("sqlite:") else { return Ok(()) };
    let file = rest.strip_prefix("//").unwrap_or(rest).split('?').next().unwrap_or_default();
    if Path::new(file).exists() || file.contains(":memory:") { Ok(()) } else { Err(not_set_up(file)) }
}

fn not_set_up(place: &str) -> Error {
    Error::new(
        Kind::Conflict,
        "not-initialised",
        say(
            format!(
                "Belum ada arsip di {place}. Siapkan dahulu: lumbung init --recovery-out BERKAS. Hanya mencoba: lumbung demo. Arsipnya di tempat lain: sebutkan dengan --config."
            ),
            format!(
                "There is no archive at {place} yet. Set it up: lumbung init --recovery-out FILE. Just trying: lumbung demo. It is elsewhere: say where with --config."
            ),
        ),
    )
}

/// The master key and the recovery recipient, where `init` has run and the key fits.
pub async fn unlocked(db: &Db, config: &Config) -> Result<(MasterKey, Option<RecoveryRecipient>)> {
    let Some(theirs) = crate::db::installation(db, "master_fingerprint").await? else {
        return Err(not_set_up("database.url"));
    };
    let wrong = || {
        Error::new(
            Kind::Conflict,
            "wrong-master-key",
            say(
                "Kunci induk tidak cocok dengan basis data ini. Periksa keys.master_file.",
                "The master key does not fit this database. Check keys.master_file.",
            ),
        )
    };
    let master = MasterKey::load(&config.keys.master_file)?.fitting(&theirs).ok_or_else(wrong)?;
    Ok((master, recovery_recipient(db).await?))
}

/// Whom new objects are sealed to beside their own key, and the how-manieth it is.
pub async fn recovery_recipient(db: &Db) -> Result<Option<RecoveryRecipient>> {
    let Some(text) = crate::db::installation(db, "recovery_recipient").await? else { return Ok(None) };
    let generation = crate::db::installation(db, "recovery_generation").await?;
    let generation = generation.and_then(|text| text.parse().ok()).unwrap_or(1);
    text.parse::<RecoveryRecipient>().map(|recipient| Some(recipient.of_generation(generation)))
}

pub fn database(config: &Config) -> Result<db::Settings> {
    let mut url = config.database.url.clone();
    let file = &config.database.password_file;
    if !file.as_os_str().is_empty() && url.starts_with("postgres") {
        let password = config::secret_file(file)?;
        let quoted = percent_encoding::utf8_percent_encode(&password, percent_encoding::NON_ALPHANUMERIC).to_string();
        url.push_str(if url.contains('?') { "&password=" } else { "?password=" });
        url.push_str(&quoted);
    }
    Ok(db::Settings {
        url,
        max_connections: config.database.max_connections,
        acquire: Duration::from_secs(config.database.acquire_seconds),
        answer: Duration::from_secs(config.database.answer_seconds),
    })
}

pub fn storage(config: &Config) -> Result<blob::Settings> {
    let storage = &config.storage;
    if storage.kind == "folder" {
        return Ok(blob::Settings::folder(&storage.folder));
    }
    Ok(blob::Settings::s3(blob::S3Settings {
        endpoint: storage.s3_endpoint.clone(),
        region: storage.s3_region.clone(),
        bucket: storage.s3_bucket.clone(),
        access_key: storage.s3_access_key.clone(),
        secret_key: config::secret_file(&storage.s3_secret_key_file)?,
        path_style: storage.s3_path_style,
        create_bucket: storage.s3_create_bucket,
        patience: patience(storage),
        object_lock_days: storage.s3_object_lock_days,
    }))
}

/// The mirror is waited for as long as the store.
fn patience(storage: &config::Storage) -> blob::Patience {
    blob::Patience {
        connect: Duration::from_secs(storage.connect_seconds),
        answer: Duration::from_secs(storage.answer_seconds),
        operation: Duration::from_secs(storage.operation_seconds),
    }
}

/// The second store, where there is one.
pub fn mirror(config: &Config) -> Result<Option<blob::Settings>> {
    let mirror = &config.storage.mirror;
    match mirror.kind.as_str() {
        "" => Ok(None),
        "folder" => Ok(Some(blob::Settings::folder(&mirror.folder))),
        _ => Ok(Some(blob::Settings::s3(blob::S3Settings {
            endpoint: mirror.s3_endpoint.clone(),
            region: mirror.s3_region.clone(),
            bucket: mirror.s3_bucket.clone(),
            access_key: mirror.s3_access_key.clone(),
            secret_key: config::secret_file(&mirror.s3_secret_key_file)?,
            path_style: mirror.s3_path_style,
            create_bucket: mirror.s3_create_bucket,
            patience: patience(&config.storage),
            object_lock_days: mirror.s3_object_lock_days,
        }))),
    }
}

/// What keeps the store clean and sound, from its parts; also beside a running server.
pub async fn vault(config: &Config, db: &Db, clock: &Clock, store: &BlobStore, keys: &OfficeKeys) -> Result<Vault> {
    let mirror = match mirror(config)? {
        Some(settings) => Some(BlobStore::open(&settings).await?),
        None => None,
    };
    let settings = vault::Settings {
        trash: Duration::from_secs(config.trash.days * 86_400),
        reason_chars: config.limits.reason_chars,
        every: Duration::from_secs(config.sweep.every_hours * 3600),
        grace: Duration::from_secs(config.sweep.grace_hours * 3600),
        stop_percent: config.sweep.stop_percent,
        stop_count: config.sweep.stop_count,
        remember: Duration::from_secs(config.sweep.remember_days * 86_400),
        rolling: config.verify.rolling,
        bytes_per_hour: config.verify.bytes_per_hour,
        within: Duration::from_secs(config.verify.within_days * 86_400),
        records_forget: records_forget(config),
        spool: config.upload.spool.clone(),
        spool_memory: config.upload.spool_memory_bytes,
    };
    Ok(Vault::new(db.clone(), clock.clone(), store.clone(), mirror, keys.clone(), settings))
}

pub fn records_forget(config: &Config) -> Duration {
    Duration::from_secs(config.records.destroyed_hours * 3600)
}

pub fn queueing(config: &Config) -> queue::Settings {
    let config::Queue { lease_seconds, max_attempts, backoff_seconds, office_step_seconds, .. } = config.queue;
    queue::Settings { lease_seconds, max_attempts, backoff_seconds, office_step_seconds }
}

fn uploading(config: &Config) -> ingest::Limits {
    let upload = &config.upload;
    ingest::Limits {
        max_bytes: upload.max_bytes,
        spool_memory_bytes: upload.spool_memory_bytes,
        spool: upload.spool.clone(),
        part_bytes: upload.part_bytes,
        expire_hours: upload.expire_hours,
        max_open: upload.max_open,
        office_bytes: (config.limits.office_bytes > 0).then_some(config.limits.office_bytes),
        is_scanned: !config.scan.clamd.is_empty(),
    }
}

fn scanner(config: &Config) -> Option<Scanner> {
    let scan = &config.scan;
    (!scan.clamd.is_empty())
        .then(|| Scanner::at(&scan.clamd, Duration::from_secs(scan.timeout_seconds), scan.max_bytes))
}

fn reading(config: &Config) -> read::Settings {
    let reading = &config.reading;
    read::Settings {
        require_jail: reading.require_jail,
        tesseract: reading.tesseract.clone().into(),
        languages: reading.languages.clone(),
        dpi: reading.dpi,
        memory_mb: reading.memory_mib,
        cpu_seconds: reading.cpu_seconds,
        wall_seconds: reading.wall_seconds,
        turn_seconds: reading.turn_seconds,
        max_pages: reading.max_pages,
        max_text_bytes: reading.max_text_bytes,
        max_pixels: reading.max_pixels,
        max_input_bytes: reading.max_input_bytes,
        ..read::Settings::default()
    }
}

async fn open_index(config: &Config, master: &MasterKey) -> Result<Index> {
    let settings = search::Settings {
        writer_memory_bytes: config.search.writer_memory_bytes,
        max_question_chars: config.search.max_question_chars,
        ..search::Settings::default()
    };
    let dir = config.search.dir.clone();
    let key = *master.derive("index");
    tokio::task::spawn_blocking(move || Index::open(&dir, key, settings)).await.map_err(Error::internal)?
}
