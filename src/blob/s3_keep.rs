//! What an S3 server keeps by itself: former versions of objects, and objects that nobody may delete for a time.

use std::time::Duration;

use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{BucketVersioningStatus, ObjectLockEnabled};

use super::s3::{S3, failed, status};
use super::{ObjectName, Protection};
use crate::clock::{Clock, Time};
use crate::error::{Error, Kind, Result, say};

impl S3 {
    /// Refuses a bucket that would take the retention of an object for words.
    pub(super) async fn must_honour_lock(&self) -> Result<()> {
        if self.lock_days == 0 {
            return Ok(());
        }
        let asked = self.client.get_object_lock_configuration().bucket(&*self.bucket).send().await;
        let enabled = match asked {
            Ok(told) => {
                let lock = told.object_lock_configuration().and_then(|lock| lock.object_lock_enabled());
                lock == Some(&ObjectLockEnabled::Enabled)
            }
            // An answer that is a refusal: the bucket has no lock, or the server knows none.
            Err(cause) if status(&cause).is_some_and(|status| status < 500 || status == 501) => false,
            Err(cause) => return Err(failed(cause)),
        };
        if enabled { Ok(()) } else { Err(no_lock(&self.bucket)) }
    }

    pub(super) async fn protection(&self) -> Protection {
        Protection { versioned: self.is_versioned().await.ok(), lock_days: self.lock_days }
    }

    /// Uploads' parts are passing: only what is written once is retained. The server's clock counts, so ours is the true
    /// one here.
    pub(super) fn retained_until(&self, name: &ObjectName) -> Option<DateTime> {
        let kept = self.lock_days > 0 && matches!(name, ObjectName::Object(_) | ObjectName::Record(_));
        let days = Duration::from_secs(u64::from(self.lock_days) * 86_400);
        kept.then(|| DateTime::from_millis(Clock::default().now().plus(days).0))
    }

    pub(super) async fn erase(&self, name: &ObjectName) -> Result<Option<Time>> {
        if !self.is_versioned().await? {
            return self.delete(name).await.map(|()| None);
        }
        let mut retained: Option<Time> = None;
        for version in self.versions(name).await? {
            if let Some(until) = self.delete_version(name, &version).await? {
                retained = retained.max(Some(until));
            }
        }
        if retained.is_some() {
            self.delete(name).await?;
        }
        Ok(retained)
    }

    pub(super) async fn is_versioned(&self) -> Result<bool> {
        let ask = || async {
            match self.client.get_bucket_versioning().bucket(&*self.bucket).send().await {
                // A bucket whose versioning was suspended still has those of before.
                Ok(told) => Ok(matches!(
                    told.status(),
                    Some(BucketVersioningStatus::Enabled | BucketVersioningStatus::Suspended)
                )),
                Err(cause) if status(&cause).is_some_and(|status| status < 500 || status == 501) => Ok(false),
                Err(cause) => Err(failed(cause)),
            }
        };
        self.versioned.get_or_try_init(ask).await.copied()
    }

    /// The versions of one object, and the marks that hide it, in the server's order: newest first.
    pub(super) async fn versions(&self, name: &ObjectName) -> Result<Vec<String>> {
        let key = name.to_string();
        let mut found = Vec::new();
        let mut from: (Option<String>, Option<String>) = (None, None);
        loop {
            let request = self.client.list_object_versions().bucket(&*self.bucket).prefix(&key);
            let request = request.set_key_marker(from.0.take()).set_version_id_marker(from.1.take());
            let page = request.send().await.map_err(failed)?;
            let versions = page.versions().iter().map(|version| (version.key(), version.version_id()));
            let marks = page.delete_markers().iter().map(|mark| (mark.key(), mark.version_id()));
            let ours = versions.chain(marks).filter(|(theirs, _)| *theirs == Some(key.as_str()));
            found.extend(ours.filter_map(|(_, version)| version.map(str::to_owned)));
            if page.is_truncated() != Some(true) {
                return Ok(found);
            }
            from = (page.next_key_marker().map(str::to_owned), page.next_version_id_marker().map(str::to_owned));
        }
    }

    /// `Some` where the server retains the version: until when.
    async fn delete_version(&self, name: &ObjectName, version: &str) -> Result<Option<Time>> {
        let delete = self.client.delete_object().bucket(&*self.bucket).key(name.to_string()).version_id(version);
        let Err(refused) = delete.send().await else { return Ok(None) };
        if status(&refused) == Some(404) {
            return Ok(None);
        }
        let ask = self.client.get_object_retention().bucket(&*self.bucket).key(name.to_string()).version_id(version);
        let until = ask.send().await.ok().and_then(|told| {
            let until = told.retention()?.retain_until_date()?;
            until.to_millis().ok().map(Time)
        });
        until.map(Some).ok_or_else(|| failed(refused))
    }
}

fn no_lock(bucket: &str) -> Error {
    Error::new(
        Kind::Conflict,
        "no-object-lock",
        say(
            format!(
                "Bucket {bucket} tidak menjalankan object lock, padahal s3_object_lock_days diisi. Buat bucket baru dengan object lock, atau isi 0."
            ),
            format!(
                "The bucket {bucket} does not honour object lock, but s3_object_lock_days is set. Make a bucket with object lock, or set 0."
            ),
        ),
    )
}
