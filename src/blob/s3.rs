//! A store on an S3-compatible server.
//!
//! The digest of the sealed bytes is the object's name, the checksum on the wire and what a scrub compares, so that
//! each byte is hashed once. Some servers ignore `If-None-Match`, hence it is a belt: what decides after any doubt is a
//! HEAD, compared with what should be there.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::config::retry::{RetryConfig, RetryPartition, TokenBucket};
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    StalledStreamProtectionConfig,
};
use aws_sdk_s3::error::{DisplayErrorContext, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumMode, ObjectLockMode};
use aws_sdk_s3::{Client, config};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;

use super::{Body, Listed, ObjectName, Patience, Prefix, S3Settings, occupied, outside, unavailable, within};
use crate::error::{Error, Result};
use crate::seal::{Digest, Place, SealedBody};

/// Slower than this is taken for a dead link.
const BYTES_PER_SECOND: u64 = 2_000_000;

const ATTEMPTS: u32 = 3;

/// Written again and again to see whether the bucket takes writes.
const TRIED: &str = "writable";

/// What the client may spend on repeated attempts, of which one costs ten at most. Its own default is one purse for all
/// clients of a process that only calls that went well fill again: a mirror that is away would take the retries of the
/// store, and nothing would be tried twice for long after an outage.
const RETRY_QUOTA: usize = 500;
const RETRY_QUOTA_PER_SECOND: f32 = 100.0;

#[derive(Clone, Debug)]
pub struct S3 {
    pub(super) client: Client,
    pub(super) bucket: Arc<str>,
    pub(super) lock_days: u32,
    /// Asked once: whether the bucket keeps former versions.
    pub(super) versioned: Arc<OnceCell<bool>>,
    patience: Patience,
}

