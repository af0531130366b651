//! `lumbung verify`: is everything that the database names in the store, whole and right? Nothing is changed or deleted.

use std::collections::HashMap;
use std::process::ExitCode;

use futures_util::StreamExt;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{beside, say};
use crate::{
    app,
    blob::{BlobStore, ObjectName, Prefix},
    clock::Clock,
    config::Config,
    db::{Db, params},
    error::{Error, Result},
    id::{BlobId, DocumentId, OfficeId},
    office::OfficeKeys,
    seal::{ObjectKey, Opener},
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Juga isi tersegel setiap objek; tanpa kunci / the sealed bytes of each object too; needs no key.
    #[arg(long)]
    scrub: bool,
    /// Juga membuka dan membandingkan sidik jari / open and compare fingerprints too.
    #[arg(long, conflicts_with = "scrub")]
    deep: bool,
    /// Laporan sebagai JSON / the report as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Depth {
    Names,
    Scrub,
    Deep,
}

#[derive(Debug, Serialize)]
struct Report {
    depth: Depth,
    checked: u64,
    bytes: u64,
    problems: Vec<Problem>,
}

#[derive(Debug, Serialize)]
struct Problem {
    object: String,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<DocumentId>,
}

/// An object that the database names: an original or a derivation.
#[derive(Clone, Debug)]
struct Expected {
    object: String,
    size: u64,
    document: Option<DocumentId>,
    original: Option<Original>,
}

#[derive(Clone, Debug)]
struct Original {
    blob: BlobId,
    office: OfficeId,
    fingerprint: Vec<u8>,
}

