//! What every store must do, told once and asked of each.

use futures_util::future::join_all;
use futures_util::{StreamExt, TryStreamExt};
use lumbung::blob::{BlobStore, Fault, Listed, Memory, ObjectName, Outcome, Prefix, RecordName, Settings, is_missing};
use lumbung::clock::Clock;
use lumbung::error::Kind;
use lumbung::id::UploadId;
use tempfile::TempDir;

use super::{body, bytes, name_of, s3_store, spooled};
use crate::support::minio;

macro_rules! on_every_store {
    ($($behaviour:ident,)*) => {
        mod memory { $(
            #[tokio::test]
            async fn $behaviour() {
                super::$behaviour(lumbung::blob::BlobStore::memory()).await;
            }
        )* }
        mod folder { $(
            #[tokio::test]
            async fn $behaviour() {
                let (_folder, store) = super::folder_store().await;
                super::$behaviour(store).await;
            }
        )* }
        mod s3 { $(
            #[tokio::test]
            async fn $behaviour() {
                super::$behaviour(super::s3_store(&super::minio::fresh_bucket().await).await).await;
            }
        )* }
    };
}

on_every_store! {
    what_was_put_comes_back_whole_and_by_range,
    a_range_outside_an_object_is_refused,
    what_is_missing_is_told_apart_from_what_fails,
    putting_the_same_bytes_again_is_fine_even_at_once,
    a_written_name_never_gets_other_bytes,
    a_part_of_an_upload_is_replaced,
    a_name_that_is_not_the_digest_is_refused,
    a_spooled_body_is_stored_and_may_be_stored_again,
    a_deleted_object_is_gone_and_deleting_it_again_is_fine,
    a_listing_gives_every_object_of_its_prefix_with_its_size,
    a_listing_goes_on_beyond_one_page,
    an_object_in_quarantine_keeps_its_bytes_and_leaves_its_place,
    a_store_that_works_says_so,
    it_passes_the_trials_of_an_operator,
}

async fn folder_store() -> (TempDir, BlobStore) {
    let folder = tempfile::tempdir().expect("temporary folder");
    let store = BlobStore::open(&Settings::folder(folder.path().join("store"))).await.expect("opens");
    (folder, store)
}

async fn what_was_put_comes_back_whole_and_by_range(store: BlobStore) {
    for size in [1, 30_000, 65_552, 1 << 20] {
        let (body, whole) = (body(size, 1), bytes(size, 1));
        let name = name_of(&body);
        store.put(&name, &body).await.expect("stored");
        let size = size as u64;
        assert_eq!(store.head(&name).await.expect("answers"), Some(size));
        let got = store.get(&name, None).await.expect("there");
        assert_eq!((got.object_size, got.length), (size, size));
        assert_eq!(got.collect().await.expect("whole"), whole);
        for range in [0..size, 0..1, size - 1..size, size / 3..size / 2, 0..0, size..size] {
            let got = store.get(&name, Some(range.clone())).await.expect("within");
            assert_eq!((got.object_size, got.length), (size, range.end - range.start), "{range:?}");
            let expected = whole.slice(range.start as usize..range.end as usize);
            assert_eq!(got.collect().await.expect("whole"), expected, "{range:?}");
        }
    }
}

async fn a_range_outside_an_object_is_refused(store: BlobStore) {
    let body = body(1000, 1);
    store.put(&name_of(&body), &body).await.expect("stored");
    for range in [0..1001, 999..1001, 1000..1001, 5000..6000, 1001..1001] {
        let refusal = store.get(&name_of(&body), Some(range.clone())).await.expect_err("outside");
        assert_eq!(refusal.kind(), Kind::RangeNotSatisfiable, "{range:?}: {}", refusal.chain());
    }
}

async fn what_is_missing_is_told_apart_from_what_fails(store: BlobStore) {
    let name = name_of(&body(10, 9));
    for range in [None, Some(0..5), Some(0..0)] {
        assert!(is_missing(&store.get(&name, range).await.expect_err("missing")));
    }
    assert_eq!(store.head(&name).await.expect("answers"), None);
    assert!(!store.quarantine(&name).await.expect("answers"));
}

async fn putting_the_same_bytes_again_is_fine_even_at_once(store: BlobStore) {
    let body = body(100_000, 1);
    let name = name_of(&body);
    for done in join_all((0..8).map(|_| store.put(&name, &body))).await {
        done.expect("the same bytes");
    }
    store.put(&name, &body).await.expect("the same bytes later");
    let got = store.get(&name, None).await.expect("there").collect().await.expect("whole");
    assert_eq!(got, bytes(100_000, 1));
}

async fn a_written_name_never_gets_other_bytes(store: BlobStore) {
    let name = ObjectName::Record(RecordName::parse("1795428000000-a-1").expect("valid"));
    store.put(&name, &body(500, 1)).await.expect("stored");
    for other in [body(500, 2), body(400, 1), body(600, 1)] {
        let refusal = store.put(&name, &other).await.expect_err("taken");
        assert_eq!(refusal.kind(), Kind::Conflict, "{}", refusal.chain());
    }
    let kept = store.get(&name, None).await.expect("there").collect().await.expect("whole");
    assert_eq!(kept, bytes(500, 1));
}

async fn a_part_of_an_upload_is_replaced(store: BlobStore) {
    let name = ObjectName::part(UploadId::fresh(&Clock::default()), 0);
    store.put(&name, &body(500, 1)).await.expect("stored");
    store.put(&name, &body(700, 2)).await.expect("replaced");
    assert_eq!(store.get(&name, None).await.expect("there").collect().await.expect("whole"), bytes(700, 2));
}

