//! Rules of sharing, on a database of each test's own. Each bug that the domain's page names has a test of its name here
//! or, where it is one of HTTP, beside the API.

mod audiences;
mod drops;
mod keeping;
mod opening;
mod owners;
mod throttling;

use std::time::Duration;

use jiff::tz::TimeZone;
use tempfile::TempDir;

use super::{Asked, Audience, Link, NewLink, Opened, Rights, Sharing, Shown, Subject, Visitor};
use crate::{
    access::{Actor, Role, TokenScope, Via},
    audit::Origin,
    clock::Clock,
    config::Config,
    db::{Db, fresh, params},
    document::SecurityClass,
    error::{Error, Result},
    id::{BlobId, DocumentId, OfficeId, PersonId, SessionId, TokenId, VersionId},
    office::{self, Brief, New, OfficeKeys, OfficeKind},
    queue::{self, Queue},
    seal::MasterKey,
};

fn brief(id: OfficeId) -> Brief {
    Brief { id, code: "32.16.01.1007".into(), name: "Kelurahan Setia Asih".into() }
}

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Three offices: one that owns, one that receives, one that has nothing to do with it.
pub struct World {
    pub db: Db,
    pub clock: Clock,
    pub sharing: Sharing,
    pub owner: OfficeId,
    pub receiver: OfficeId,
    pub other: OfficeId,
    _dir: TempDir,
}

impl World {
    pub async fn new() -> World {
        World::with("").await
    }

    /// With a piece of configuration.
    pub async fn with(config: &str) -> World {
        let (db, clock, dir) = fresh().await;
        let master = MasterKey::generate();
        let keys = OfficeKeys::new(db.clone(), &master);
        let config = Config::from_layers(config, []).expect("a test's configuration");
        let settings =
            queue::Settings { lease_seconds: 60, max_attempts: 3, backoff_seconds: 5, office_step_seconds: 10 };
        let queue = Queue::new(db.clone(), clock.clone(), settings);
        let zone = TimeZone::get("Asia/Jakarta").expect("bundled");
        let sharing = Sharing::new(db.clone(), clock.clone(), queue, &master, &config, zone, true);
        let mut tx = db.write().await.expect("a transaction");
        let mut offices = Vec::new();
        for (code, name) in [("32.16.01.2001", "Desa Satu"), ("1.06", "DPMD"), ("32.16.01.2002", "Desa Dua")] {
            let new = New { parent: None, kind: OfficeKind::Desa, code, name, aliases: &[] };
            offices.push(office::create(&mut tx, &clock, &keys, new).await.expect("made"));
        }
        tx.commit().await.expect("commits");
        World { db, clock, sharing, owner: offices[0], receiver: offices[1], other: offices[2], _dir: dir }
    }

    /// Somebody with a post in the office.
    pub async fn person(&self, office: OfficeId, role: Role) -> Actor {
        let person = PersonId::fresh(&self.clock);
        let now = self.clock.now();
        self.run(
            "INSERT INTO person (id, login, name, email, created_at) VALUES ($1, $2, 'Rina', 'rina@desa.id', $3)",
            params![person, person.to_string(), now],
        )
        .await;
        self.run(
            "INSERT INTO post (id, person, office, role, since) VALUES ($1, $2, $3, $4, $5)",
            params![crate::id::fresh(&self.clock), person, office, role.as_str(), now],
        )
        .await;
        let via = Via::Session(SessionId::fresh(&self.clock));
        Actor::new(person, brief(office), 1, None, vec![role], Vec::new(), via)
    }

    pub fn token_of(&self, actor: &Actor, scope: TokenScope) -> Actor {
        let via = Via::Token { id: TokenId::fresh(&self.clock), scopes: vec![scope] };
        Actor::new(actor.person(), actor.owner().clone(), 1, None, actor.roles().to_vec(), Vec::new(), via)
    }

    pub async fn run(&self, sql: &'static str, values: Vec<crate::db::Value>) {
        self.db.execute(sql, values).await.expect("a test's statement");
    }