pub async fn run(args: Args, config: Config) -> Result<ExitCode> {
    let depth = match (args.scrub, args.deep) {
        (_, true) => Depth::Deep,
        (true, _) => Depth::Scrub,
        _ => Depth::Names,
    };
    let beside = beside::open(&config, &Clock::default()).await?;
    let store = BlobStore::open(&app::storage(&config)?).await?;
    let check = Check { store, db: beside.db, keys: beside.keys };
    let report = check.all(depth).await?;
    show(&report, args.json);
    Ok(if report.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn show(report: &Report, json: bool) {
    if json {
        say::json(report);
        return;
    }
    for problem in &report.problems {
        let document = problem.document.map(|id| format!(" ({id})")).unwrap_or_default();
        say::result(&format!("{}: {}{document}", problem.object, problem.kind));
    }
    say::result(&format!(
        "{} objek, {} bita, {} masalah / objects, bytes, problems",
        report.checked,
        report.bytes,
        report.problems.len()
    ));
}

struct Check {
    store: BlobStore,
    db: Db,
    keys: OfficeKeys,
}

impl Check {
    async fn all(&self, depth: Depth) -> Result<Report> {
        // Listed first, asked for afterwards: what is uploaded meanwhile is neither missing nor unknown.
        let stored = self.stored().await?;
        let expected = self.expected().await?;
        let mut report = Report { depth, checked: 0, bytes: 0, problems: Vec::new() };
        let bar = indicatif::ProgressBar::new(expected.len() as u64);
        for object in &expected {
            report.checked += 1;
            bar.set_position(report.checked);
            let fault = match self.fault(depth, object, &stored).await? {
                Ok(bytes) => {
                    report.bytes += bytes;
                    continue;
                }
                Err(kind) => kind,
            };
            report.problems.push(Problem { object: object.object.clone(), kind: fault, document: object.document });
        }
        bar.finish_and_clear();
        self.unknown(&stored, &mut report).await?;
        Ok(report)
    }

    /// `Ok(bytes that were looked at)` or the kind of fault.
    async fn fault(
        &self,
        depth: Depth,
        expected: &Expected,
        stored: &HashMap<String, u64>,
    ) -> Result<Result<u64, &'static str>> {
        let name = ObjectName::parse(&expected.object).ok_or_else(|| Error::internal("an impossible object name"))?;
        let size = match stored.get(&expected.object) {
            Some(size) => Some(*size),
            None => self.store.head(&name).await?,
        };
        match size {
            None => return Ok(Err("missing")),
            Some(size) if size != expected.size => return Ok(Err("size")),
            Some(_) if depth == Depth::Names => return Ok(Ok(0)),
            Some(_) => {}
        }
        let body = self.store.get(&name, None).await?;
        let mut hash = Sha256::new();
        let mut stream = body.stream;
        while let Some(piece) = stream.next().await {
            match piece {
                Ok(piece) => hash.update(&piece),
                Err(_) => return Ok(Err("size")),
            }
        }
        if name != ObjectName::Object(hash.finalize().into()) {
            return Ok(Err("digest"));
        }
        match &expected.original {
            Some(original) if depth == Depth::Deep => self.content(&name, original, expected.size).await,
            _ => Ok(Ok(expected.size)),
        }
    }

    /// Opens the original and compares its fingerprint.
    async fn content(&self, name: &ObjectName, original: &Original, size: u64) -> Result<Result<u64, &'static str>> {
        let row: Option<(i64, Vec<u8>)> = self
            .db
            .one(
                "SELECT version, wrapped FROM blob_key WHERE blob = $1 AND office = $2",
                params![original.blob, original.office],
            )
            .await?;
        let Some((version, wrapped)) = row else { return Ok(Err("content")) };
        let Ok(bytes) = self.keys.unwrap_for(original.office, original.blob, version, &wrapped).await else {
            return Ok(Err("content"));
        };
        let opener = Opener::new(&ObjectKey::from_bytes(&bytes)?);
        let plan = opener.plan_whole();
        let body = self.store.get(name, Some(plan.sealed())).await?;
        let mut pieces = Box::pin(opener.open_stream(plan, body.stream));
        let mut hash = Sha256::new();
        while let Some(piece) = pieces.next().await {
            match piece {
                Ok(piece) => hash.update(&piece),
                Err(_) => return Ok(Err("content")),
            }
        }
        Ok(if hash.finalize()[..] == original.fingerprint[..] { Ok(size) } else { Err("content") })
    }

    async fn stored(&self) -> Result<HashMap<String, u64>> {
        let mut stored = HashMap::new();
        let mut listing = self.store.list(Prefix::Objects);
        while let Some(listed) = listing.next().await {
            let listed = listed?;
            stored.insert(listed.path, listed.size);
        }
        Ok(stored)
    }

    async fn expected(&self) -> Result<Vec<Expected>> {
        let originals: Vec<OriginalRow> = self
            .db
            .all(
                "SELECT b.id, b.office, b.object, b.sealed_size, b.fingerprint,
                        (SELECT v.document FROM version v WHERE v.blob = b.id ORDER BY v.id LIMIT 1) AS document
                 FROM blob b WHERE b.state = 'live' ORDER BY b.id",
                params![],
            )
            .await?;
        let derived: Vec<(String, i64, uuid::Uuid)> = self
            .db
            .all(
                "SELECT x.object, x.sealed_size, v.document FROM derivation x JOIN version v ON v.id = x.version ORDER BY x.object",
                params![],
            )
            .await?;
        let originals = originals.into_iter().map(|row| Expected {
            object: row.object,
            size: row.sealed_size as u64,
            document: row.document.map(DocumentId),
            original: Some(Original {
                blob: BlobId(row.id),
                office: OfficeId(row.office),
                fingerprint: row.fingerprint,
            }),
        });
        let derived = derived.into_iter().map(|(object, size, document)| Expected {
            object,
            size: size as u64,
            document: Some(DocumentId(document)),
            original: None,
        });
        Ok(originals.chain(derived).collect())
    }

    /// Objects that nothing in the database names. A pending upload of this moment is named.
    async fn unknown(&self, stored: &HashMap<String, u64>, report: &mut Report) -> Result<()> {
        let named: Vec<(String,)> =
            self.db.all("SELECT object FROM blob UNION SELECT object FROM derivation", params![]).await?;
        let named: std::collections::HashSet<String> = named.into_iter().map(|(object,)| object).collect();
        let mut unknown: Vec<&String> = stored.keys().filter(|object| !named.contains(*object)).collect();
        unknown.sort();
        let problem = |object: &String| Problem { object: object.clone(), kind: "unknown", document: None };
        report.problems.extend(unknown.into_iter().map(problem));
        Ok(())
    }
}

#[derive(sqlx::FromRow)]
struct OriginalRow {
    id: uuid::Uuid,
    office: uuid::Uuid,
    object: String,
    sealed_size: i64,
    fingerprint: Vec<u8>,
    document: Option<uuid::Uuid>,
}
