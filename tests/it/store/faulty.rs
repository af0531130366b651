//! Every call to an S3 server under every fault: right, or refused in time; never a wrong answer that looks like a right one.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::ops::Range;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use futures_util::{FutureExt, TryStreamExt};
use lumbung::blob::{BlobStore, Listed, ObjectName, Patience, Prefix, Settings, is_missing};
use lumbung::error::{Error, Kind};
use lumbung::seal::{Opener, Sealed, SealedBody, seal_bytes};

use super::{body, bytes, name_of, settings_of};
use crate::support::fault::{Fault, Proxy};
use crate::support::minio::{Bucket, fresh_bucket};

/// Of which one attempt takes a third: longer than a slow answer.
const OPERATION: Duration = Duration::from_secs(6);
/// An operation, some attempts to connect anew, and a machine that is busy.
const LIMIT: Duration = Duration::from_secs(20);
/// So many that their listing is longer than what a broken-off answer still brings.
const OBJECTS: u8 = 40;

const FAULTS: [Fault; 10] = [
    Fault::Refuse,
    Fault::Reset,
    Fault::SlowDown,
    Fault::InternalError,
    Fault::Slow,
    Fault::Hang,
    Fault::Truncate,
    Fault::LoseAnswer,
    Fault::WrongBytes,
    Fault::StaleListing,
];

/// What is asked: the call whose answer nobody can authenticate, those that bring sealed bytes, and those whose answers are too
/// short to be wrong.
const LIST: &str = "list";
const BYTES: [&str; 2] = ["get", "range"];
const SHORT: [&str; 5] = ["head", "head of nothing", "put", "quarantine", "delete"];

async fn in_front_of(bucket: &Bucket) -> Proxy {
    let endpoint = bucket.endpoint.trim_start_matches("http://").parse().expect("an address");
    Proxy::before(endpoint).await
}

async fn behind(proxy: &Proxy, bucket: &Bucket) -> BlobStore {
    let patience = Patience { connect: Duration::from_secs(1), answer: Duration::from_secs(2), operation: OPERATION };
    let settings = lumbung::blob::S3Settings { endpoint: proxy.endpoint(), patience, ..settings_of(bucket) };
    BlobStore::open(&Settings::s3(settings)).await.expect("opens")
}

async fn names(store: &BlobStore) -> Result<BTreeSet<ObjectName>, Error> {
    let listed: Vec<Listed> = store.list(Prefix::Objects).try_collect().await?;
    Ok(listed.iter().filter_map(Listed::name).collect())
}

fn names_of(objects: &[Kept]) -> BTreeSet<ObjectName> {
    objects.iter().map(|object| object.name().clone()).collect()
}

/// A sealed object, and what opens it.
struct Kept {
    plain: Bytes,
    sealed: Sealed,
    body: SealedBody,
}

impl Kept {
    fn of(size: usize, seed: u8) -> Kept {
        let plain = bytes(size, seed);
        let (sealed, body) = seal_bytes(&plain, None).expect("seals");
        Kept { plain, sealed, body }
    }

    async fn several(store: &BlobStore, count: u8) -> Vec<Kept> {
        let objects: Vec<Kept> = (0..count).map(|seed| Kept::of(5000, seed)).collect();
        for object in &objects {
            object.put(store).await.expect("put");
        }
        objects
    }

    fn name(&self) -> &ObjectName {
        &self.sealed.name
    }

    fn quarantined(&self) -> ObjectName {
        ObjectName::Quarantined(Box::new(self.name().clone()))
    }

    async fn put(&self, store: &BlobStore) -> Result<(), Error> {
        store.put(self.name(), &self.body).await
    }

    /// As its readers do: what does not authenticate is an error.
    async fn open(&self, store: &BlobStore) -> Result<Bytes, Error> {
        self.open_from(store, self.name()).await
    }

    async fn open_from(&self, store: &BlobStore, place: &ObjectName) -> Result<Bytes, Error> {
        let opener = Opener::new(&self.sealed.key);
        let plan = opener.plan_whole();
        let object = store.get(place, None).await?.collect().await?;
        opener.open_range(&plan, &object[plan.sealed().start as usize..])
    }

    async fn open_part(&self, store: &BlobStore, part: Range<u64>) -> Result<Bytes, Error> {
        let opener = Opener::new(&self.sealed.key);
        let plan = opener.plan(part)?;
        let chunks = store.get(self.name(), Some(plan.sealed())).await?.collect().await?;
        opener.open_range(&plan, &chunks)
    }
}

/// The objects that the calls under one fault are about.
struct Round<'a> {
    kept: &'a Kept,
    gone: &'a Kept,
    aside: &'a Kept,
    fresh: Kept,
}