impl S3 {
    pub fn new(settings: &S3Settings) -> S3 {
        let key = Credentials::new(&settings.access_key, &settings.secret_key, None, None, "lumbung");
        let mut config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(settings.region.clone()))
            .credentials_provider(key)
            .force_path_style(settings.path_style)
            .timeout_config(timeouts(settings.patience, 0))
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .retry_partition(retries_of_its_own(&settings.bucket))
            .stalled_stream_protection(
                StalledStreamProtectionConfig::enabled().grace_period(Duration::from_secs(20)).build(),
            )
            // Every chunk that is read authenticates itself, and every put carries a digest already.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        if !settings.endpoint.is_empty() {
            config = config.endpoint_url(&settings.endpoint);
        }
        S3 {
            client: Client::from_conf(config.build()),
            bucket: settings.bucket.as_str().into(),
            lock_days: settings.object_lock_days,
            versioned: Arc::default(),
            patience: settings.patience,
        }
    }

    /// Two nodes may start at once: whoever comes second finds the bucket made.
    pub(super) async fn create_bucket(&self) -> Result<()> {
        if self.probe().await.is_ok() {
            return Ok(());
        }
        let locked = (self.lock_days > 0).then_some(true);
        let asked = self.client.create_bucket().bucket(&*self.bucket).set_object_lock_enabled_for_bucket(locked);
        let made = asked.send().await;
        if let Err(cause) = made {
            let there = cause
                .as_service_error()
                .is_some_and(|error| error.is_bucket_already_owned_by_you() || error.is_bucket_already_exists());
            if !there {
                return Err(failed(cause));
            }
        }
        self.probe().await
    }

    pub(super) async fn put(&self, name: &ObjectName, body: &SealedBody) -> Result<()> {
        let mut request = self
            .client
            .put_object()
            .bucket(&*self.bucket)
            .key(name.to_string())
            .content_type("application/octet-stream")
            .content_length(i64::try_from(body.size()).map_err(Error::internal)?)
            .checksum_sha256(BASE64_STANDARD.encode(body.digest()))
            .body(stream_of(body).await?);
        if name.is_write_once() {
            request = request.if_none_match("*");
        }
        if let Some(until) = self.retained_until(name) {
            request = request.object_lock_mode(ObjectLockMode::Compliance).object_lock_retain_until_date(until);
        }
        let limits = config::Config::builder().timeout_config(timeouts(self.patience, body.size()));
        let sent = request.customize().disable_payload_signing().config_override(limits).send().await;
        match sent {
            Ok(_) => Ok(()),
            Err(cause) => self.settle(name, body, failed(cause)).await,
        }
    }

    pub(super) async fn get(&self, name: &ObjectName, range: Option<Range<u64>>) -> Result<Option<Body>> {
        if range.as_ref().is_some_and(|range| range.start >= range.end) {
            return self.get_nothing(name, range).await;
        }
        let asked = range.as_ref().map(|range| format!("bytes={}-{}", range.start, range.end - 1));
        let got = self.client.get_object().bucket(&*self.bucket).key(name.to_string()).set_range(asked).send().await;
        let got = match got {
            Ok(got) => got,
            Err(cause) if status(&cause) == Some(404) => return Ok(None),
            Err(cause) if status(&cause) == Some(416) => {
                let size = self.head(name).await?.unwrap_or(0);
                return Err(outside(size));
            }
            Err(cause) => return Err(failed(cause)),
        };
        let length = got.content_length().and_then(|length| u64::try_from(length).ok());
        let length = length.ok_or_else(|| unavailable("an answer without a length"))?;
        let total = got.content_range().and_then(|range| range.rsplit('/').next()?.parse().ok());
        let object_size = total.unwrap_or(length);
        let expected = within(range, object_size)?;
        if expected.end - expected.start != length {
            return Err(unavailable("an answer of another length than was asked for"));
        }
        // The client's own limits end with the head of an answer.
        let silence = self.patience.answer;
        let pieces = stream::try_unfold(got.body, move |mut body| async move {
            match tokio::time::timeout(silence, body.next()).await {
                Ok(Some(Ok(piece))) => Ok(Some((piece, body))),
                Ok(Some(Err(cause))) => Err(unavailable(cause)),
                Ok(None) => Ok(None),
                Err(_) => Err(unavailable("an answer stalled in its midst")),
            }
        });
        Ok(Some(Body { object_size, length, stream: pieces.boxed() }))
    }

    pub(super) async fn head(&self, name: &ObjectName) -> Result<Option<u64>> {
        Ok(self.look(name).await?.map(|(size, _)| size))
    }

    /// On a bucket that keeps versions this only hides the object.
    pub(super) async fn delete(&self, name: &ObjectName) -> Result<()> {
        let deleted = self.client.delete_object().bucket(&*self.bucket).key(name.to_string()).send().await;
        match deleted {
            Ok(_) => Ok(()),
            Err(cause) if status(&cause) == Some(404) => Ok(()),
            Err(cause) => Err(failed(cause)),
        }
    }

    /// A copy and a delete: a crash between them leaves both, which the next sweep finishes.
    pub(super) async fn rename(&self, from: &ObjectName, to: &ObjectName) -> Result<bool> {
        let Some(size) = self.head(from).await? else { return Ok(false) };
        let limits = config::Config::builder().timeout_config(timeouts(self.patience, size));
        let copied = self
            .client
            .copy_object()
            .bucket(&*self.bucket)
            .key(to.to_string())
            .copy_source(format!("{}/{from}", self.bucket))
            .customize()
            .config_override(limits)
            .send()
            .await;
        copied.map_err(failed)?;
        if self.head(to).await? != Some(size) {
            return Err(unavailable("a copy is not whole"));
        }
        self.delete(from).await.map(|()| true)
    }

    pub(super) fn list(&self, prefix: Prefix) -> BoxStream<'static, Result<Listed>> {
        let first = Some(None::<String>);
        let store = self.clone();
        let prefix = prefix.to_string();
        let pages = stream::try_unfold(first, move |next| {
            let (store, prefix) = (store.clone(), prefix.clone());
            async move {
                let Some(token) = next else { return Ok::<_, Error>(None) };
                let (found, next) = store.page(prefix, token).await?;
                Ok(Some((stream::iter(found.into_iter().map(Ok)), next.map(Some))))
            }
        });
        futures_util::TryStreamExt::try_flatten(pages).boxed()
    }

    pub(super) async fn probe(&self) -> Result<()> {
        self.client.head_bucket().bucket(&*self.bucket).send().await.map(|_| ()).map_err(failed)
    }

    /// An object that no listing of ours meets. The version that a server with versions keeps of it goes as well.
    pub(super) async fn try_write(&self) -> Result<()> {
        let put = self.client.put_object().bucket(&*self.bucket).key(TRIED).body(ByteStream::from_static(b"."));
        let done = put.send().await.map_err(failed)?;
        if let Some(version) = done.version_id() {
            let delete = self.client.delete_object().bucket(&*self.bucket).key(TRIED).version_id(version);
            // Where the bucket retains everything, a byte stays for each trial; the store takes writes all the same.
            let _ = delete.send().await;
        }
        Ok(())
    }

    async fn page(&self, prefix: String, token: Option<String>) -> Result<(Vec<Listed>, Option<String>)> {
        let request = self.client.list_objects_v2().bucket(&*self.bucket).prefix(prefix);
        let page = request.set_continuation_token(token).send().await.map_err(failed)?;
        let found = page.contents().iter().filter_map(|object| {
            let size = object.size().and_then(|size| u64::try_from(size).ok())?;
            Some(Listed { path: object.key()?.to_owned(), size })
        });
        let next = page.next_continuation_token().filter(|_| page.is_truncated() == Some(true));
        if page.is_truncated() == Some(true) && next.is_none() {
            return Err(unavailable("a listing broke off without a way to go on"));
        }
        Ok((found.collect(), next.map(str::to_owned)))
    }

    /// The answer to a put was an error or got lost. What lies there decides; `doubt` is told if it is not ours.
    async fn settle(&self, name: &ObjectName, body: &SealedBody, doubt: Error) -> Result<()> {
        let Ok(Some((size, digest))) = self.look(name).await else { return Err(doubt) };
        let digest = match digest {
            Some(digest) => digest,
            None if size == body.size() => self.read_digest(name).await?,
            None => return Err(if name.is_write_once() { occupied(name) } else { doubt }),
        };
        if size == body.size() && digest == *body.digest() {
            return Ok(());
        }
        // A part may still be the former one, which this put was to replace.
        Err(if name.is_write_once() { occupied(name) } else { doubt })
    }

    /// Size, and digest where the server keeps it.
    pub(super) async fn look(&self, name: &ObjectName) -> Result<Option<(u64, Option<Digest>)>> {
        let request = self.client.head_object().bucket(&*self.bucket).key(name.to_string());
        let head = match request.checksum_mode(ChecksumMode::Enabled).send().await {
            Ok(head) => head,
            Err(cause) if status(&cause) == Some(404) => return Ok(None),
            Err(cause) => return Err(failed(cause)),
        };
        let size = head.content_length().and_then(|size| u64::try_from(size).ok());
        let size = size.ok_or_else(|| unavailable("an answer without a size"))?;
        let digest = head.checksum_sha256().and_then(|text| BASE64_STANDARD.decode(text).ok()?.try_into().ok());
        Ok(Some((size, digest)))
    }

    async fn read_digest(&self, name: &ObjectName) -> Result<Digest> {
        let Some(mut body) = self.get(name, None).await? else { return Err(unavailable("an object vanished")) };
        let mut digest = Sha256::new();
        while let Some(piece) = body.stream.next().await {
            digest.update(piece?);
        }
        Ok(digest.finalize().into())
    }

    /// HTTP knows no empty range.
    async fn get_nothing(&self, name: &ObjectName, range: Option<Range<u64>>) -> Result<Option<Body>> {
        let Some(object_size) = self.head(name).await? else { return Ok(None) };
        within(range, object_size)?;
        Ok(Some(Body { object_size, length: 0, stream: stream::empty().boxed() }))
    }
}