async fn a_name_that_is_not_the_digest_is_refused(store: BlobStore) {
    let name = name_of(&body(10, 1));
    assert!(store.put(&name, &body(10, 2)).await.is_err());
    assert_eq!(store.head(&name).await.expect("answers"), None);
}

async fn a_spooled_body_is_stored_and_may_be_stored_again(store: BlobStore) {
    let spool = tempfile::tempdir().expect("temporary folder");
    let body = spooled(3 << 20, spool.path()).await;
    let name = name_of(&body);
    store.put(&name, &body).await.expect("stored");
    store.delete(&name).await.expect("deleted");
    store.put(&name, &body).await.expect("stored again");
    let got = store.get(&name, None).await.expect("there").collect().await.expect("whole");
    assert_eq!(lumbung::seal::digest_of(&got), *body.digest());
}

async fn a_deleted_object_is_gone_and_deleting_it_again_is_fine(store: BlobStore) {
    let body = body(1000, 1);
    let part = ObjectName::part(UploadId::fresh(&Clock::default()), 7);
    for name in [name_of(&body), part] {
        store.put(&name, &body).await.expect("stored");
        store.delete(&name).await.expect("deleted");
        assert!(is_missing(&store.get(&name, None).await.expect_err("missing")));
        store.delete(&name).await.expect("nothing to do");
    }
    assert_eq!(paths(&store, Prefix::All).await, Vec::<String>::new());
}

async fn a_listing_gives_every_object_of_its_prefix_with_its_size(store: BlobStore) {
    assert_eq!(paths(&store, Prefix::All).await, Vec::<String>::new());
    let (one, two) = (UploadId::fresh(&Clock::default()), UploadId::fresh(&Clock::default()));
    let sealed = body(111, 1);
    let object = name_of(&sealed);
    store.put(&object, &sealed).await.expect("stored");
    let record = ObjectName::Record(RecordName::parse("1-a-1").expect("valid"));
    let parts = [ObjectName::part(one, 1), ObjectName::part(one, 2), ObjectName::part(two, 1)];
    for (at, name) in [&record].into_iter().chain(&parts).enumerate() {
        store.put(name, &body(200 + at, 2)).await.expect("stored");
    }
    let first_byte = sealed.digest()[0];
    let of = |names: &[&ObjectName]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(paths(&store, Prefix::Objects).await, of(&[&object]));
    assert_eq!(paths(&store, Prefix::ObjectsUnder(first_byte)).await, of(&[&object]));
    assert_eq!(paths(&store, Prefix::ObjectsUnder(!first_byte)).await, of(&[]));
    assert_eq!(paths(&store, Prefix::Records).await, of(&[&record]));
    assert_eq!(paths(&store, Prefix::PartsOf(one)).await, of(&[&parts[0], &parts[1]]));
    assert_eq!(paths(&store, Prefix::Parts).await.len(), 3);
    assert_eq!(paths(&store, Prefix::Quarantine).await, of(&[]));
    let all: Vec<Listed> = store.list(Prefix::All).try_collect().await.expect("lists");
    assert_eq!(all.len(), 5);
    assert!(all.contains(&Listed { path: object.to_string(), size: 111 }));
    assert!(all.iter().all(|listed| listed.name().is_some()));
}

async fn a_listing_goes_on_beyond_one_page(store: BlobStore) {
    let upload = UploadId::fresh(&Clock::default());
    let body = body(1, 1);
    let puts = (0..1005).map(|number| {
        let (store, body) = (&store, &body);
        async move { store.put(&ObjectName::part(upload, number), body).await }
    });
    let done: Vec<_> = futures_util::stream::iter(puts).buffer_unordered(32).collect().await;
    assert!(done.into_iter().all(|put| put.is_ok()));
    let mut listed = paths(&store, Prefix::PartsOf(upload)).await;
    listed.sort();
    listed.dedup();
    assert_eq!(listed.len(), 1005);
}

async fn an_object_in_quarantine_keeps_its_bytes_and_leaves_its_place(store: BlobStore) {
    let body = body(5000, 1);
    let name = name_of(&body);
    store.put(&name, &body).await.expect("stored");
    assert!(store.quarantine(&name).await.expect("moved"));
    assert_eq!(store.head(&name).await.expect("answers"), None);
    let aside = ObjectName::Quarantined(Box::new(name));
    assert_eq!(paths(&store, Prefix::Quarantine).await, [aside.to_string()]);
    assert_eq!(store.get(&aside, None).await.expect("kept").collect().await.expect("whole"), bytes(5000, 1));
    assert!(store.quarantine(&aside).await.is_err());
}

async fn a_store_that_works_says_so(store: BlobStore) {
    store.probe().await.expect("it works");
}

async fn paths(store: &BlobStore, prefix: Prefix) -> Vec<String> {
    let listed: Vec<Listed> = store.list(prefix).try_collect().await.expect("lists");
    let mut paths: Vec<String> = listed.into_iter().map(|listed| listed.path).collect();
    paths.sort();
    paths
}

/// `lumbung store check` asks less than this suite does; a store that passes the one passes the other.
async fn it_passes_the_trials_of_an_operator(store: BlobStore) {
    for trial in store.trials().await {
        assert_eq!(trial.outcome, Outcome::Ok, "{}: {}", trial.what, trial.why);
    }
    let left: Vec<Listed> = store.list(Prefix::All).try_collect().await.expect("lists");
    assert_eq!(left, [], "nothing of the trials stays");
}

#[tokio::test]
async fn a_store_that_fails_is_named_by_the_trials_it_fails() {
    let memory = Memory::default();
    memory.misbehave(Some(Fault::Unavailable));
    let failed = BlobStore::from(memory).trials().await;
    assert!(failed.iter().all(|trial| trial.outcome == Outcome::Failed && !trial.why.is_empty()), "{failed:?}");
}
