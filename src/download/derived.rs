//! Derivations: page texts with their words, and page pictures. They are sealed objects too; their keys are wrapped by a
//! key that follows from their version's own key, so that giving an office a version gives it these as well.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Grant, Shelf,
    original::{collect, lost, named},
    sql,
};
use crate::{
    db::{Db, Tx},
    document::Version,
    error::{Error, Result},
    id::{OfficeId, VersionId},
    read::Page,
    seal::{self, ObjectKey, Opener, Secret32},
    vault,
};

/// Pages whose text lies in one object: few objects for a long document, little to open for one page.
pub const PAGES_PER_BLOCK: u32 = 32;

/// A sealed derivation that is in the store and not yet in the database.
#[derive(Debug)]
pub struct Block {
    kind: String,
    page: u32,
    object: String,
    wrapped: Vec<u8>,
    sealed_size: u64,
    media_type: String,
    recovery: i64,
}

#[derive(Serialize, Deserialize)]
struct Pages {
    pages: Vec<Page>,
}

impl Shelf {
    /// Seals the text of all pages, in blocks. The caller records them with [`Shelf::keep`] in its transaction.
    pub async fn put_pages(&self, version: &Version, owner: OfficeId, pages: Vec<Page>) -> Result<Vec<Block>> {
        let wrapping = wrapping_key(&self.object_key(version, owner).await?);
        let mut blocks = Vec::new();
        let mut pages = pages.into_iter().peekable();
        let mut first = 1;
        while pages.peek().is_some() {
            let last = first + PAGES_PER_BLOCK;
            let mut block = Vec::new();
            while let Some(page) = pages.next_if(|page| page.number < last) {
                block.push(page);
            }
            let bytes = serde_json::to_vec(&Pages { pages: block }).map_err(Error::internal)?;
            blocks.push(self.put_derived(version, &wrapping, "text", first, "application/json", bytes).await?);
            first = last;
        }
        Ok(blocks)
    }

    pub(super) async fn put_derived(
        &self,
        version: &Version,
        wrapping: &Secret32,
        kind: &str,
        page: u32,
        media_type: &str,
        bytes: Vec<u8>,
    ) -> Result<Block> {
        let (sealed, body) = seal::seal_bytes(&bytes, self.recovery.now().as_deref())?;
        self.store.put(&sealed.name, &body).await?;
        let wrapped = seal::wrap(wrapping, &context(version, kind, page), &sealed.key.to_bytes());
        Ok(Block {
            kind: kind.to_owned(),
            page,
            object: sealed.name.to_string(),
            wrapped,
            sealed_size: sealed.sealed_size,
            media_type: media_type.to_owned(),
            recovery: sealed.recovery,
        })
    }

    /// Records derivations; a later reading replaces an earlier one, whose objects the vault takes away.
    pub async fn keep(&self, tx: &mut Tx, version: &Version, blocks: &[Block]) -> Result<()> {
        let now = self.clock.now();
        for block in blocks {
            if let Some(before) = sql::derivation(tx, version.id, &block.kind, block.page).await? {
                vault::discard(tx, &before.object, now).await?;
            }
            sql::keep(tx, version.id, block.row(), now).await?;
        }
        Ok(())
    }

    /// Text and words of one page, or `None` where the document has no such page or no text.
    pub async fn page(&self, grant: &Grant, number: u32) -> Result<Option<Page>> {
        let Some(block) = sql::text_block(&self.db, grant.version.id, number).await? else { return Ok(None) };
        let wrapping = wrapping_key(&self.object_key(&grant.version, grant.owner).await?);
        let pages = self.open_block(&grant.version, &wrapping, block).await?;
        Ok(pages.into_iter().find(|page| page.number == number))
    }

    /// The text of every page.
    pub async fn all_pages(&self, version: &Version, owner: OfficeId) -> Result<Vec<Page>> {
        let mut texts = self.texts(&[(version, owner)]).await?;
        match texts.remove(&version.id) {
            Some(text) => self.open_text(version, &text?).await,
            None => Ok(Vec::new()),
        }
    }

