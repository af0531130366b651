//! The parts of the way of a document without a server around them, so that a test can run thousands of acts on any store.

use std::path::PathBuf;

use bytes::Bytes;
use futures_util::{TryStreamExt, stream};
use jiff::tz::TimeZone;
use lumbung::app;
use lumbung::audit::{Origin, Who};
use lumbung::blob::{BlobStore, Prefix};
use lumbung::clock::Clock;
use lumbung::config::Config;
use lumbung::db::Db;
use lumbung::document::{self, Changes, Document, Limits};
use lumbung::download::Shelf;
use lumbung::error::Result;
use lumbung::id::{DocumentId, OfficeId};
use lumbung::ingest::{self, Accepted, Ingest, Received, Recording, Source, record};
use lumbung::office::OfficeKeys;
use lumbung::queue::{self, Queue};
use lumbung::read::{self, Page, Reader};
use lumbung::seal::{InForce, MasterKey};
use lumbung::vault::{Destroyed, Order, Vault};

use crate::support::regency::{Actor, Regency, Stack};
use crate::support::server;

pub struct Rig {
    pub db: Db,
    pub clock: Clock,
    pub store: BlobStore,
    pub vault: Vault,
    pub shelf: Shelf,
    pub offices: [OfficeId; 2],
    ingest: Ingest,
    queue: Queue,
    keys: OfficeKeys,
    dir: PathBuf,
}

impl Rig {
    /// On this store, with settings such as `("sweep.stop_count", "5")`.
    pub async fn on(stack: Stack, store: BlobStore, settings: &[(&str, &str)]) -> Rig {
        let regency = Regency::on(stack).await;
        let dir = server::scratch("rig");
        let url = regency.settle(&dir).await;
        let text = format!("[data]\ndir = {dir:?}\n[database]\nurl = {url:?}\nmax_connections = 8\n");
        let settings = settings
            .iter()
            .map(|(key, value)| (format!("LUMBUNG__{}", key.replace('.', "__").to_uppercase()), (*value).to_owned()));
        let config = Config::from_layers(&text, settings).expect("a valid configuration");
        let clock = Clock::default();
        let db = Db::connect(&app::database(&config).expect("an address"), &clock).await.expect("connects");
        let master = MasterKey::load(&config.keys.master_file).expect("the key is there");
        let keys = OfficeKeys::new(db.clone(), &master);
        let vault = app::vault(&config, &db, &clock, &store, &keys).await.expect("a vault");
        let reader = Reader::new(read::Settings::default(), PathBuf::from(env!("CARGO_BIN_EXE_lumbung")));
        let shelf = Shelf::new(db.clone(), clock.clone(), store.clone(), keys.clone(), reader, InForce::new(None));
        let limits = ingest::Limits {
            max_bytes: 1 << 30,
            spool_memory_bytes: 1 << 20,
            spool: dir.join("spool"),
            part_bytes: 1 << 20,
            expire_hours: 48,
            max_open: 100,
            office_bytes: None,
            is_scanned: false,
        };
        let ingest = Ingest::new(db.clone(), clock.clone(), store.clone(), keys.clone(), InForce::new(None), limits);
        let queueing =
            queue::Settings { lease_seconds: 60, max_attempts: 3, backoff_seconds: 1, office_step_seconds: 1 };
        let queue = Queue::new(db.clone(), clock.clone(), queueing);
        let office = |actor: Actor| regency.accounts[&actor].office.parse::<OfficeId>().expect("an office");
        let offices = [office(Actor::Clerk), office(Actor::OtherClerk)];
        Rig { db, clock, store, vault, shelf, offices, ingest, queue, keys, dir }
    }

    /// Bytes in the store that nobody can see yet.
    pub async fn receive(&self, office: OfficeId, bytes: Vec<u8>) -> Result<Received> {
        let source = Source::new(office, "berkas.bin".into(), 1 << 30);
        self.ingest.receive(source, stream::iter([Ok(Bytes::from(bytes))])).await
    }

    pub async fn record(&self, received: Received) -> Result<DocumentId> {
        let zone = TimeZone::UTC;
        let with = Recording { ingest: &self.ingest, queue: &self.queue, zone: &zone };
        let limits =
            Limits { max_title: 500, max_labels: 20, max_field: 500, max_summary: 10_000, max_word: 60, max_note: 500 };
        let details = Changes::default().into_details("berkas.bin", limits)?;
        let accepted = Accepted { who: Who::Machine, person: None, origin: Origin::machine(), drop: None };
        let mut tx = self.db.write().await?;
        let recorded = record(&mut tx, with, received, &details, &accepted).await?;
        tx.commit().await?;
        Ok(recorded.created.recorded.document)
    }

    pub async fn upload(&self, office: OfficeId, bytes: Vec<u8>) -> Result<DocumentId> {
        let received = self.receive(office, bytes).await?;
        self.record(received).await
    }

    /// `None` once it is destroyed.
    pub async fn document(&self, id: DocumentId) -> Option<Document> {
        document::load_for_work(&self.db, &self.keys, id).await.expect("the database answers")
    }

    pub async fn trash(&self, id: DocumentId) -> Result<()> {
        let Some(found) = self.document(id).await else { return Ok(()) };
        let mut tx = self.db.write().await?;
        document::trash(&mut tx, &self.clock, &found).await?;
        tx.commit().await
    }

    pub async fn restore(&self, id: DocumentId) -> Result<()> {
        let Some(found) = self.document(id).await else { return Ok(()) };
        let mut tx = self.db.write().await?;
        document::restore(&mut tx, &self.clock, &found).await?;
        tx.commit().await
    }

    pub async fn destroy(&self, document: DocumentId) -> Result<Destroyed> {
        let origin = Origin::machine();
        self.vault.destroy(Order { document, who: Who::Machine, reason: "test", origin: &origin }).await
    }

    /// Gives a document a text derivation; a second one replaces the first.
    pub async fn derive(&self, id: DocumentId) -> Result<()> {
        let Some(found) = self.document(id).await else { return Ok(()) };
        let page = Page {
            number: 1,
            text: "isi".into(),
            words: Vec::new(),
            source: read::Source::Layer,
            confidence: None,
            turned: 0,
        };
        let blocks = self.shelf.put_pages(&found.version, found.office, vec![page]).await?;
        let mut tx = self.db.write().await?;
        self.shelf.keep(&mut tx, &found.version, &blocks).await?;
        tx.commit().await
    }

    /// The paths that lie in the store.
    pub async fn paths(&self, prefix: Prefix) -> Vec<String> {
        let listed: Vec<_> = self.store.list(prefix).try_collect().await.expect("the store lists");
        let mut paths: Vec<String> = listed.into_iter().map(|listed| listed.path).collect();
        paths.sort();
        paths
    }

    /// One column of text.
    pub async fn texts(&self, sql: &'static str) -> Vec<String> {
        let rows: Vec<(String,)> = self.db.all(sql, vec![]).await.expect("the database answers");
        rows.into_iter().map(|(text,)| text).collect()
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}
