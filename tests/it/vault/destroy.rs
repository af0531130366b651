//! What was in the trash for long enough is destroyed with its keys, objects and index pages; a tombstone stays.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::TryStreamExt;
use lumbung::audit::{Origin, Who};
use lumbung::blob::Prefix;
use lumbung::id::DocumentId;
use lumbung::vault::Order;
use serde_json::{Value, json};

use crate::finding::until;
use crate::flow::{holds, id};
use crate::support::app::{TestApp, both_stacks};
use crate::support::program::Program;
use crate::support::regency::{Actor, Stack};

const DAY: Duration = Duration::from_secs(86_400);

async fn texts(app: &TestApp, sql: &'static str) -> Vec<String> {
    let rows: Vec<(String,)> = app.app.db.all(sql, vec![]).await.expect("the database answers");
    rows.into_iter().map(|(text,)| text).collect()
}

async fn objects(app: &TestApp) -> usize {
    app.app.store.list(Prefix::Objects).try_collect::<Vec<_>>().await.expect("listed").len()
}

pub(super) async fn destroy(app: &TestApp, document: &str) -> lumbung::error::Result<lumbung::vault::Destroyed> {
    let origin = Origin::machine();
    let document: DocumentId = document.parse().expect("an id");
    app.app.vault.destroy(Order { document, who: Who::Machine, reason: "salah unggah", origin: &origin }).await
}

both_stacks!(after_its_days_in_the_trash_a_document_is_destroyed_and_leaves_a_tombstone, async |app| {
    let clerk = app.actor(Actor::Clerk);
    let letter = b"Perihal: kerusakan pintu air Cikarang\n".to_vec();
    let document = clerk.upload_and_read("surat.txt", letter, json!({ "title": "Pintu air" })).await;
    let path = format!("/api/v1/documents/{}", id(&document));
    let terms = json!({ "audience": { "kind": "anyone" }, "rights": "download", "expires_at": soon(app) });
    clerk.post(&format!("{path}/links"), terms).await.is(201);
    assert!(objects(app).await >= 2, "the original and its text");
    clerk.delete(&path).await.is(204);
    app.settled().await;
    app.clock.advance(DAY * 29);
    assert_eq!(app.app.vault.empty_trash().await.expect("emptied"), 0, "its days are not over");
    app.clock.advance(DAY + Duration::from_secs(60));
    assert_eq!(app.app.vault.empty_trash().await.expect("emptied"), 1);

    clerk.post(&format!("{path}/restore"), json!({})).await.refusal(404, "not-found");
    clerk.get(&path).await.refusal(404, "not-found");
    assert_eq!(objects(app).await, 0, "every object is gone");
    assert!(texts(app, "SELECT state FROM blob WHERE state <> 'gone'").await.is_empty());
    assert!(texts(app, "SELECT CAST(version AS TEXT) FROM blob_key").await.is_empty(), "no key is left");
    assert!(texts(app, "SELECT file_name FROM version").await.is_empty());
    assert_eq!(texts(app, "SELECT ended_reason FROM link").await, ["destroyed"]);
    assert!(texts(app, "SELECT title FROM document WHERE title IS NOT NULL").await.is_empty());
    assert_eq!(texts(app, "SELECT reason FROM tombstone").await, ["trash.days"]);
    let versions: Value = serde_json::from_str(&texts(app, "SELECT versions FROM tombstone").await[0]).expect("JSON");
    assert_eq!(versions["versions"][0]["fingerprint"], document["fingerprint"]);
    assert_eq!(texts(app, "SELECT who FROM audit WHERE action = 'document.destroy'").await, ["machine"]);
    let hash: Option<(Vec<u8>,)> = app.app.db.one("SELECT title_hash FROM tombstone", vec![]).await.expect("asked");
    let office = clerk.office().parse().expect("an id");
    let title = app.app.vault.title_hash(office, "Pintu air").await.expect("hashed");
    assert_eq!(hash.map(|(hash,)| hash), Some(title.to_vec()), "the office can prove which title it was");
});

fn soon(app: &TestApp) -> String {
    app.clock.now().plus(DAY * 6).rfc3339()
}

/// The chain of records in the bucket, by name.
async fn records(app: &TestApp) -> BTreeSet<String> {
    let listed: Vec<_> = app.app.store.list(Prefix::Records).try_collect().await.expect("listed");
    listed.into_iter().map(|listed| listed.path).collect()
}

// Each former record could give back its title and its keys to whoever holds the recovery identity.
both_stacks!(records_forget_within_their_hours_what_was_destroyed, async |app| {
    let clerk = app.actor(Actor::Clerk);
    let document = id(&clerk.upload("a.bin", vec![5; 70_000], json!({ "title": "Pintu air" })).await);
    app.settled().await;
    until(Duration::from_secs(60), "it is recorded", async || app.app.records.lag().await.expect("asked").waiting == 0)
        .await;
    let naming = records(app).await;
    clerk.delete(&format!("/api/v1/documents/{document}")).await.is(204);
    let destroyed = destroy(app, &document).await.expect("destroyed");
    let forgotten_at = destroyed.records_until.expect("records are written");
    until(Duration::from_secs(60), "that is recorded", async || {
        app.app.records.lag().await.expect("asked").waiting == 0
    })
    .await;
    assert!(records(app).await.is_superset(&naming), "a full record for each one would cost too much");
    app.clock.advance(DAY);
    assert!(forgotten_at <= app.clock.now());
    until(Duration::from_secs(60), "the former records go", async || {
        app.app.records.flush().await.expect("the store answers");
        app.app.vault.clear().await.expect("the store answers");
        records(app).await.is_disjoint(&naming)
    })
    .await;
    let (destroyed, forgotten): (i64, i64) =
        app.app.db.one("SELECT destroyed, forgotten FROM record_head", vec![]).await.expect("asked").expect("a row");
    assert_eq!((destroyed, forgotten), (1, 1));
});

