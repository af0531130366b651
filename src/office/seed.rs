//! Fills the tree from a data file, so that another regency only brings another file. Running it again changes nothing
//! that an operator has corrected; it adds new offices and follows codes to their successors.

use std::collections::HashMap;
use std::path::Path;

use data_encoding::HEXLOWER;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{New, OfficeKeys, OfficeKind, by_code, create, sql};
use crate::{
    clock::Clock,
    db::{self, Db, Tx},
    error::{Error, Kind, Result, say},
    id::OfficeId,
};

/// The data file that is compiled in; `region.offices_file` replaces it.
pub const KABUPATEN_BEKASI: &str = include_str!("data/kabupaten-bekasi.csv");

/// One line of the data file. Parents stand above their children.
#[derive(Deserialize)]
struct Line {
    kind: String,
    code: String,
    parent_code: String,
    name: String,
    #[serde(default)]
    aliases: String,
    /// `code:year of its end`, several separated by `|`.
    #[serde(default)]
    former_codes: String,
}

/// The digest of the data file that was loaded last.
const LOADED: &str = "offices_file";

/// Loads the data file; an empty path is the one that is compiled in. The number of offices that were added.
pub async fn load_file(tx: &mut Tx, clock: &Clock, keys: &OfficeKeys, path: &Path) -> Result<usize> {
    let csv = read(path)?;
    let added = seed(tx, clock, keys, &csv).await?;
    db::set_installation(tx, LOADED, &digest(&csv)).await?;
    Ok(added)
}

/// Loads the data file where it is another one than was loaded last: how a regency follows a new list of codes.
pub async fn follow_file(db: &Db, clock: &Clock, keys: &OfficeKeys, path: &Path) -> Result<()> {
    let loaded = db::installation(db, LOADED).await?;
    // Whoever loaded a list before this was remembered, and names none now, may have had one that is not compiled in.
    let is_unknown = loaded.is_none() && path.as_os_str().is_empty();
    if is_unknown || loaded.as_deref() == Some(&digest(&read(path)?)) {
        return Ok(());
    }
    let mut tx = db.write().await?;
    let added = load_file(&mut tx, clock, keys, path).await?;
    tx.commit().await?;
    tracing::info!(added, "the list of offices was loaded");
    Ok(())
}

fn read(path: &Path) -> Result<String> {
    if path.as_os_str().is_empty() {
        return Ok(KABUPATEN_BEKASI.to_owned());
    }
    std::fs::read_to_string(path).map_err(|cause| unreadable(&format!("{}: {cause}", path.display())))
}

fn digest(csv: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(csv))
}

/// The number of offices that were added.
pub async fn seed(tx: &mut Tx, clock: &Clock, keys: &OfficeKeys, csv: &str) -> Result<usize> {
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).trim(csv::Trim::All).from_reader(csv.as_bytes());
    let mut known: HashMap<String, OfficeId> = HashMap::new();
    let mut added = 0;
    for line in reader.deserialize::<Line>() {
        let line = line.map_err(|cause| unreadable(&cause.to_string()))?;
        let kind = OfficeKind::parse(&line.kind).ok_or_else(|| unreadable(&format!("kind {:?}", line.kind)))?;
        if line.code.is_empty() || line.name.is_empty() {
            return Err(unreadable(&format!("code or name is missing near {:?}{:?}", line.code, line.name)));
        }
        let parent = parent_of(tx, &known, &line).await?;
        let (id, is_new) = match present(tx, &line, kind).await? {
            Some(id) => (id, false),
            None => {
                let aliases: Vec<String> = split(&line.aliases).map(str::to_owned).collect();
                let new = New { parent, kind, code: &line.code, name: &line.name, aliases: &aliases };
                (create(tx, clock, keys, new).await?, true)
            }
        };
        added += usize::from(is_new);
        remember_codes(tx, id, &line).await?;
        known.insert(line.code, id);
    }
    Ok(added)
}

async fn parent_of(tx: &mut Tx, known: &HashMap<String, OfficeId>, line: &Line) -> Result<Option<OfficeId>> {
    if line.parent_code.is_empty() {
        return Ok(None);
    }
    if let Some(id) = known.get(&line.parent_code) {
        return Ok(Some(*id));
    }
    match by_code(tx, &line.parent_code).await? {
        Some(office) => Ok(Some(office.id)),
        None => Err(unreadable(&format!("{} names the parent {}, which is not above it", line.code, line.parent_code))),
    }
}

/// The office of this line, if it is here already, perhaps under a code that it bore earlier.
async fn present(tx: &mut Tx, line: &Line, kind: OfficeKind) -> Result<Option<OfficeId>> {
    if let Some(office) = by_code(tx, &line.code).await? {
        return Ok(Some(office.id));
    }
    for (code, _) in former(&line.former_codes) {
        if let Some(office) = by_code(tx, code).await?
            && office.code == code
        {
            sql::succeed(tx, office.id, &line.code, kind).await?;
            return Ok(Some(office.id));
        }
    }
    Ok(None)
}

async fn remember_codes(tx: &mut Tx, id: OfficeId, line: &Line) -> Result<()> {
    let mut since = None;
    for (code, until) in former(&line.former_codes) {
        sql::insert_code(tx, id, code, None, until).await?;
        since = until.or(since);
    }
    sql::insert_code(tx, id, &line.code, since, None).await
}

fn split(list: &str) -> impl Iterator<Item = &str> {
    list.split('|').map(str::trim).filter(|part| !part.is_empty())
}

fn former(list: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    split(list).map(|part| match part.split_once(':') {
        Some((code, until)) => (code.trim(), Some(until.trim())),
        None => (part, None),
    })
}

fn unreadable(why: &str) -> Error {
    Error::new(
        Kind::Invalid,
        "offices-file",
        say(
            format!("Berkas kantor (region.offices_file) tidak dapat dibaca: {why}"),
            format!("The file of offices (region.offices_file) cannot be read: {why}"),
        ),
    )
}