fn retries_of_its_own(bucket: &str) -> RetryPartition {
    let purse = TokenBucket::builder().capacity(RETRY_QUOTA).refill_rate(RETRY_QUOTA_PER_SECOND).build();
    RetryPartition::custom(bucket.to_owned()).token_bucket(purse).build()
}

pub(super) async fn stream_of(body: &SealedBody) -> Result<ByteStream> {
    match body.place() {
        Place::Memory(bytes) => Ok(ByteStream::from(Bytes::clone(bytes))),
        Place::File(file) => ByteStream::from_path(file.path()).await.map_err(Error::internal),
    }
}

/// Limits that grow with what is sent. Sizes are rounded up to a power of two, because the client keeps a pool of
/// connections for each set of limits that it has seen.
fn timeouts(patience: Patience, size: u64) -> TimeoutConfig {
    let rounded = if size <= 16 << 20 { 0 } else { size.checked_next_power_of_two().unwrap_or(size) };
    let sending = Duration::from_secs(rounded / BYTES_PER_SECOND);
    TimeoutConfig::builder()
        .connect_timeout(patience.connect)
        .read_timeout(patience.answer + sending)
        .operation_attempt_timeout(patience.operation / ATTEMPTS + sending)
        .operation_timeout(patience.operation + sending)
        .build()
}

pub(super) fn status<E>(cause: &SdkError<E>) -> Option<u16> {
    cause.raw_response().map(|response| response.status().as_u16())
}

pub(super) fn failed<E>(cause: SdkError<E>) -> Error
where
    E: std::error::Error + Send + Sync + 'static,
{
    unavailable(DisplayErrorContext(cause).to_string())
}