    /// Where the text of these versions lies, for the index: two questions for many of them. Those without any are left out; one
    /// whose key is lost does not keep the others back.
    pub async fn texts(&self, versions: &[(&Version, OfficeId)]) -> Result<HashMap<VersionId, Result<Text>>> {
        let ids: Vec<VersionId> = versions.iter().map(|(version, _)| version.id).collect();
        let mut blocks: HashMap<Uuid, Vec<sql::DerivedRow>> = HashMap::new();
        for (version, block) in sql::text_blocks(&self.db, &ids).await? {
            blocks.entry(version).or_default().push(block);
        }
        let blobs: Vec<Uuid> = versions.iter().map(|(version, _)| version.blob).collect();
        let mut keys = HashMap::new();
        for row in sql::keys(&self.db, &blobs).await? {
            keys.insert((row.blob, row.office), row);
        }
        let mut texts = HashMap::new();
        for (version, owner) in versions {
            let Some(blocks) = blocks.remove(&version.id.0) else { continue };
            let key = match keys.get(&(version.blob, owner.0)) {
                Some(row) => self.unwrapped(row).await,
                None => Err(lost()),
            };
            texts.insert(version.id, key.map(|key| Text { wrapping: wrapping_key(&key), blocks }));
        }
        Ok(texts)
    }

    pub async fn open_text(&self, version: &Version, text: &Text) -> Result<Vec<Page>> {
        let mut all = Vec::new();
        for block in &text.blocks {
            all.extend(self.open_block(version, &text.wrapping, block.clone()).await?);
        }
        Ok(all)
    }

    async fn open_block(&self, version: &Version, wrapping: &Secret32, row: sql::DerivedRow) -> Result<Vec<Page>> {
        let bytes = self.open_derived(version, wrapping, "text", row).await?;
        Ok(serde_json::from_slice::<Pages>(&bytes).map_err(Error::internal)?.pages)
    }

    pub(super) async fn open_derived(
        &self,
        version: &Version,
        wrapping: &Secret32,
        kind: &str,
        row: sql::DerivedRow,
    ) -> Result<Vec<u8>> {
        let key = seal::unwrap(wrapping, &context(version, kind, row.page as u32), &row.wrapped)?;
        let opener = Opener::new(&ObjectKey::from_bytes(&key)?);
        let plan = opener.plan_whole();
        let sealed = self.fetch(&named(&row.object)?, plan.sealed()).await?;
        collect(Box::pin(opener.open_stream(plan, sealed.stream))).await
    }
}

/// Where a version's text lies, and what opens it.
pub struct Text {
    wrapping: Secret32,
    blocks: Vec<sql::DerivedRow>,
}

/// The keys of everything derived from a version, by object name: for `key export --all`.
pub async fn derived_keys(db: &Db, version: VersionId, key: &ObjectKey) -> Result<Vec<(String, ObjectKey)>> {
    let wrapping = wrapping_key(key);
    let mut keys = Vec::new();
    for row in sql::derived(db, version).await? {
        let context = named_context(version, &row.kind, row.page);
        let bytes = seal::unwrap(&wrapping, &context, &row.wrapped)?;
        keys.push((row.object, ObjectKey::from_bytes(&bytes)?));
    }
    Ok(keys)
}

/// The key of one derivation of a version, whose own key this is: for whoever looks whether everything opens.
pub fn derived_key(key: &ObjectKey, version: VersionId, kind: &str, page: i64, wrapped: &[u8]) -> Result<ObjectKey> {
    ObjectKey::from_bytes(&seal::unwrap(&wrapping_key(key), &named_context(version, kind, page), wrapped)?)
}

impl Block {
    fn row(&self) -> sql::KeepRow<'_> {
        sql::KeepRow {
            kind: &self.kind,
            page: i64::from(self.page),
            object: &self.object,
            wrapped: &self.wrapped,
            sealed_size: self.sealed_size as i64,
            media_type: &self.media_type,
            recovery: self.recovery,
        }
    }
}

pub(super) fn wrapping_key(key: &ObjectKey) -> Secret32 {
    key.derive("lumbung derivations")
}

fn context(version: &Version, kind: &str, page: u32) -> Vec<u8> {
    named_context(version.id, kind, i64::from(page))
}

pub(super) fn named_context(version: VersionId, kind: &str, page: i64) -> Vec<u8> {
    format!("derivation:{version}:{kind}:{page}").into_bytes()
}