both_stacks!(bytes_that_another_document_of_the_office_has_stay, async |app| {
    let clerk = app.actor(Actor::Clerk);
    let first = id(&clerk.upload("a.bin", vec![5; 70_000], json!({})).await);
    let second = id(&clerk.upload("b.bin", vec![5; 70_000], json!({})).await);
    clerk.delete(&format!("/api/v1/documents/{first}")).await.is(204);
    let destroyed = destroy(app, &first).await.expect("destroyed");
    assert_eq!((destroyed.versions, destroyed.shared, destroyed.remains.len()), (1, 1, 0));
    let content = clerk.get(&format!("/api/v1/documents/{second}/content")).await.is(200);
    assert!(content.body == vec![5; 70_000]);
    clerk.delete(&format!("/api/v1/documents/{second}")).await.is(204);
    assert_eq!(destroy(app, &second).await.expect("destroyed").shared, 0);
    app.clock.advance(Duration::from_secs(3600));
    app.app.vault.sweep(false).await.expect("swept").expect("a turn");
    assert_eq!(objects(app).await, 0);
    // The same bytes again are a new document with a new object.
    let third = id(&clerk.upload("a.bin", vec![5; 70_000], json!({})).await);
    clerk.get(&format!("/api/v1/documents/{third}/content")).await.is(200);
});

both_stacks!(only_what_lies_in_the_trash_can_be_destroyed, async |app| {
    let clerk = app.actor(Actor::Clerk);
    let document = id(&clerk.upload("a.bin", vec![5; 100], json!({})).await);
    assert_eq!(destroy(app, &document).await.expect_err("it is not trashed").slug(), "not-destroyable");
    clerk.get(&format!("/api/v1/documents/{document}/content")).await.is(200);
    clerk.delete(&format!("/api/v1/documents/{document}")).await.is(204);
    destroy(app, &document).await.expect("destroyed");
    assert_eq!(destroy(app, &document).await.expect_err("once only").slug(), "not-found");
});

both_stacks!(a_document_lives_while_an_opened_letter_refers_to_it, async |app| {
    let clerk = app.actor(Actor::Clerk);
    let document = id(&clerk.upload("a.bin", vec![5; 100], json!({})).await);
    let grant = "INSERT INTO document_grant (id, document, office, source, rights, created_at)
        SELECT d.id, d.id, d.office, 'letter', 'download', 0 FROM document d";
    app.app.db.execute(grant, vec![]).await.expect("granted");
    clerk.delete(&format!("/api/v1/documents/{document}")).await.is(204);
    app.clock.advance(DAY * 31);
    assert_eq!(app.app.vault.empty_trash().await.expect("emptied"), 0);
    assert_eq!(destroy(app, &document).await.expect_err("a letter holds it").slug(), "not-destroyable");
    app.app.db.execute("DELETE FROM document_grant", vec![]).await.expect("ended");
    app.clock.advance(DAY);
    assert_eq!(app.app.vault.empty_trash().await.expect("emptied"), 1);
});

both_stacks!(the_text_of_a_destroyed_document_leaves_the_index_on_disk, async |app| {
    let clerk = app.actor(Actor::Clerk);
    let kept = clerk.upload_and_read("b.txt", b"Perihal: bendungan Walahar\n".to_vec(), json!({})).await;
    let letter = b"Perihal: jembatan gantung Citarum\n".to_vec();
    let document = id(&clerk.upload_and_read("surat.txt", letter, json!({})).await);
    assert_eq!(clerk.finds("citarum").await, std::slice::from_ref(&document));
    clerk.delete(&format!("/api/v1/documents/{document}")).await.is(204);
    destroy(app, &document).await.expect("destroyed");
    app.settled().await;
    assert!(clerk.finds("citarum").await.is_empty());
    assert_eq!(clerk.finds("walahar").await, [id(&kept)]);
    assert_eq!(app.app.index.deleted().expect("asked"), 0, "no segment holds what was destroyed");
});

#[tokio::test(flavor = "multi_thread")]
async fn the_command_destroys_and_tells_what_still_exists() {
    let program = Program::start(Stack::Embedded, &[]).await;
    let clerk = program.actor(Actor::Clerk);
    let document = id(&clerk.upload("a.bin", vec![5; 9000], json!({})).await);
    let refused = program.command(&["destroy", &document, "--reason", "salah unggah"]);
    assert_eq!(refused.status.code(), Some(2), "it is not in the trash");
    clerk.delete(&format!("/api/v1/documents/{document}")).await.is(204);
    assert_eq!(program.command(&["destroy", &document, "--reason", " "]).status.code(), Some(2));
    let done = program.command(&["destroy", &document, "--reason", "salah unggah", "--json"]);
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    let told: Value = serde_json::from_slice(&done.stdout).expect("JSON");
    assert_eq!((&told["document"], &told["versions"], &told["remains"]), (&json!(document), &json!(1), &json!([])));
    clerk.post(&format!("/api/v1/documents/{document}/restore"), json!({})).await.is(404);
    assert_eq!(program.command(&["verify"]).status.code(), Some(0));
    assert!(!holds(program.output().as_bytes(), "salah unggah"), "a reason is not for the log");
}
