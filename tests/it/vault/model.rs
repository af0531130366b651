//! Many uploaders, trashers, restorers, destroyers and sweepers at once, against a model that only knows what was
//! acknowledged: nothing acknowledged is lost, nothing destroyed is readable, nothing is left over.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use lumbung::blob::{BlobStore, ObjectName, Prefix};
use lumbung::error::Result as Outcome;
use lumbung::id::DocumentId;
use lumbung::ingest::Received;
use lumbung::seal::SealedBody;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestError, TestRunner};

use super::rig::Rig;
use crate::store::s3_store;
use crate::support::minio::fresh_bucket;
use crate::support::regency::Stack;

const DAY: Duration = Duration::from_secs(86_400);
const TRASH_DAYS: u32 = 30;

#[derive(Clone, Debug)]
enum Act {
    Upload {
        office: usize,
        content: u8,
    },
    /// The server dies between the store and the database.
    Abandon {
        office: usize,
        content: u8,
    },
    /// The upload takes longer than its lease.
    Dawdle {
        office: usize,
        content: u8,
    },
    Trash(usize),
    Restore(usize),
    Destroy(usize),
    Derive(usize),
    EmptyTrash,
    Sweep,
    /// Somebody else writes into the store.
    Stray(u8),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    Live,
    Trashed { for_days: u32 },
    Destroyed,
}

#[derive(Clone, Debug)]
struct Known {
    id: DocumentId,
    office: usize,
    content: u8,
    stage: Stage,
}

/// What an act says it did.
#[derive(Clone, Debug)]
enum Done {
    Uploaded(Known),
    Destroyed(DocumentId),
    Stray(String),
    Other,
}

fn act() -> impl Strategy<Value = Act> {
    let upload = || (0..2_usize, 0..3_u8);
    prop_oneof![
        4 => upload().prop_map(|(office, content)| Act::Upload { office, content }),
        1 => upload().prop_map(|(office, content)| Act::Abandon { office, content }),
        1 => upload().prop_map(|(office, content)| Act::Dawdle { office, content }),
        3 => (0..6_usize).prop_map(Act::Trash),
        2 => (0..6_usize).prop_map(Act::Restore),
        3 => (0..6_usize).prop_map(Act::Destroy),
        2 => (0..6_usize).prop_map(Act::Derive),
        1 => Just(Act::EmptyTrash),
        2 => Just(Act::Sweep),
        1 => any::<u8>().prop_map(Act::Stray),
    ]
}

