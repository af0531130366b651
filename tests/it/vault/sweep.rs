//! The sweep takes what a crash left, sets aside what it does not know, and stops where that is too much.

use std::time::Duration;

use lumbung::blob::{BlobStore, Fault, Memory, ObjectName, Prefix};
use lumbung::clock::Clock;
use lumbung::id::UploadId;
use lumbung::seal::SealedBody;
use serde_json::{Value, json};

use super::rig::Rig;
use crate::support::app::both_stacks;
use crate::support::program::Program;
use crate::support::regency::{Actor, Stack};

const HOUR: Duration = Duration::from_secs(3600);

async fn rig(settings: &[(&str, &str)]) -> (Rig, Memory) {
    let memory = Memory::default();
    (Rig::on(Stack::Embedded, BlobStore::from(memory.clone()), settings).await, memory)
}

async fn stray(store: &BlobStore, seed: u8) -> ObjectName {
    let body = SealedBody::from_bytes(vec![seed; 100].into());
    let name = ObjectName::Object(*body.digest());
    store.put(&name, &body).await.expect("put");
    name
}

both_stacks!(duplicates_and_uploads_that_were_never_recorded_leave_the_store, async |app| {
    let clerk = app.actor(Actor::Clerk);
    for _ in 0..3 {
        clerk.upload("a.bin", vec![7; 5000], json!({})).await;
    }
    let pending = "SELECT CAST(COUNT(*) AS BIGINT) FROM blob WHERE state <> 'live'";
    let count = async || app.app.db.one::<(i64,)>(pending, vec![]).await.expect("asked").map(|(count,)| count);
    assert_eq!(count().await, Some(2), "two duplicates wait for the sweep");
    let swept = app.app.vault.sweep(false).await.expect("swept").expect("nobody else sweeps");
    assert_eq!((swept.deleted, swept.orphans), (0, 0), "their lease has not ended");
    app.clock.advance(HOUR);
    let swept = app.app.vault.sweep(false).await.expect("swept").expect("nobody else sweeps");
    assert_eq!((swept.deleted, swept.quarantined), (2, 0));
    let gone = "SELECT CAST(COUNT(*) AS BIGINT) FROM blob WHERE state = 'gone'";
    let gone: Option<(i64,)> = app.app.db.one(gone, vec![]).await.expect("asked");
    assert_eq!(gone, Some((2,)));
    app.clock.advance(HOUR * 24 * 31);
    app.app.vault.sweep(false).await.expect("swept").expect("nobody else sweeps");
    assert_eq!(count().await, Some(0), "after a month nobody needs to know the names");
});

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_nothing_names_is_set_aside_after_its_grace_and_never_deleted() {
    let (rig, _) = rig(&[]).await;
    rig.upload(rig.offices[0], vec![1; 900]).await.expect("uploaded");
    let unknown = stray(&rig.store, 1).await;
    let part = ObjectName::part(UploadId::fresh(&Clock::default()), 3);
    rig.store.put(&part, &SealedBody::from_bytes(vec![2; 10].into())).await.expect("put");
    for _ in 0..2 {
        let swept = rig.vault.sweep(false).await.expect("swept").expect("a turn");
        assert_eq!((swept.orphans, swept.quarantined), (2, 0), "it is only noted");
    }
    rig.clock.advance(HOUR * 25);
    let swept = rig.vault.sweep(false).await.expect("swept").expect("a turn");
    assert_eq!((swept.objects, swept.quarantined, swept.deleted), (3, 2, 0));
    assert_eq!(rig.paths(Prefix::Quarantine).await, [format!("q/{unknown}"), format!("q/{part}")]);
    assert_eq!(rig.paths(Prefix::Objects).await.len(), 1);
    let swept = rig.vault.sweep(false).await.expect("swept").expect("a turn");
    assert_eq!((swept.objects, swept.orphans), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_whose_row_comes_in_time_is_left_alone() {
    let (rig, _) = rig(&[]).await;
    let id = rig.upload(rig.offices[0], vec![1; 900]).await.expect("uploaded");
    let unknown = stray(&rig.store, 1).await;
    rig.vault.sweep(false).await.expect("swept").expect("a turn");
    rig.store.delete(&unknown).await.expect("deleted");
    rig.clock.advance(HOUR * 25);
    rig.vault.sweep(false).await.expect("swept").expect("a turn");
    // It comes back: it was not seen without a break, so its grace begins anew.
    stray(&rig.store, 1).await;
    let swept = rig.vault.sweep(false).await.expect("swept").expect("a turn");
    assert_eq!((swept.orphans, swept.quarantined), (1, 0));
    assert!(rig.document(id).await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sweep_stops_when_too_much_looks_orphaned_until_an_operator_confirms() {
    let (rig, _) = rig(&[("sweep.stop_count", "3")]).await;
    rig.receive(rig.offices[0], vec![1; 900]).await.expect("received, never recorded");
    for seed in 0..4 {
        stray(&rig.store, seed).await;
    }
    rig.clock.advance(HOUR);
    let before = rig.paths(Prefix::All).await;
    let swept = rig.vault.sweep(false).await.expect("swept").expect("a turn");
    let stopped = swept.stopped.expect("stopped");
    assert_eq!((stopped.orphans, stopped.objects, swept.deleted), (4, 5, 0));
    assert!(rig.vault.status().await.expect("asked").sweep.stopped);
    rig.clock.advance(HOUR * 48);
    rig.vault.sweep_if_due().await.expect("swept").expect("due");
    assert_eq!(rig.paths(Prefix::All).await, before, "nothing left the store, not even what is known to be needless");

    let swept = rig.vault.sweep(true).await.expect("swept").expect("a turn");
    assert_eq!((swept.stopped.is_some(), swept.quarantined, swept.deleted), (false, 0, 1), "grace begins now");
    rig.clock.advance(HOUR * 25);
    // One more than was confirmed is another question.
    stray(&rig.store, 9).await;
    assert!(rig.vault.sweep(false).await.expect("swept").expect("a turn").stopped.is_some());
    let swept = rig.vault.sweep(true).await.expect("swept").expect("a turn");
    assert_eq!((swept.quarantined, swept.stopped.is_some()), (4, false));
    assert!(!rig.vault.status().await.expect("asked").sweep.stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_deleted_when_the_store_does_not_list() {
    let (rig, memory) = rig(&[]).await;
    rig.receive(rig.offices[0], vec![1; 900]).await.expect("received, never recorded");
    rig.clock.advance(HOUR);
    memory.misbehave(Some(Fault::Unavailable));
    let refused = rig.vault.sweep(false).await.expect_err("no listing, no sweep");
    assert_eq!(refused.slug(), "store-unavailable");
    memory.misbehave(None);
    let status = rig.vault.status().await.expect("asked").sweep;
    assert!(status.failing_since.is_some() && status.swept_at.is_none());
    let pending = rig.texts("SELECT state FROM blob").await;
    assert_eq!(pending, ["pending"]);
    rig.clock.advance(HOUR);
    assert_eq!(rig.vault.sweep_if_due().await.expect("swept").expect("tried again soon").deleted, 1);
    assert!(rig.vault.status().await.expect("asked").sweep.failing_since.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_that_comes_after_its_upload_was_swept_is_deleted_again() {
    let (rig, _) = rig(&[]).await;
    rig.receive(rig.offices[0], vec![1; 900]).await.expect("received, never recorded");
    let paths = rig.paths(Prefix::Objects).await;
    let [path] = &paths[..] else { panic!("one object") };
    let name: ObjectName = path.parse().expect("a name");
    let body = rig.store.get(&name, None).await.expect("there").collect().await.expect("whole");
    rig.clock.advance(HOUR);
    assert_eq!(rig.vault.sweep(false).await.expect("swept").expect("a turn").deleted, 1);
    rig.store.put(&name, &SealedBody::from_bytes(body)).await.expect("a slow server finishes the put");
    let swept = rig.vault.sweep(false).await.expect("swept").expect("a turn");
    assert_eq!((swept.deleted, swept.orphans), (1, 0));
    assert!(rig.paths(Prefix::All).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_node_sweeps_at_a_time() {
    let (rig, memory) = rig(&[]).await;
    memory.misbehave(Some(Fault::Hangs));
    let vault = rig.vault.clone();
    let first = tokio::spawn(async move { vault.sweep(false).await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(rig.vault.sweep(false).await.expect("asked").is_none(), "the other one has the turn");
    first.abort();
    memory.misbehave(None);
    assert!(rig.vault.sweep(false).await.expect("asked").is_none(), "it may still be at it");
    rig.clock.advance(HOUR);
    assert!(rig.vault.sweep(false).await.expect("swept").is_some(), "its lease has ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_sweeps_beside_the_server_and_says_what_to_do_when_it_stops() {
    let program = Program::start(Stack::Embedded, &[("sweep.stop_count", "1")]).await;
    program.actor(Actor::Clerk).upload("a.bin", vec![7; 5000], json!({})).await;
    let done = program.command(&["sweep", "--json"]);
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    let told: Value = serde_json::from_slice(&done.stdout).expect("JSON");
    assert_eq!((&told["objects"], &told["orphans"]), (&json!(1), &json!(0)));
    for name in ["ab", "cd"] {
        let folder = program.home.dir.join("store/o").join(name);
        std::fs::create_dir_all(&folder).expect("made");
        std::fs::write(folder.join(name.repeat(32)), b"nobody's").expect("written");
    }
    let done = program.command(&["sweep"]);
    assert_eq!(done.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&done.stderr).contains("lumbung sweep --confirm"));
    let status = program.actor(Actor::Clerk).get("/api/v1/status").await.is(200).json();
    assert_eq!(status["vault"]["sweep"]["stopped"], true, "{status}");
    assert_eq!(program.command(&["sweep", "--confirm"]).status.code(), Some(0));
    let status = program.actor(Actor::Clerk).get("/api/v1/status").await.is(200).json();
    assert_eq!(status["vault"]["sweep"]["stopped"], false, "{status}");
}