impl Round<'_> {
    /// How many names are told too many or too few. What is put and taken away at the same time may be listed or not.
    fn amiss(&self, told: &BTreeSet<ObjectName>, all: &BTreeSet<ObjectName>) -> usize {
        let changing = [self.gone, self.aside, &self.fresh].map(Kept::name);
        told.symmetric_difference(all).filter(|name| !changing.contains(name)).count()
    }

    /// Every call at once; those that were answered.
    async fn ask(&self, store: &BlobStore, fault: Fault, all: &BTreeSet<ObjectName>) -> BTreeSet<&'static str> {
        let (kept, absent) = (self.kept, name_of(&body(10, 251)));
        let list = async { names(store).await.map(|told| self.amiss(&told, all)) };
        // Nobody believes a listing alone: each name is asked for by itself before anything is said or done about it. One wrong
        // letter may hide many of them.
        let amiss = if fault == Fault::WrongBytes { (0..=all.len() + 1).collect() } else { vec![0] };
        let answered = tokio::join!(
            right_or_refused(fault, LIST, list, amiss),
            right_or_refused(fault, "head", store.head(kept.name()), vec![Some(kept.sealed.sealed_size)]),
            right_or_refused(fault, "head of nothing", store.head(&absent), vec![None]),
            right_or_refused(fault, "get", kept.open(store), vec![kept.plain.clone()]),
            right_or_refused(fault, "range", kept.open_part(store, 100..200), vec![kept.plain.slice(100..200)]),
            right_or_refused(fault, "put", self.fresh.put(store), vec![()]),
            right_or_refused(fault, "quarantine", store.quarantine(self.aside.name()), vec![true, false]),
            right_or_refused(fault, "delete", store.delete(self.gone.name()), vec![()]),
        );
        <[Option<&'static str>; 8]>::from(answered).into_iter().flatten().collect()
    }

    /// Whatever was done of it, doing it again ends where it should.
    async fn ask_again(&self, store: &BlobStore, fault: Fault) {
        self.fresh.put(store).await.expect("put again");
        store.quarantine(self.aside.name()).await.expect("set aside again");
        store.delete(self.gone.name()).await.expect("deleted again");
        let aside = self.aside.open_from(store, &self.aside.quarantined()).await.expect("set aside once");
        assert_eq!(aside, self.aside.plain, "{fault:?}: set aside whole");
    }
}

/// In time, and either one of these or that the store is away; bytes that do not authenticate are another fault. Gives the call
/// where it was answered.
fn right_or_refused<'a, T: PartialEq + Debug + 'a>(
    fault: Fault,
    call: &'static str,
    asked: impl Future<Output = Result<T, Error>> + 'a,
    right: Vec<T>,
) -> LocalBoxFuture<'a, Option<&'static str>> {
    // In a box each: eight calls of the client beside each other are too much for a thread's stack.
    let (begun, asked) = (Instant::now(), asked.boxed_local());
    async move { judged(fault, call, asked.await, begun, right) }.boxed_local()
}

fn judged<T: PartialEq + Debug>(
    fault: Fault,
    call: &'static str,
    answer: Result<T, Error>,
    begun: Instant,
    right: Vec<T>,
) -> Option<&'static str> {
    assert!(begun.elapsed() < LIMIT, "{call} under {fault:?}: {:?}", begun.elapsed());
    match answer {
        Ok(told) => assert!(right.contains(&told), "{call} under {fault:?}: {told:?}"),
        Err(cause) => {
            let is_altered = fault == Fault::WrongBytes && BYTES.contains(&call) && cause.kind() == Kind::Internal;
            let is_fit = is_altered || cause.kind() == Kind::Unavailable;
            assert!(is_fit, "{call} under {fault:?}: {}", cause.chain());
            return None;
        }
    }
    Some(call)
}

