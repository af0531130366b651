//! The regency's tree of offices. Documents, registers and links belong to an office, never to a person. Codes change (a
//! desa becomes a kelurahan), so nothing is keyed on them; former codes keep finding their office.

pub mod keys;
mod seed;
mod sql;

pub use keys::OfficeKeys;
pub use seed::{KABUPATEN_BEKASI, follow_file, load_file, seed};

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    clock::Clock,
    config,
    db::Tx,
    error::{Error, Result, say},
    id::OfficeId,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OfficeKind {
    Kabupaten,
    PerangkatDaerah,
    Kecamatan,
    Desa,
    Kelurahan,
}

impl OfficeKind {
    pub const ALL: [OfficeKind; 5] = [
        OfficeKind::Kabupaten,
        OfficeKind::PerangkatDaerah,
        OfficeKind::Kecamatan,
        OfficeKind::Desa,
        OfficeKind::Kelurahan,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            OfficeKind::Kabupaten => "kabupaten",
            OfficeKind::PerangkatDaerah => "perangkat_daerah",
            OfficeKind::Kecamatan => "kecamatan",
            OfficeKind::Desa => "desa",
            OfficeKind::Kelurahan => "kelurahan",
        }
    }

    pub fn parse(text: &str) -> Option<OfficeKind> {
        OfficeKind::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Office {
    pub id: OfficeId,
    /// Names the office in the search index; small, and never given to another office.
    pub number: i64,
    pub parent: Option<OfficeId>,
    pub kind: OfficeKind,
    pub code: String,
    pub name: String,
    pub aliases: Vec<String>,
    pub address: String,
    /// Bytes of originals that it may keep, where that was said for it alone.
    pub quota: Option<u64>,
    pub revision: i64,
}

/// How an office appears in every answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Brief {
    pub id: OfficeId,
    #[schema(example = "32.16.01.1007")]
    pub code: String,
    #[schema(example = "Kelurahan Setia Asih")]
    pub name: String,
}

impl Office {
    pub fn brief(&self) -> Brief {
        Brief { id: self.id, code: self.code.clone(), name: self.name.clone() }
    }
}

/// A code that the office bears or once bore.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, sqlx::FromRow)]
pub struct Code {
    pub code: String,
    /// The year or day from which it holds, where known.
    pub since: Option<String>,
    /// The year or day on which it ended; none for the present code.
    pub until: Option<String>,
}

pub async fn find(tx: &mut Tx, id: OfficeId) -> Result<Option<Office>> {
    sql::find(tx, id).await?.map(sql::Row::into_office).transpose()
}

/// Offices by id, in no particular order; ids that name none are passed over.
pub async fn briefs(tx: &mut Tx, ids: &[OfficeId]) -> Result<Vec<Brief>> {
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        found.extend(sql::find(tx, *id).await?.map(sql::Row::into_office).transpose()?.map(|office| office.brief()));
    }
    Ok(found)
}

/// Number, id and name of every office: the index knows offices by number.
pub async fn numbers(tx: &mut Tx) -> Result<Vec<(i64, OfficeId, String)>> {
    sql::numbers(tx).await
}

/// By its present code, else by one that it once bore.
pub async fn by_code(tx: &mut Tx, code: &str) -> Result<Option<Office>> {
    sql::by_code(tx, code.trim()).await?.map(sql::Row::into_office).transpose()
}

/// The one office at the root of the tree; posts of regency roles attach to it.
pub async fn root(tx: &mut Tx) -> Result<Option<Office>> {
    sql::root(tx).await?.map(sql::Row::into_office).transpose()
}

/// Present and former codes, the present one first.
pub async fn codes(tx: &mut Tx, id: OfficeId) -> Result<Vec<Code>> {
    sql::codes(tx, id).await
}

/// Ordered by code. `q` is looked for in names, aliases, present and former codes, whatever the case of its letters.
pub async fn list(
    tx: &mut Tx,
    parent: Option<OfficeId>,
    q: Option<&str>,
    after: Option<OfficeId>,
    limit: i64,
) -> Result<Vec<Office>> {
    let pattern = q.map(str::trim).filter(|q| !q.is_empty()).map(like);
    let rows = sql::list(tx, parent, pattern.as_deref(), after, limit).await?;
    rows.into_iter().map(sql::Row::into_office).collect()
}

/// What an operator may correct: names of the data file are not always right.
#[derive(Clone, Debug, Default)]
pub struct Correction {
    pub name: Option<String>,
    pub aliases: Option<Vec<String>>,
    pub address: Option<String>,
    /// 0 takes the office's own quota away.
    pub quota: Option<u64>,
}

/// False when somebody else changed the office since `revision`.
pub async fn correct(tx: &mut Tx, office: &Office, correction: Correction, limits: &config::Limits) -> Result<bool> {
    let longest = limits.office_name_chars;
    let name = correction.name.map_or_else(|| Ok(office.name.clone()), |name| clean("/name", &name, longest))?;
    if name.is_empty() {
        return Err(Error::invalid("/name", say("Nama kantor wajib diisi.", "An office needs a name.")));
    }
    let address = match correction.address {
        Some(text) => clean("/address", &text, limits.office_address_chars)?,
        None => office.address.clone(),
    };
    let aliases = match correction.aliases {
        Some(list) => list.iter().map(|alias| clean("/aliases", alias, longest)).collect::<Result<Vec<_>>>()?,
        None => office.aliases.clone(),
    };
    let quota = match correction.quota {
        Some(0) => None,
        Some(bytes) if bytes > MOST_QUOTA => return Err(quota_too_large()),
        Some(bytes) => Some(bytes),
        None => office.quota,
    };
    sql::correct(tx, office.id, office.revision, &name, &aliases, &address, quota).await
}

/// An exbibyte: more than any database column of ours has to hold.
const MOST_QUOTA: u64 = 1 << 60;

fn quota_too_large() -> Error {
    Error::invalid(
        "/quota_bytes",
        say(
            format!("Paling banyak {MOST_QUOTA} bita; 0 berarti kuota umum (limits.office_bytes)."),
            format!("At most {MOST_QUOTA} bytes; 0 means the common quota (limits.office_bytes)."),
        ),
    )
}

/// Text of one line, without what no name contains.
fn clean(pointer: &str, text: &str, longest: usize) -> Result<String> {
    let text = text.trim();
    if text.chars().count() > longest || text.chars().any(char::is_control) {
        return Err(Error::invalid(
            pointer,
            say(
                format!("Paling banyak {longest} huruf, tanpa karakter kendali."),
                format!("At most {longest} letters, without control characters."),
            ),
        ));
    }
    Ok(text.to_owned())
}

/// A pattern for LIKE in which what the user typed has no special meaning.
fn like(q: &str) -> String {
    let mut pattern = String::from("%");
    for letter in q.to_lowercase().chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

/// A new office with its keys.
#[derive(Clone, Debug)]
pub struct New<'a> {
    pub parent: Option<OfficeId>,
    pub kind: OfficeKind,
    pub code: &'a str,
    pub name: &'a str,
    pub aliases: &'a [String],
}

pub async fn create(tx: &mut Tx, clock: &Clock, keys: &OfficeKeys, new: New<'_>) -> Result<OfficeId> {
    let id = OfficeId::fresh(clock);
    sql::insert(tx, id, &new, clock.now()).await?;
    sql::insert_code(tx, id, new.code, None, None).await?;
    keys.create(tx, clock, id).await?;
    Ok(id)
}

#[cfg(test)]
mod tests;
