//! What differs between a row in the database and the same row in a record. Keys that the master key wraps are opened, since
//! a record must open without it and is sealed itself; they are wrapped again under the master key of wherever they are
//! restored. A record in the bucket holds nobody's password, second factor or session.

use std::sync::Arc;

use uuid::Uuid;

use crate::{
    account,
    db::{Table, Type, Value},
    error::{Error, Result},
    id::{OfficeId, PersonId},
    office::keys,
    seal::MasterKey,
};

#[derive(Clone)]
pub(super) struct Crossing {
    pub master: Arc<MasterKey>,
    /// Only in backups, which never leave the operator's hands.
    pub with_secrets: bool,
}

/// Facts about one installation that another one finds out for itself.
pub(super) const OWN_FACTS: &[&str] = &["master_fingerprint", "restoring"];

impl Crossing {
    /// As the record holds it.
    pub(super) fn outward(&self, table: &Table, row: &mut [Value]) -> Result<()> {
        self.each(table, row, Way::Outward)
    }

    /// As the database holds it. False for a row that stays out.
    pub(super) fn inward(&self, table: &Table, row: &mut [Value]) -> Result<bool> {
        if table.name == "installation" {
            let at = table.position("name").ok_or_else(unexpected)?;
            return Ok(!matches!(&row[at], Value::Text(Some(name)) if OWN_FACTS.contains(&name.as_str())));
        }
        self.each(table, row, Way::Inward)?;
        Ok(true)
    }

    fn each(&self, table: &Table, row: &mut [Value], way: Way) -> Result<()> {
        match table.name.as_str() {
            "office_key" => self.office_key(table, row, way),
            "person" => self.person(table, row, way),
            _ => Ok(()),
        }
    }

    fn office_key(&self, table: &Table, row: &mut [Value], way: Way) -> Result<()> {
        let office = OfficeId(uuid_of(table, row, "office")?);
        let version = number_of(table, row, "version")?;
        let master = &self.master;
        turn(table, row, "kek", |bytes| match way {
            Way::Outward => Ok(keys::open_kek(master, office, version, bytes)?.to_vec()),
            Way::Inward => Ok(keys::wrap_kek(master, office, version, bytes)),
        })?;
        turn(table, row, "dedupe", |bytes| match way {
            Way::Outward => Ok(keys::open_dedupe(master, office, bytes)?.to_vec()),
            Way::Inward => Ok(keys::wrap_dedupe(master, office, bytes)),
        })
    }

    fn person(&self, table: &Table, row: &mut [Value], way: Way) -> Result<()> {
        if !self.with_secrets {
            for (column, kind) in [("password", Type::Text), ("totp", Type::Bytes), ("totp_pending", Type::Bytes)] {
                let at = table.position(column).ok_or_else(unexpected)?;
                row[at] = kind.null();
            }
            return Ok(());
        }
        let person = PersonId(uuid_of(table, row, "id")?);
        for column in ["totp", "totp_pending"] {
            turn(table, row, column, |bytes| match way {
                Way::Outward => Ok(account::open_totp(&self.master, person, bytes)?.to_vec()),
                Way::Inward => Ok(account::wrap_totp(&self.master, person, bytes)),
            })?;
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
enum Way {
    Outward,
    Inward,
}

fn turn(table: &Table, row: &mut [Value], column: &str, with: impl Fn(&[u8]) -> Result<Vec<u8>>) -> Result<()> {
    let at = table.position(column).ok_or_else(unexpected)?;
    if let Value::Bytes(Some(bytes)) = &row[at] {
        row[at] = with(bytes)?.into();
    }
    Ok(())
}

fn uuid_of(table: &Table, row: &[Value], column: &str) -> Result<Uuid> {
    match table.position(column).map(|at| &row[at]) {
        Some(Value::Uuid(Some(id))) => Ok(*id),
        _ => Err(unexpected()),
    }
}

fn number_of(table: &Table, row: &[Value], column: &str) -> Result<i64> {
    match table.position(column).map(|at| &row[at]) {
        Some(Value::I64(Some(number))) => Ok(*number),
        _ => Err(unexpected()),
    }
}

fn unexpected() -> Error {
    Error::internal("a table of keys has other columns than this program knows")
}
