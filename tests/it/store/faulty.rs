//! Every call to an S3 server under every fault: right, or refused in time; never a wrong answer that looks like a right one.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use lumbung::blob::{BlobStore, Listed, ObjectName, Patience, Prefix, Settings};
use lumbung::error::{Error, Kind};

use super::{body, name_of, settings_of};
use crate::support::fault::{Fault, Proxy};
use crate::support::minio::{Bucket, fresh_bucket};

/// Of which one attempt takes a third: longer than a slow answer.
const OPERATION: Duration = Duration::from_secs(6);
/// An operation, some attempts to connect anew, and a machine that is busy.
const LIMIT: Duration = Duration::from_secs(20);
/// So many that their listing is longer than what a broken-off answer still brings.
const OBJECTS: u8 = 40;

const FAULTS: [Fault; 8] = [
    Fault::Refuse,
    Fault::Reset,
    Fault::SlowDown,
    Fault::InternalError,
    Fault::Slow,
    Fault::Hang,
    Fault::Truncate,
    Fault::LoseAnswer,
];

async fn behind(proxy: &Proxy, bucket: &Bucket) -> BlobStore {
    let patience = Patience { connect: Duration::from_secs(1), answer: Duration::from_secs(2), operation: OPERATION };
    let settings = lumbung::blob::S3Settings { endpoint: proxy.endpoint(), patience, ..settings_of(bucket) };
    BlobStore::open(&Settings::s3(settings)).await.expect("opens")
}

async fn names(store: &BlobStore) -> Result<BTreeSet<ObjectName>, Error> {
    let listed: Vec<Listed> = store.list(Prefix::Objects).try_collect().await?;
    Ok(listed.iter().map(|listed| listed.name().expect("one of ours")).collect())
}

/// In time, and either this or that the store is away.
async fn right_or_away<T: PartialEq + std::fmt::Debug>(
    what: String,
    asked: impl Future<Output = Result<T, Error>>,
    right: Vec<T>,
) -> bool {
    let begun = Instant::now();
    let answer = asked.await;
    assert!(begun.elapsed() < LIMIT, "{what}: {:?}", begun.elapsed());
    match answer {
        Ok(told) => assert!(right.contains(&told), "{what}: {told:?}"),
        Err(cause) => {
            assert_eq!(cause.kind(), Kind::Unavailable, "{what}: {}", cause.chain());
            return false;
        }
    }
    true
}

#[tokio::test(flavor = "multi_thread")]
async fn each_call_under_each_fault_is_right_or_refused_in_time() {
    let bucket = fresh_bucket().await;
    let endpoint = bucket.endpoint.trim_start_matches("http://").parse().expect("an address");
    let proxy = Proxy::before(endpoint).await;
    let store = behind(&proxy, &bucket).await;
    let bodies: Vec<_> = (0..OBJECTS).map(|seed| body(5000, seed)).collect();
    for body in &bodies {
        store.put(&name_of(body), body).await.expect("put");
    }
    let mut all = names(&store).await.expect("lists");
    let absent = name_of(&body(10, 251));
    for (n, fault) in FAULTS.into_iter().enumerate() {
        let kept = &bodies[n];
        let (gone, aside, fresh) = (&bodies[10 + n], &bodies[20 + n], body(6000, 100 + n as u8));
        let [kept_name, gone, aside, fresh_name] = [kept, gone, aside, &fresh].map(name_of);
        proxy.now(fault).await;
        let says = |call: &str| format!("{call} under {fault:?}");
        let get = async { store.get(&kept_name, None).await?.collect().await };
        let range = async { store.get(&kept_name, Some(100..200)).await?.collect().await };
        let whole = super::bytes(5000, n as u8);
        // What is put and taken away at the same time may be listed or not.
        let changing = [gone.clone(), aside.clone(), fresh_name.clone()];
        let steady = |mut told: BTreeSet<ObjectName>| {
            told.retain(|name| !changing.contains(name));
            told
        };
        let list = async { names(&store).await.map(steady) };
        let results = tokio::join!(
            right_or_away(says("list"), list, vec![steady(all.clone())]),
            right_or_away(says("head"), store.head(&kept_name), vec![Some(5000)]),
            right_or_away(says("head of nothing"), store.head(&absent), vec![None]),
            right_or_away(says("get"), get, vec![whole.clone()]),
            right_or_away(says("range"), range, vec![whole.slice(100..200)]),
            right_or_away(says("put"), store.put(&fresh_name, &fresh), vec![()]),
            right_or_away(says("quarantine"), store.quarantine(&aside), vec![true, false]),
            right_or_away(says("delete"), store.delete(&gone), vec![()]),
        );
        let (list, head, nothing, get, range, put, quarantine, delete) = results;
        let worked =
            [list, head, nothing, get, range, put, quarantine, delete].into_iter().filter(|done| *done).count();
        match fault {
            Fault::Slow => assert_eq!(worked, 8, "a second is not too long"),
            Fault::Truncate => {}
            _ => assert_eq!(worked, 0, "{fault:?} struck everything"),
        }
        proxy.now(Fault::None).await;
        // Whatever was done of it, doing it again ends where it should.
        store.put(&fresh_name, &fresh).await.expect("put again");
        store.quarantine(&aside).await.expect("set aside again");
        store.delete(&gone).await.expect("deleted again");
        let quarantined = ObjectName::Quarantined(Box::new(aside.clone()));
        assert_eq!(store.head(&quarantined).await.expect("asked"), Some(5000), "{fault:?}: set aside once, whole");
        all.insert(fresh_name);
        all.remove(&gone);
        all.remove(&aside);
        assert_eq!(names(&store).await.expect("lists"), all, "{fault:?}");
    }
    for body in bodies.iter().filter(|body| all.contains(&name_of(body))) {
        let whole = store.get(&name_of(body), None).await.expect("there").collect().await.expect("whole");
        assert_eq!(whole.len() as u64, body.size());
    }
}

/// A connection that broke is taken for the outage itself by whoever asks next, unless it is asked again.
async fn broken_once_is_asked_again(proxy: &Proxy, store: &BlobStore, what: &str) {
    let before = proxy.struck();
    proxy.now(Fault::Reset).await;
    let absent = name_of(&body(10, 250));
    let asked = store.clone();
    let asking = tokio::spawn(async move { asked.head(&absent).await });
    while proxy.struck() == before {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    proxy.now(Fault::None).await;
    let answer = asking.await.expect("runs");
    assert_eq!(answer.unwrap_or_else(|cause| panic!("{what}: {}", cause.chain())), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_leaves_the_retries_of_what_follows_and_of_other_buckets() {
    let (bucket, other) = (fresh_bucket().await, fresh_bucket().await);
    let endpoint = bucket.endpoint.trim_start_matches("http://").parse().expect("an address");
    let (proxy, beside) = (Proxy::before(endpoint).await, Proxy::before(endpoint).await);
    let (store, mirror) = (behind(&proxy, &bucket).await, behind(&beside, &other).await);
    let absent = name_of(&body(10, 251));
    proxy.now(Fault::InternalError).await;
    let asked = futures_util::future::join_all((0..200).map(|_| store.head(&absent))).await;
    assert!(asked.iter().all(Result::is_err), "struck everything");
    broken_once_is_asked_again(&beside, &mirror, "another bucket").await;
    proxy.now(Fault::None).await;
    // The purse fills again by the second.
    tokio::time::sleep(Duration::from_secs(1)).await;
    broken_once_is_asked_again(&proxy, &store, "the same bucket, afterwards").await;
}