/// Nothing is refused that the fault does not strike, and nothing answered that it does.
fn fits(fault: Fault, answered: &BTreeSet<&'static str>) {
    let but_list: Vec<_> = answered.iter().copied().filter(|call| *call != LIST).collect();
    let mut all: Vec<_> = SHORT.into_iter().chain(BYTES).collect();
    let mut short = SHORT;
    all.sort_unstable();
    short.sort_unstable();
    match fault {
        Fault::Slow => assert_eq!(answered.len(), all.len() + 1, "a second is not too long: {answered:?}"),
        Fault::WrongBytes => assert_eq!(but_list, short, "{fault:?}"),
        // A listing on a connection that was used before is refused by the proxy, perhaps with all its attempts.
        Fault::StaleListing => assert_eq!(but_list, all, "{fault:?}"),
        Fault::Truncate => {}
        _ => assert!(answered.is_empty(), "{fault:?} struck everything but {answered:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_call_under_each_fault_is_right_or_refused_in_time() {
    let bucket = fresh_bucket().await;
    let proxy = in_front_of(&bucket).await;
    let store = behind(&proxy, &bucket).await;
    let objects = Kept::several(&store, OBJECTS).await;
    let mut all = names(&store).await.expect("lists");
    for (n, fault) in FAULTS.into_iter().enumerate() {
        let fresh = Kept::of(6000, 100 + n as u8);
        let round = Round { kept: &objects[n], gone: &objects[10 + n], aside: &objects[20 + n], fresh };
        proxy.now(fault).await;
        fits(fault, &round.ask(&store, fault, &all).await);
        proxy.now(Fault::None).await;
        round.ask_again(&store, fault).await;
        all.insert(round.fresh.name().clone());
        all.remove(round.gone.name());
        all.remove(round.aside.name());
        assert_eq!(names(&store).await.expect("lists"), all, "{fault:?}");
    }
    for object in objects.iter().filter(|object| all.contains(object.name())) {
        assert_eq!(object.open(&store).await.expect("there"), object.plain);
    }
}

/// Whoever acts on such a listing meets objects that are gone and does not meet those that came.
#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_lags_behind_loses_nothing_and_brings_nothing_back() {
    let bucket = fresh_bucket().await;
    let proxy = in_front_of(&bucket).await;
    // Who lists has connections of its own: those on which something else was asked are refused a listing by the proxy.
    let (store, lister) = (behind(&proxy, &bucket).await, behind(&proxy, &bucket).await);
    let objects = Kept::several(&store, 6).await;
    let (gone, aside, fresh) = (&objects[0], &objects[1], Kept::of(6000, 100));
    proxy.now(Fault::StaleListing).await;
    let before = names(&lister).await.expect("lists");
    assert_eq!(before, names_of(&objects), "the first one is true");

    fresh.put(&store).await.expect("put");
    store.delete(gone.name()).await.expect("deleted");
    assert!(store.quarantine(aside.name()).await.expect("set aside"));
    assert_eq!(names(&lister).await.expect("lists"), before, "the later ones lag behind");
    for object in [gone, aside] {
        assert_eq!(store.head(object.name()).await.expect("answers"), None);
        assert!(is_missing(&object.open(&store).await.expect_err("it is not there")));
        assert!(!store.quarantine(object.name()).await.expect("there is nothing to set aside"));
        store.delete(object.name()).await.expect("there is nothing to delete");
    }
    fresh.put(&store).await.expect("put again");
    assert_eq!(fresh.open(&store).await.expect("there, though it is not listed"), fresh.plain);

    proxy.now(Fault::None).await;
    let mut all = names_of(&objects[2..]);
    all.insert(fresh.name().clone());
    assert_eq!(names(&lister).await.expect("lists"), all);
    let quarantined: Vec<Listed> = lister.list(Prefix::Quarantine).try_collect().await.expect("lists");
    assert_eq!(quarantined.iter().map(Listed::name).collect::<Vec<_>>(), [Some(aside.quarantined())]);
    assert_eq!(aside.open_from(&store, &aside.quarantined()).await.expect("kept"), aside.plain);
    for object in objects[2..].iter().chain([&fresh]) {
        assert_eq!(object.open(&store).await.expect("there"), object.plain);
    }
}

/// The settings say how long a server is waited for, also when it has begun to answer.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_stalls_in_its_midst_is_given_up_in_the_time_of_the_settings() {
    let bucket = fresh_bucket().await;
    let proxy = in_front_of(&bucket).await;
    let store = behind(&proxy, &bucket).await;
    let objects = Kept::several(&store, 20).await;
    let kept = &objects[0];
    proxy.now(Fault::Stall).await;
    let begun = Instant::now();
    let answered = tokio::join!(
        right_or_refused(Fault::Stall, LIST, names(&store), vec![]),
        right_or_refused(Fault::Stall, "get", kept.open(&store), vec![]),
        right_or_refused(Fault::Stall, "range", kept.open_part(&store, 100..200), vec![]),
    );
    assert_eq!(answered, (None, None, None), "each of them is longer than what comes of it");
    assert!(begun.elapsed() < 2 * OPERATION, "{:?}", begun.elapsed());
    assert_eq!(store.head(kept.name()).await.expect("a short answer comes whole"), Some(kept.sealed.sealed_size));
    proxy.now(Fault::None).await;
    assert_eq!(kept.open(&store).await.expect("there"), kept.plain);
    assert_eq!(names(&store).await.expect("lists").len(), objects.len());
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
    // Both are buckets of one server.
    let (proxy, beside) = (in_front_of(&bucket).await, in_front_of(&other).await);
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
