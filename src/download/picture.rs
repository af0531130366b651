//! Page pictures. Without a watermark they are made on first view and kept sealed within a budget; with one they are made
//! on the fly for this opening and never kept.

use super::{Grant, Shelf, derived::wrapping_key, sql};
use crate::{
    crash::{Point, point},
    document::Version,
    error::{Error, Kind, Result, say},
    id::OfficeId,
    read::{Picture, Reason},
    vault,
};

/// Widths that are kept: a thumbnail, a phone, a page, a page looked at closely.
const WIDTHS: [u32; 4] = [240, 720, 1200, 1800];

impl Shelf {
    pub async fn picture(&self, grant: &Grant, number: u32, width: u32) -> Result<Picture> {
        if !grant.version.pictures || i64::from(number) > grant.version.pages.unwrap_or(0) || number == 0 {
            return Err(Error::not_found());
        }
        let width = WIDTHS.into_iter().find(|kept| *kept >= width).unwrap_or(1800);
        let kind = format!("picture-{width}");
        if grant.watermark.is_none()
            && let Some(row) = sql::picture(&self.db, grant.version.id, &kind, number).await?
        {
            let media_type = if row.media_type == "image/png" { "image/png" } else { "image/jpeg" };
            let wrapping = wrapping_key(&self.object_key(&grant.version, grant.owner).await?);
            let bytes = self.open_derived(&grant.version, &wrapping, &kind, row).await?;
            return Ok(Picture { bytes, media_type, width, height: 0 });
        }
        let picture = self.draw(grant, number, width).await?;
        if grant.watermark.is_none() {
            let (shelf, version, owner) = (self.clone(), grant.version.clone(), grant.owner);
            let (media_type, bytes) = (picture.media_type, picture.bytes.clone());
            // Whoever turns the page meanwhile goes away; the object must not stay behind without its row.
            let keeping = async move { shelf.keep_picture(&version, owner, &kind, number, media_type, bytes).await };
            tokio::spawn(keeping).await.map_err(Error::internal)??;
        }
        Ok(picture)
    }

    async fn draw(&self, grant: &Grant, number: u32, width: u32) -> Result<Picture> {
        let turned = self.page(grant, number).await?.map_or(0, |page| page.turned);
        let plaintext = self.plaintext(&grant.version, grant.owner).await?;
        self.reader.picture(&plaintext, number, width, turned, grant.watermark.as_ref()).await.map_err(not_drawn)
    }

    async fn keep_picture(
        &self,
        version: &Version,
        owner: OfficeId,
        kind: &str,
        number: u32,
        media_type: &str,
        bytes: Vec<u8>,
    ) -> Result<()> {
        let wrapping = wrapping_key(&self.object_key(version, owner).await?);
        let block = self.put_derived(version, &wrapping, kind, number, media_type, bytes).await?;
        point(Point::PictureStored);
        let mut tx = self.db.write().await?;
        self.keep(&mut tx, version, &[block]).await?;
        tx.commit().await
    }

    /// Drops the oldest kept pictures until all of them fit `budget` bytes.
    pub async fn trim_pictures(&self, budget: i64) -> Result<()> {
        let mut over = sql::picture_bytes(&self.db).await? - budget;
        while over > 0 {
            let oldest = sql::oldest_pictures(&self.db, 100).await?;
            if oldest.is_empty() {
                break;
            }
            let mut tx = self.db.write().await?;
            for row in &oldest {
                sql::forget(&mut tx, &row.object).await?;
                vault::discard(&mut tx, &row.object, self.clock.now()).await?;
                over -= row.sealed_size;
            }
            tx.commit().await?;
        }
        Ok(())
    }
}

fn not_drawn(reason: Reason) -> Error {
    let said = reason.say();
    Error::new(
        Kind::Invalid,
        "no-picture",
        say(
            format!("Gambar halaman tidak dapat dibuat: {}", said.id),
            format!("The page picture cannot be made: {}", said.en),
        ),
    )
}
