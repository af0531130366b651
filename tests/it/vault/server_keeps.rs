//! A server that keeps former versions, or lets nobody delete for a time.

use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use lumbung::blob::{BlobStore, Protection, S3Settings, Settings};

use super::rig::Rig;
use crate::store::settings_of;
use crate::support::minio::{Bucket, fresh_bucket};
use crate::support::regency::Stack;

/// Versions and marks in the bucket, whatever their names.
async fn versions(bucket: &Bucket) -> (usize, usize) {
    let listed = bucket.client().list_object_versions().bucket(&bucket.name).send().await.expect("listed");
    (listed.versions().len(), listed.delete_markers().len())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_destroyed_leaves_no_version_on_a_server_that_keeps_them() {
    let bucket = fresh_bucket().await;
    let enabled = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    let asked = bucket.client().put_bucket_versioning().bucket(&bucket.name).versioning_configuration(enabled);
    asked.send().await.expect("versioning is on");
    let store = BlobStore::open(&Settings::s3(settings_of(&bucket))).await.expect("opens");
    assert_eq!(store.protection().await, Protection { versioned: Some(true), lock_days: 0 });
    let rig = Rig::on(Stack::Embedded, store, &[]).await;
    let id = rig.upload(rig.offices[0], vec![1; 5000]).await.expect("uploaded");
    rig.derive(id).await.expect("derived");
    rig.derive(id).await.expect("derived again");
    rig.vault.clear().await.expect("cleared");
    assert_eq!(versions(&bucket).await, (2, 0), "the replaced derivation is gone with its versions");
    rig.trash(id).await.expect("trashed");
    assert!(rig.destroy(id).await.expect("destroyed").remains.is_empty());
    assert_eq!(versions(&bucket).await, (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_object_cannot_be_deleted_and_the_report_says_until_when() {
    let bucket = fresh_bucket().await;
    let settings = S3Settings {
        bucket: format!("{}-locked", bucket.name),
        create_bucket: true,
        object_lock_days: 3,
        ..settings_of(&bucket)
    };
    let store = BlobStore::open(&Settings::s3(settings.clone())).await.expect("opens");
    assert_eq!(store.protection().await, Protection { versioned: Some(true), lock_days: 3 });
    let rig = Rig::on(Stack::Embedded, store, &[]).await;
    let id = rig.upload(rig.offices[0], vec![1; 5000]).await.expect("uploaded");
    rig.trash(id).await.expect("trashed");
    let destroyed = rig.destroy(id).await.expect("destroyed");
    let [remain] = &destroyed.remains[..] else { panic!("{destroyed:?}") };
    let until = remain.until.expect("a day");
    let days = until.since(rig.clock.now()).as_secs_f64() / 86_400.0;
    assert!((2.9..3.1).contains(&days), "{days}");
    assert!(destroyed.recoverable);
    let locked = Bucket { name: settings.bucket, ..bucket };
    assert_eq!(versions(&locked).await, (1, 1), "hidden, and still there");
    assert_eq!(rig.texts("SELECT state FROM blob").await, ["deleting"], "to be tried again");
    assert!(rig.texts("SELECT CAST(version AS TEXT) FROM blob_key").await.is_empty());
    assert!(rig.document(id).await.is_none());
    let swept = rig.vault.sweep(false).await.expect("swept").expect("a turn");
    assert_eq!((swept.orphans, swept.deleted, swept.retained), (0, 0, 0), "not before its time");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_does_not_honour_the_lock_is_refused_with_words() {
    let bucket = fresh_bucket().await;
    let settings = S3Settings { object_lock_days: 3, ..settings_of(&bucket) };
    let refused = BlobStore::open(&Settings::s3(settings)).await.expect_err("no lock there");
    assert_eq!(refused.slug(), "no-object-lock");
    assert!(refused.to_string().contains("s3_object_lock_days"));
}
