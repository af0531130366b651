//! Upload-only links. A sender shows the secret and may bring files within the limits; nothing that answers here tells
//! what the office has. The limits are kept by one conditional UPDATE in the transaction that records a file, so that a
//! cut upload costs nothing and two in parallel cannot both take the last place.

mod asked;
mod sql;

pub use asked::{DropAsked, DropTerms};

use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Need, Sharing, open::Visitor, refusal::unusable};
use crate::{
    access::{Act, Actor},
    account::throttle::{self, Counter},
    audit::{self, Entry, Origin},
    clock::Time,
    db::Tx,
    error::{Error, Kind, Result, say},
    id::{self, DropId, OfficeId, PersonId},
    seal::token,
};

/// What the office knows of its upload-only link.
#[derive(Clone, Debug)]
pub struct DropBox {
    pub id: DropId,
    pub public: String,
    pub office: OfficeId,
    pub made_by: Option<PersonId>,
    pub label: String,
    pub has_password: bool,
    pub expires_at: Time,
    pub max_files: i64,
    pub max_bytes: i64,
    pub types: Vec<String>,
    pub files: i64,
    pub bytes: i64,
    pub created_at: Time,
    pub ended_at: Option<Time>,
}

/// An upload-only link that was just made, with the secret that is told this once.
pub struct NewDrop {
    pub drop_box: DropBox,
    secret: String,
}

impl NewDrop {
    pub fn url(&self, public_url: &str) -> String {
        format!("{public_url}/d/{}#{}", self.drop_box.public, self.secret)
    }
}

/// A sender who may bring a file of at most so many bytes; settled when it is recorded.
#[derive(Clone, Debug)]
pub struct Admitted {
    id: DropId,
    office: OfficeId,
    room: u64,
    max_bytes: u64,
    types: Vec<String>,
}

impl Admitted {
    pub fn id(&self) -> DropId {
        self.id
    }

    /// The office that receives.
    pub fn office(&self) -> OfficeId {
        self.office
    }

    /// The most that may still be brought.
    pub fn room(&self) -> u64 {
        self.room
    }

    /// What the link takes of all files together.
    pub fn max_bytes(&self) -> u64 {
        self.max_bytes
    }
}

impl Sharing {
    /// Checks the terms of a request and hashes its password; before a transaction, because hashing takes long.
    pub async fn drop_terms(&self, asked: DropAsked) -> Result<DropTerms> {
        let password = asked.password.clone();
        let terms = asked.checked(self.clock.now(), self.settings.bounds)?;
        match password {
            Some(password) => Ok(terms.with_password(self.passwords.hash(&password).await?)),
            None => Ok(terms),
        }
    }

    pub async fn make_drop(&self, tx: &mut Tx, actor: &Actor, origin: &Origin, terms: &DropTerms) -> Result<NewDrop> {
        actor.must(Act::Share)?;
        let now = self.clock.now();
        let (id, secret) = (DropId::fresh(&self.clock), id::secret());
        let secret_hash = token::hash(&secret);
        let new = sql::New {
            id,
            public: &id::to_letters(&id::random::<10>()),
            secret_hash,
            office: actor.office(),
            made_by: actor.person(),
            password: terms.password(),
            protection: protection(id.0, &secret_hash, terms.password()),
            now,
        };
        sql::insert(tx, &new, terms).await?;
        self.note_drop(tx, actor, origin, "drop.make", id).await?;
        let drop_box = self.drop_box(tx, actor.office(), id).await?;
        Ok(NewDrop { drop_box, secret })
    }

    /// An upload-only link of the office, else 404.
    pub async fn drop_box(&self, tx: &mut Tx, office: OfficeId, id: DropId) -> Result<DropBox> {
        sql::by_id(tx, office, id).await?.ok_or_else(Error::not_found)?.into_drop()
    }

    pub async fn drop_boxes(
        &self,
        tx: &mut Tx,
        office: OfficeId,
        before: Option<DropId>,
        limit: i64,
    ) -> Result<Vec<DropBox>> {
        sql::list(tx, office, before, limit).await?.into_iter().map(sql::Row::into_drop).collect()
    }

    /// Ending it twice is no error.
    pub async fn end_drop(&self, tx: &mut Tx, actor: &Actor, origin: &Origin, drop_box: &DropBox) -> Result<()> {
        actor.must(Act::Share)?;
        if sql::end(tx, drop_box.id, self.clock.now()).await? {
            self.note_drop(tx, actor, origin, "drop.revoke", drop_box.id).await?;
        }
        Ok(())
    }

    /// What the sender's page may know: whether this link takes files, which, until when, and what it needs.
    pub async fn peek_drop(
        &self,
        public: &str,
        secret: Option<&str>,
        visitor: Visitor<'_>,
    ) -> Result<(DropBox, Vec<Need>)> {
        asked_for(with_room(self.known_drop(public, secret, visitor).await?)?)
    }

    /// The same for a sender whose file was received a moment ago, and who may have brought the last one.
    pub async fn peek_drop_again(
        &self,
        public: &str,
        secret: Option<&str>,
        visitor: Visitor<'_>,
    ) -> Result<(DropBox, Vec<Need>)> {
        asked_for(self.known_drop(public, secret, visitor).await?)
    }

    /// Checks the secret, the password and whether there is room. Takes nothing yet.
    pub async fn admit(
        &self,
        public: &str,
        secret: Option<&str>,
        password: Option<&str>,
        visitor: Visitor<'_>,
    ) -> Result<Admitted> {
        let row = with_room(self.known_drop(public, secret, visitor).await?)?;
        self.admitted(row, password).await
    }