/// Rounds of acts that run at once, each followed by some days.
fn story() -> impl Strategy<Value = Vec<(Vec<Act>, u32)>> {
    prop::collection::vec((prop::collection::vec(act(), 2..9), prop_oneof![Just(0), 1..3_u32, Just(31)]), 2..6)
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_destroyed_is_left_on_sqlite_and_memory() {
    play(16, Stack::Embedded);
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_destroyed_is_left_on_postgresql_and_s3() {
    play(4, Stack::Networked);
}

fn play(cases: u32, stack: Stack) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 20, ..Config::default() };
    let outcome = TestRunner::new(config).run(&story(), |rounds| {
        runtime.block_on(async {
            let store = match stack {
                Stack::Embedded => BlobStore::memory(),
                Stack::Networked => s3_store(&fresh_bucket().await).await,
            };
            let rig = Rig::on(stack, store, &[("sweep.stop_count", "10000")]).await;
            let outcome = tell(&rig, rounds).await;
            rig.db.close().await;
            outcome
        })
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(why, story)) => panic!("{why}\n{story:#?}"),
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
}

async fn tell(rig: &Rig, rounds: Vec<(Vec<Act>, u32)>) -> Result<(), TestCaseError> {
    let mut known: Vec<Known> = Vec::new();
    let mut strays = BTreeSet::new();
    for (acts, days) in rounds {
        let done = join_all(acts.iter().map(|act| perform(rig, act, &known))).await;
        let emptied = acts.iter().any(|act| matches!(act, Act::EmptyTrash));
        let mut destroyed = BTreeSet::new();
        for done in done {
            match done {
                Done::Uploaded(new) => known.push(new),
                Done::Destroyed(id) => {
                    destroyed.insert(id);
                }
                Done::Stray(path) => {
                    strays.insert(path);
                }
                Done::Other => {}
            }
        }
        for document in &mut known {
            settle(rig, document, destroyed.contains(&document.id), emptied).await?;
        }
        rig.clock.advance(DAY * days);
        for document in &mut known {
            if let Stage::Trashed { for_days } = &mut document.stage {
                *for_days += days;
            }
        }
    }
    end(rig, &known, &strays).await
}

async fn perform(rig: &Rig, act: &Act, known: &[Known]) -> Done {
    let at = |n: &usize| known.get(*n % known.len().max(1)).map(|document| document.id);
    match act {
        Act::Upload { office, content } => {
            let received = rig.receive(rig.offices[*office], bytes(*content)).await.expect("received");
            recorded(rig, received, *office, *content).await
        }
        Act::Abandon { office, content } => {
            rig.receive(rig.offices[*office], bytes(*content)).await.expect("received");
            Done::Other
        }
        Act::Dawdle { office, content } => {
            let received = rig.receive(rig.offices[*office], bytes(*content)).await.expect("received");
            rig.clock.advance(Duration::from_secs(1800));
            tokio::time::sleep(Duration::from_millis(20)).await;
            recorded(rig, received, *office, *content).await
        }
        Act::Trash(n) => on(at(n), async |id| drop(rig.trash(id).await)).await,
        Act::Restore(n) => on(at(n), async |id| drop(rig.restore(id).await)).await,
        Act::Derive(n) => on(at(n), async |id| drop(rig.derive(id).await)).await,
        Act::Destroy(n) => match at(n) {
            Some(id) if rig.destroy(id).await.is_ok() => Done::Destroyed(id),
            _ => Done::Other,
        },
        Act::EmptyTrash => {
            tolerated(rig.vault.empty_trash().await);
            Done::Other
        }
        Act::Sweep => {
            let swept = tolerated(rig.vault.sweep(false).await).flatten();
            assert!(swept.is_none_or(|swept| swept.stopped.is_none()), "nothing gives cause to stop");
            Done::Other
        }
        Act::Stray(seed) => {
            let body = SealedBody::from_bytes(vec![*seed; 77].into());
            let name = ObjectName::Object(*body.digest());
            rig.store.put(&name, &body).await.expect("put");
            Done::Stray(format!("q/{name}"))
        }
    }
}

/// A lease may end while the clock moves: then the upload is refused, and nothing else.
async fn recorded(rig: &Rig, received: Received, office: usize, content: u8) -> Done {
    match rig.record(received).await {
        Ok(id) => Done::Uploaded(Known { id, office, content, stage: Stage::Live }),
        Err(refused) => {
            assert_eq!(refused.slug(), "upload-too-slow", "{}", refused.chain());
            Done::Other
        }
    }
}

/// So may a turn: another one goes on.
fn tolerated<T>(outcome: Outcome<T>) -> Option<T> {
    outcome.map_err(|cause| assert_eq!(cause.slug(), "turn-lost", "{}", cause.chain())).ok()
}

async fn on(id: Option<DocumentId>, act: impl AsyncFnOnce(DocumentId)) -> Done {
    if let Some(id) = id {
        act(id).await;
    }
    Done::Other
}

/// Acts on one document may have raced; what came out must be what one of their orders gives.
async fn settle(rig: &Rig, document: &mut Known, told: bool, emptied: bool) -> Result<(), TestCaseError> {
    let found = rig.document(document.id).await;
    let was = document.stage;
    document.stage = match (&found, was) {
        (None, _) => Stage::Destroyed,
        (Some(found), _) if found.trashed_at.is_none() => Stage::Live,
        (Some(_), Stage::Trashed { for_days }) => Stage::Trashed { for_days },
        (Some(_), _) => Stage::Trashed { for_days: 0 },
    };
    let expired = emptied && matches!(was, Stage::Trashed { for_days } if for_days >= TRASH_DAYS);
    let is_destroyed = document.stage == Stage::Destroyed;
    prop_assert!(is_destroyed || !told, "a destroyed document came back: {document:?}");
    prop_assert!(is_destroyed || was != Stage::Destroyed, "a destroyed document came back later: {document:?}");
    let by_right = was == Stage::Destroyed || told || expired;
    prop_assert!(!is_destroyed || by_right, "destroyed by nobody: {document:?}, it was {was:?}");
    let Some(found) = found else { return Ok(()) };
    let read = rig.shelf.plaintext(&found.version, found.office).await;
    let plain = match read {
        Ok(plain) => plain.head(100_000).expect("memory"),
        Err(cause) => return Err(TestCaseError::fail(format!("lost: {document:?}: {}", cause.chain()))),
    };
    prop_assert!(plain == bytes(document.content), "other bytes: {document:?}");
    Ok(())
}

/// Some days later, after the last sweeps.
async fn end(rig: &Rig, known: &[Known], strays: &BTreeSet<String>) -> Result<(), TestCaseError> {
    for _ in 0..3 {
        rig.clock.advance(DAY * 3);
        let swept = rig.vault.sweep(false).await.expect("swept").expect("nobody else sweeps");
        prop_assert!(swept.stopped.is_none());
    }
    let stored: BTreeSet<String> = rig.paths(Prefix::Objects).await.into_iter().collect();
    let needed =
        "SELECT b.object FROM blob b WHERE b.state = 'live' AND EXISTS (SELECT 1 FROM version v WHERE v.blob = b.id)
        UNION SELECT object FROM derivation";
    let needed: BTreeSet<String> = rig.texts(needed).await.into_iter().collect();
    prop_assert_eq!(&stored, &needed, "what lies in the store is what is needed");
    let halfway = rig.texts("SELECT state FROM blob WHERE state NOT IN ('live', 'gone')").await;
    prop_assert!(halfway.is_empty(), "halfway: {halfway:?}");
    let keys = "SELECT b.state FROM blob_key k JOIN blob b ON b.id = k.blob WHERE b.state <> 'live'";
    prop_assert!(rig.texts(keys).await.is_empty(), "keys of what is gone");
    let aside: BTreeSet<String> = rig.paths(Prefix::Quarantine).await.into_iter().collect();
    prop_assert!(strays.is_subset(&aside), "what was unknown is set aside and not deleted");
    let contents: BTreeSet<_> = known
        .iter()
        .filter(|known| known.stage != Stage::Destroyed)
        .map(|known| (known.office, known.content))
        .collect();
    let different = "SELECT CAST(COUNT(DISTINCT dedupe) AS TEXT) FROM blob WHERE state = 'live'";
    prop_assert_eq!(rig.texts(different).await, [contents.len().to_string()]);
    let tombstones = rig.texts("SELECT reason FROM tombstone").await.len();
    prop_assert_eq!(known.iter().filter(|known| known.stage == Stage::Destroyed).count(), tombstones);
    Ok(())
}

fn bytes(content: u8) -> Vec<u8> {
    (0..2000_u32).map(|at| (at % 251) as u8 ^ content).collect()
}