    /// A document of the owner with page pictures.
    pub async fn document(&self, class: SecurityClass) -> Subject {
        let (document, version) = (DocumentId::fresh(&self.clock), VersionId::fresh(&self.clock));
        let (blob, now) = (BlobId::fresh(&self.clock), self.clock.now());
        self.run(
            "INSERT INTO blob (id, office, object, state, plain_size, sealed_size, fingerprint, dedupe, created_at, lease_to)
             VALUES ($1, $2, $3, 'live', 1, 1, $4, $4, $5, 0)",
            params![blob, self.owner, blob.to_string(), vec![7; 32], now],
        )
        .await;
        self.run(
            "INSERT INTO document (id, office, title, security_class, urgency, reach, sort_day, state, version,
                 received_at, updated_at)
             VALUES ($1, $2, 'Surat', $3, 'biasa', 'kantor', '2026-11-24', 'ready', $4, $5, $5)",
            params![document, self.owner, class.level(), version, now],
        )
        .await;
        self.run(
            "INSERT INTO version (id, document, number, blob, file_name, media_type, size, fingerprint, made_at, state)
             VALUES ($1, $2, 1, $3, 'surat.pdf', 'application/pdf', 1, $4, $5, 'ready')",
            params![version, document, blob, vec![7; 32], now],
        )
        .await;
        Subject { document, version, office: self.owner, class, trashed: false, has_pictures: true }
    }

    /// Terms of one day.
    pub fn asked(&self, audience: Audience, rights: Rights) -> Asked {
        Asked {
            audience,
            rights,
            password: None,
            opens_from: None,
            expires_at: self.clock.now().plus(DAY),
            max_opens: None,
            label: Some("Uji".into()),
            notify: None,
        }
    }

    pub async fn make(&self, actor: &Actor, subject: Subject, asked: Asked) -> Result<NewLink> {
        let terms = self.sharing.terms(asked).await?;
        let mut tx = self.db.write().await?;
        let made = self.sharing.grant(&mut tx, actor, &origin("203.0.113.0/24"), subject, &terms).await?;
        tx.commit().await?;
        Ok(made)
    }

    /// A link for anyone on a document of class `biasa`, changed by `change`.
    pub async fn anyone(&self, change: impl FnOnce(&mut Asked)) -> NewLink {
        let clerk = self.person(self.owner, Role::Clerk).await;
        let subject = self.document(SecurityClass::Biasa).await;
        let mut asked = self.asked(Audience::Anyone {}, Rights::Download);
        change(&mut asked);
        self.make(&clerk, subject, asked).await.expect("allowed")
    }

    pub async fn open(&self, link: &NewLink) -> Result<Opened> {
        self.open_with(link, |_| {}).await
    }

    pub async fn open_with<'a>(&self, link: &'a NewLink, change: impl FnOnce(&mut Shown<'a>)) -> Result<Opened> {
        let mut shown = Shown { secret: Some(link.secret()), ..Shown::default() };
        change(&mut shown);
        self.sharing.open(&link.link.public, shown, stranger(&origin("198.51.100.0/24"))).await
    }

    pub async fn open_as(&self, link: &NewLink, actor: &Actor, secret: Option<&str>) -> Result<Opened> {
        let shown = Shown { secret, ..Shown::default() };
        let visitor = Visitor { actor: Some(actor), origin: &origin("198.51.100.0/24") };
        self.sharing.open(&link.link.public, shown, visitor).await
    }

    pub async fn link(&self, link: &Link) -> Link {
        let mut tx = self.db.read().await.expect("a transaction");
        self.sharing.link(&mut tx, link.office, link.id).await.expect("the office's link")
    }

    /// Results and reasons of the link's log, oldest first.
    pub async fn log(&self, link: &Link) -> Vec<String> {
        let mut tx = self.db.read().await.expect("a transaction");
        let mut seen = self.sharing.opens(&mut tx, link.id, None, 200).await.expect("the log");
        seen.reverse();
        let line = |seen: super::Seen| match seen.reason {
            Some(reason) => format!("{:?}: {reason}", seen.result).to_lowercase(),
            None => format!("{:?}", seen.result).to_lowercase(),
        };
        seen.into_iter().map(line).collect()
    }

    pub async fn count(&self, sql: &'static str) -> i64 {
        let row: Option<(i64,)> = self.db.one(sql, params![]).await.expect("a test's statement");
        row.map_or(0, |(count,)| count)
    }
}

pub fn origin(network: &str) -> Origin {
    Origin { via: "api", network: network.into(), agent: "Firefox".into(), request: "req_test".into() }
}

pub fn stranger(origin: &Origin) -> Visitor<'_> {
    Visitor { actor: None, origin }
}

/// All that an answer shows of an error.
pub fn told(error: &Error) -> (u16, &'static str, String, Option<u64>) {
    (error.status(), error.slug(), error.detail().en.to_string(), error.retry_after_seconds())
}