    /// The same for a sender who goes on with an upload: whether it finds a place is told when it is whole, and who brought
    /// the last file must still be able to ask for its receipt.
    pub async fn admit_again(
        &self,
        public: &str,
        secret: Option<&str>,
        password: Option<&str>,
        visitor: Visitor<'_>,
    ) -> Result<Admitted> {
        let row = self.known_drop(public, secret, visitor).await?;
        self.admitted(row, password).await
    }

    /// Refused from the moment the link ends: asked again and again while a long file comes in.
    pub async fn takes_on(&self, admitted: &Admitted) -> Result<()> {
        if sql::is_open(&self.db, admitted.id, self.clock.now()).await? { Ok(()) } else { Err(unusable()) }
    }

    async fn admitted(&self, row: sql::Row, password: Option<&str>) -> Result<Admitted> {
        if let Some(hash) = &row.password {
            let Some(password) = password else { return Need::Password.refuse() };
            self.drop_password(row.id, password, hash).await?;
        }
        Ok(Admitted {
            id: DropId(row.id),
            office: OfficeId(row.office),
            room: u64::try_from(row.max_bytes - row.bytes).unwrap_or(0),
            max_bytes: u64::try_from(row.max_bytes).unwrap_or(0),
            types: serde_json::from_str(&row.types).map_err(Error::internal)?,
        })
    }

    async fn known_drop(&self, public: &str, secret: Option<&str>, visitor: Visitor<'_>) -> Result<sql::Row> {
        let row = sql::by_public(&self.db, public).await?;
        let kept = row.as_ref().map_or([0; 32].as_slice(), |row| row.secret_hash.as_slice());
        let is_right = token::matches(secret.unwrap_or(""), kept);
        let Some(row) = row.filter(|_| is_right) else { return Err(self.wrong_secret(None, visitor).await) };
        let is_whole = row.protection == protection(row.id, &row.secret_hash, row.password.as_deref());
        let is_open = row.revoked_at.is_none() && row.expires_at > self.clock.now().0;
        if is_whole && is_open { Ok(row) } else { Err(unusable()) }
    }

    async fn drop_password(&self, id: Uuid, password: &str, hash: &str) -> Result<()> {
        let _turn = self.turn(id).lock().await;
        let settings = &self.settings.throttle;
        let counter = Counter::new("drop-guess", &[&DropId(id).to_string()], settings.link_free);
        let admitted = throttle::admit(&self.db, &self.clock, settings, vec![counter]).await?;
        if !self.passwords.verify(password, hash).await? {
            return Need::Password.refuse();
        }
        let mut tx = self.db.write().await?;
        admitted.uncount(&mut tx).await?;
        tx.commit().await
    }

    /// Takes the place of one file that was received; part of the transaction that records it. An error rolls that back.
    pub async fn settle(&self, tx: &mut Tx, admitted: &Admitted, bytes: u64, media_type: &str) -> Result<()> {
        let is_accepted =
            admitted.types.is_empty() || admitted.types.iter().any(|kind| asked::covers(kind, media_type));
        if !is_accepted {
            return Err(wrong_type(&admitted.types));
        }
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        if sql::take(tx, admitted.id, bytes, self.clock.now()).await? { Ok(()) } else { Err(full()) }
    }

    async fn note_drop(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        origin: &Origin,
        action: &'static str,
        id: DropId,
    ) -> Result<()> {
        let entry = Entry {
            who: actor.into(),
            office: Some(actor.office()),
            action,
            object: Some(id.to_string()),
            result: "ok",
            origin,
            detail: json!({}),
        };
        audit::record(tx, &self.clock, entry).await
    }
}

/// A link that is full refuses like one that does not exist.
fn with_room(row: sql::Row) -> Result<sql::Row> {
    if row.files < row.max_files && row.bytes < row.max_bytes { Ok(row) } else { Err(unusable()) }
}

fn asked_for(row: sql::Row) -> Result<(DropBox, Vec<Need>)> {
    let needs = row.password.iter().map(|_| Need::Password).collect();
    Ok((row.into_drop()?, needs))
}

/// As for links: what guards it, enumerated, with a checksum, so that a lost password refuses the whole.
fn protection(id: Uuid, secret_hash: &[u8], password: Option<&str>) -> String {
    let guards = if password.is_some() { "secret,password" } else { "secret" };
    let mut hash = Sha256::new_with_prefix("lumbung drop terms 1");
    hash.update(id.as_bytes());
    hash.update(secret_hash);
    hash.update(password.unwrap_or("-"));
    format!("v1 {guards} {}", data_encoding::HEXLOWER.encode(&hash.finalize()))
}

fn wrong_type(types: &[String]) -> Error {
    let list = types.join(", ");
    Error::new(
        Kind::UnsupportedMedia,
        "type-not-accepted",
        say(
            format!("Tautan ini hanya menerima: {list}. Jenis berkas dilihat dari isinya, bukan dari namanya."),
            format!("This link takes only: {list}. A file's type is told by its content, not by its name."),
        ),
    )
}

fn full() -> Error {
    Error::too_large(say(
        "Batas jumlah atau ukuran tautan ini tercapai, atau masanya habis. Berkas ini tidak diterima; hubungi kantor penerima.",
        "This link's limit of files or bytes is reached, or it has ended. This file was not taken; ask the receiving office.",
    ))
}
