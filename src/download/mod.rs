//! Opening what is sealed: originals by range, page texts, page pictures. Nothing here starts without a [`Grant`], and a
//! grant is made only from a [`Document`] that was loaded for somebody or from an opened link.

mod derived;
mod original;
mod picture;
mod recovery;
mod sql;

pub use derived::{Block, PAGES_PER_BLOCK, Text, derived_key, derived_keys};
pub use original::{Content, Span, no_such_range};
pub use recovery::{Place, opened_by_former};

use crate::{
    blob::BlobStore,
    clock::Clock,
    db::Db,
    document::{Document, Version},
    error::{Error, Result, say},
    id::{DocumentId, OfficeId},
    office::OfficeKeys,
    read::{Reader, Watermark},
    seal, share,
};

/// The right to read one version. The fields are private: only the two constructors below make one.
#[derive(Clone, Debug)]
pub struct Grant {
    document: DocumentId,
    owner: OfficeId,
    version: Version,
    original: bool,
    watermark: Option<Watermark>,
}

impl Grant {
    /// For an actor who loaded the document: own, received, granted or within reach.
    pub fn of_document(document: &Document) -> Result<Grant> {
        document.must_be_readable()?;
        Ok(Grant {
            document: document.id,
            owner: document.office,
            version: document.version.clone(),
            original: true,
            watermark: None,
        })
    }

    /// For somebody who opened a link: the pinned version, with a watermark where the link only shows pages.
    pub fn of_link(granted: &share::Granted, version: Version) -> Result<Grant> {
        if granted.version() != version.id {
            return Err(Error::not_found());
        }
        let may_download = granted.may_download();
        let watermark = (!may_download).then(|| Watermark { lines: granted.watermark_lines() });
        Ok(Grant { document: granted.document(), owner: granted.office(), version, original: may_download, watermark })
    }

    pub fn document(&self) -> DocumentId {
        self.document
    }

    pub fn version(&self) -> &Version {
        &self.version
    }

    pub fn owner(&self) -> OfficeId {
        self.owner
    }

    /// View-only means that the original never leaves.
    fn must_allow_original(&self) -> Result<()> {
        if self.original {
            return Ok(());
        }
        Err(Error::forbidden(
            "view-only",
            say(
                "Tautan ini hanya untuk melihat halaman; berkas aslinya tidak dapat diunduh. Minta pengirim bila memerlukannya.",
                "This link shows pages only; the original cannot be downloaded. Ask the sender if you need it.",
            ),
        ))
    }
}

/// The way to sealed things; a cheap handle.
#[derive(Clone)]
pub struct Shelf {
    db: Db,
    clock: Clock,
    store: BlobStore,
    keys: OfficeKeys,
    reader: Reader,
    recovery: seal::InForce,
}

impl Shelf {
    pub fn new(
        db: Db,
        clock: Clock,
        store: BlobStore,
        keys: OfficeKeys,
        reader: Reader,
        recovery: seal::InForce,
    ) -> Shelf {
        Shelf { db, clock, store, keys, reader, recovery }
    }
}
