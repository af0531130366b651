//! `lumbung key`: rotation has a file of its own. `export` gives the age identities with which the stock `age` command opens originals, without any Lumbung.

use std::process::ExitCode;

use clap::ArgGroup;

use super::{
    beside::{self, Beside},
    say,
};
use crate::{
    audit::{self, Entry, Origin, Who},
    clock::Clock,
    config::Config,
    db::{Db, params},
    error::{Error, Kind, Result, say as said},
    id::{BlobId, DocumentId, OfficeId, VersionId},
    seal::ObjectKey,
};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Kunci untuk membuka berkas asli dengan `age` / keys for opening originals with `age`.
    Export(Export),
    /// Mengganti kunci semua kantor, tanpa menulis ulang objek / rotate every office's keys; no object is rewritten.
    Rotate(super::rotate::Args),
    /// Kunci pemulihan baru; objek lama disalin dengan kepala baru / a new recovery key; old objects are copied under new headers.
    RecoveryNew(super::recovery::Args),
}

#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("which").required(true))]
struct Export {
    /// Berkas asli satu dokumen / originals of one document.
    #[arg(long, group = "which", value_name = "ID")]
    document: Option<DocumentId>,
    /// Semua berkas asli satu kantor / all originals of an office.
    #[arg(long, group = "which", value_name = "ID")]
    office: Option<OfficeId>,
    /// Semuanya, juga turunan / everything, derivations too.
    #[arg(long, group = "which")]
    all: bool,
}

pub async fn run(args: Args, config: Config) -> Result<ExitCode> {
    let export = match args.what {
        What::Export(export) => export,
        What::Rotate(args) => return super::rotate::run(args, config).await,
        What::RecoveryNew(args) => return super::recovery::run(args, config).await,
    };
    let clock = Clock::default();
    let beside = beside::open(&config, &clock).await?;
    note(&beside, &clock, &export).await?;
    let rows = rows(&beside.db, &export).await?;
    if rows.is_empty() && !export.all {
        return Err(nothing());
    }
    for row in rows {
        let bytes =
            beside.keys.unwrap_for(OfficeId(row.office), BlobId(row.blob), row.key_version, &row.wrapped).await?;
        let key = ObjectKey::from_bytes(&bytes)?;
        print(&format!("{} {}", DocumentId(row.document), row.object), &key);
        if export.all {
            derived(&beside.db, &row, &key).await?;
        }
    }
    if export.all {
        say::result("# r/* lumbung backup");
        say::result(&beside.master.reader()?.secret_line());
    }
    Ok(ExitCode::SUCCESS)
}

fn print(name: &str, key: &ObjectKey) {
    if let Some(line) = key.age_identity_line() {
        say::result(&format!("# {name}"));
        say::result(line);
    }
}

async fn derived(db: &Db, row: &Row, key: &ObjectKey) -> Result<()> {
    for (name, key) in crate::download::derived_keys(db, VersionId(row.version), key).await? {
        print(&format!("{} {name}", DocumentId(row.document)), &key);
    }
    Ok(())
}

/// What is done on the machine is in the audit too, before a key is printed.
async fn note(beside: &Beside, clock: &Clock, export: &Export) -> Result<()> {
    let object = match export {
        Export { document: Some(id), .. } => Some(id.to_string()),
        Export { office: Some(id), .. } => Some(id.to_string()),
        _ => None,
    };
    let entry = Entry {
        who: Who::Machine,
        office: export.office,
        action: "key.export",
        object,
        result: "ok",
        origin: &Origin::machine(),
        detail: serde_json::json!({ "all": export.all }),
    };
    let mut tx = beside.db.write().await?;
    audit::record(&mut tx, clock, entry).await?;
    tx.commit().await
}

fn nothing() -> Error {
    Error::new(
        Kind::NotFound,
        "no-originals",
        said(
            "Tidak ada berkas asli yang disebut: id tidak dikenal, kantor tanpa dokumen, atau dokumen sudah dimusnahkan.",
            "There is no such original: an unknown id, an office without documents, or a document that was destroyed.",
        ),
    )
}

#[derive(sqlx::FromRow)]
struct Row {
    document: uuid::Uuid,
    version: uuid::Uuid,
    blob: uuid::Uuid,
    object: String,
    office: uuid::Uuid,
    key_version: i64,
    wrapped: Vec<u8>,
}

async fn rows(db: &Db, export: &Export) -> Result<Vec<Row>> {
    db.all(
        "SELECT v.document, v.id AS version, b.id AS blob, b.object, k.office, k.version AS key_version, k.wrapped
         FROM version v JOIN document d ON d.id = v.document JOIN blob b ON b.id = v.blob
              JOIN blob_key k ON k.blob = b.id AND k.office = d.office
         WHERE ($1 IS NULL OR d.id = $1) AND ($2 IS NULL OR d.office = $2) AND d.destroyed_at IS NULL
         ORDER BY v.document, v.number",
        params![export.document, export.office],
    )
    .await
}
