//! What is asked of an S3 server alone. Without a checksum that is checked, or without `If-None-Match`, Lumbung still
//! compares by itself; it then finds out later.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures_util::TryStreamExt;

use super::s3::{S3, failed, status};
use super::trial::{Tried, Wanting, must, random_body};
use super::{ObjectName, Prefix};
use crate::error::Result;
use crate::id::UploadId;
use crate::seal::SealedBody;

impl S3 {
    pub(super) async fn lists_in_pages(&self, upload: UploadId) -> Tried {
        let whole: Vec<String> = self.list(Prefix::PartsOf(upload)).map_ok(|listed| listed.path).try_collect().await?;
        let mut paged = Vec::new();
        let mut next = None;
        loop {
            let request =
                self.client.list_objects_v2().bucket(&*self.bucket).prefix(Prefix::PartsOf(upload).to_string());
            let page = request.max_keys(2).set_continuation_token(next.take()).send().await.map_err(failed)?;
            must(
                page.contents().len() <= 2,
                "halamannya terlalu panjang / a page has more objects than were asked for",
            )?;
            paged.extend(page.contents().iter().filter_map(|object| object.key().map(str::to_owned)));
            next = page.next_continuation_token().filter(|_| page.is_truncated() == Some(true)).map(str::to_owned);
            if next.is_none() {
                return must(
                    paged == whole,
                    "halaman-halamannya tidak lengkap / the pages together are not the whole listing",
                );
            }
        }
    }

    pub(super) async fn checks_sums(&self, name: ObjectName) -> Tried {
        let ((sent, _), (_, told)) = (random_body(1000), random_body(1000));
        let put = self.client.put_object().bucket(&*self.bucket).key(name.to_string());
        let put = put.checksum_sha256(BASE64_STANDARD.encode(told.digest())).body(sent.into());
        match put.send().await {
            Ok(_) => Err(Wanting::weaker(
                "checksum yang salah diterima: kerusakan di jalan baru ditemukan lumbung verify / a wrong checksum was taken: only lumbung verify finds damage on the way",
            )),
            Err(cause) if status(&cause).is_some_and(|status| (400..500).contains(&status)) => Ok(()),
            Err(cause) => Err(failed(cause).into()),
        }
    }

    pub(super) async fn keeps_sums(&self, name: ObjectName) -> Tried {
        let (_, body) = random_body(1000);
        self.put(&name, &body).await?;
        match self.look(&name).await? {
            Some((_, Some(digest))) => must(digest == *body.digest(), "checksumnya lain / another checksum was told"),
            Some((_, None)) => Err(Wanting::weaker(
                "checksum tidak disimpan: unggahan yang diragukan dibaca kembali / no checksum is told: an upload in doubt is read back",
            )),
            None => must(false, "objeknya tidak ada / the object is not there"),
        }
    }

    pub(super) async fn writes_once(&self, name: ObjectName) -> Tried {
        let ((_, first), (_, second)) = (random_body(1000), random_body(1000));
        self.put(&name, &first).await?;
        if self.put_if_absent(&name, &second).await? {
            let why = "If-None-Match diabaikan: hanya nama objek yang mencegah penimpaan / If-None-Match is ignored: only the names keep objects from being overwritten";
            return Err(Wanting::weaker(why));
        }
        Ok(())
    }

    async fn put_if_absent(&self, name: &ObjectName, body: &SealedBody) -> Result<bool> {
        let put = self.client.put_object().bucket(&*self.bucket).key(name.to_string()).if_none_match("*");
        let bytes = super::s3::stream_of(body).await?;
        match put.body(bytes).send().await {
            Ok(_) => Ok(true),
            Err(cause) if matches!(status(&cause), Some(409 | 412)) => Ok(false),
            // The header is not known: as good as ignored.
            Err(cause) if status(&cause) == Some(501) => Ok(true),
            Err(cause) => Err(failed(cause)),
        }
    }

    pub(super) async fn erases_versions(&self, name: ObjectName) -> Tried {
        for _ in 0..2 {
            self.put(&name, &random_body(1000).1).await?;
        }
        must(
            self.erase(&name).await?.is_none(),
            "peladen menahan objek tanpa diminta / the server retains an object that nobody asked it to retain",
        )?;
        let versions = if self.is_versioned().await? { self.versions(&name).await? } else { Vec::new() };
        must(
            versions.is_empty(),
            "versi dari objek yang dihapus masih ada / a version of a deleted object is still there",
        )
    }
}
