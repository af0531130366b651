//! An index is a cache: lost or damaged, it is built anew from the vault, and nothing else waits for that.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use lumbung::blob::ObjectName;
use lumbung::document::touch_index;
use lumbung::id::DocumentId;
use lumbung::seal::{MasterKey, SealedBody};
use lumbung::search::{Change, Details, Index, IndexedDocument, Settings};
use serde_json::json;

use super::{counted, letter, path, until, untitled};
use crate::support::app::TestApp;
use crate::support::client::Client;
use crate::support::regency::{Actor, Stack};

const REBUILT: Duration = Duration::from_secs(30);

macro_rules! on_each_stack {
    ($($name:ident: $body:ident;)*) => {
        $(mod $name {
            use super::*;

            #[tokio::test(flavor = "multi_thread")]
            async fn embedded() {
                $body(Stack::Embedded).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn networked() {
                $body(Stack::Networked).await;
            }
        })*
    };
}

on_each_stack! {
    an_index_that_was_lost_while_the_server_stood_is_built_anew: lost_while_stopped;
    an_index_that_is_lost_while_the_server_runs_is_built_anew: lost_while_running;
    an_index_that_is_damaged_while_the_server_runs_is_built_anew_while_others_are_served: damaged_while_running;
    damage_of_an_index_is_noticed_before_anybody_asks_a_question: damage_noticed;
    a_rebuild_that_was_cut_goes_on_where_it_was: cut_rebuild;
    reindexing_that_was_cut_goes_on_and_ends_complete: cut_reindexing;
    what_is_trashed_while_an_index_is_built_anew_is_not_found_afterwards: trashed_meanwhile;
    a_text_that_is_lost_keeps_no_other_out_of_a_new_index: lost_text;
    where_many_texts_are_lost_the_index_keeps_what_it_has: many_lost_texts;
    details_that_do_not_open_keep_no_other_out_of_the_index: damaged_details;
}

async fn archive(clerk: &Client, count: usize) -> Vec<String> {
    let upload = async |number: usize| {
        let made =
            clerk.upload("surat.txt", format!("tanggul blencong nomor {number}\n").into_bytes(), json!({})).await;
        made["id"].as_str().expect("an id").to_owned()
    };
    let mut documents = Vec::new();
    for number in 0..count {
        documents.push(upload(number).await);
    }
    documents
}

fn index_of(data: &Path) -> std::path::PathBuf {
    data.join("index")
}

async fn lost_while_stopped(stack: Stack) {
    let mut app = TestApp::start(stack).await;
    archive(&app.actor(Actor::Clerk), 5).await;
    app.settled().await;
    app.restart_after(|data| fs::remove_dir_all(index_of(data)).expect("it was there")).await;
    let clerk = app.actor(Actor::Clerk);
    clerk.get("/api/v1/documents").await.is(200);
    until(REBUILT, "all are found again", async || counted(&clerk, "blencong").await == 5).await;
    app.finish().await;
}

async fn lost_while_running(stack: Stack) {
    let app = TestApp::start(stack).await;
    let clerk = app.actor(Actor::Clerk);
    archive(&clerk, 3).await;
    app.settled().await;
    // In one step: what is being written into it meanwhile must not keep it there.
    fs::rename(index_of(app.dir()), app.dir().join("lost")).expect("it was there");
    letter(&clerk, "jembatan blencong", untitled()).await;
    until(REBUILT, "all are found again", async || counted(&clerk, "blencong").await == 4).await;
    app.finish().await;
}

/// Whoever asks whether the server is ready makes it look.
async fn damage_noticed(stack: Stack) {
    let mut app = TestApp::start(stack).await;
    archive(&app.actor(Actor::Clerk), 3).await;
    app.settled().await;
    app.restart().await;
    app.settled().await;
    let texts: Vec<_> =
        fs::read_dir(index_of(app.dir())).expect("the index").flatten().map(|file| file.path()).collect();
    let texts: Vec<_> = texts.iter().filter(|path| path.extension().is_some_and(|kind| kind == "store")).collect();
    for path in &texts {
        let mut bytes = fs::read(path).expect("texts");
        bytes.iter_mut().skip(41).step_by(16).for_each(|byte| *byte ^= 1);
        fs::write(path, bytes).expect("damaged in place");
    }
    until(REBUILT, "the damage is noticed", async || {
        let ready = app.nobody().get("/readyz").await;
        assert!([200, 503].contains(&ready.status), "{}", ready.text());
        !texts.iter().any(|path| path.exists())
    })
    .await;
    let clerk = app.actor(Actor::Clerk);
    until(REBUILT, "all are found again", async || {
        let answer = clerk.get("/api/v1/search?q=blencong").await;
        answer.status == 200 && answer.json()["total"] == 3
    })
    .await;
    app.nobody().get("/readyz").await.is(200);
    app.finish().await;
}

/// More words than fit into what an index keeps in memory when it is opened.
fn long_text() -> String {
    (0..60_000_u64).map(|n| format!("kata{:x} ", n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 30)).collect()
}

async fn damaged_while_running(stack: Stack) {
    let mut app = TestApp::start(stack).await;
    archive(&app.actor(Actor::Clerk), 3).await;
    let long = letter(&app.actor(Actor::Clerk), &format!("{} blencong", long_text()), untitled()).await;
    // Nothing of a fresh start's index is in memory yet.
    app.restart().await;
    let clerk = app.actor(Actor::Clerk);
    for file in fs::read_dir(index_of(app.dir())).expect("the index").flatten() {
        // A merge may take a file away meanwhile.
        let Ok(mut bytes) = fs::read(file.path()) else { continue };
        bytes.iter_mut().skip(100).step_by(1000).for_each(|byte| *byte ^= 1);
        fs::write(file.path(), bytes).expect("damaged in place");
    }
    let ask = async |word: &str| clerk.get(&format!("/api/v1/search?q={word}")).await;
    let mut asked = 0;
    while app.app.index.cursor() > 0 {
        let answer = ask(&format!("kata{:x}", (asked as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 30)).await;
        assert!([200, 503].contains(&answer.status), "{}", answer.text());
        assert!(asked < 500, "the damage is noticed");
        asked += 1;
        if answer.status == 503 {
            break;
        }
    }
    clerk.get(&path(&long)).await.is(200);
    clerk.get(&format!("{}/content", path(&long))).await.is(200);
    until(REBUILT, "all are found again", async || {
        let answer = ask("blencong").await;
        assert!([200, 503].contains(&answer.status), "{}", answer.text());
        answer.status == 200 && answer.json()["total"] == 4 && answer.json().get("incomplete").is_none()
    })
    .await;
    app.finish().await;
}

/// What the cut build had put into the index is taken as it is; only what is missing comes from the vault.
async fn cut_rebuild(stack: Stack) {
    let mut app = TestApp::start(stack).await;
    let documents = archive(&app.actor(Actor::Clerk), 4).await;
    app.settled().await;
    let (first, _) = documents.split_first().expect("some");
    let first: DocumentId = first.parse().expect("an id");
    let number = "SELECT o.number FROM document d JOIN office o ON o.id = d.office WHERE d.id = $1";
    let (office,): (i64,) = app.app.db.one(number, vec![first.into()]).await.expect("asked").expect("its office");
    // Long after the last change, so that none has to be looked at again.
    app.clock.advance(Duration::from_secs(600));
    let since = app.clock.now().0 << 20;
    app.restart_after(|data| {
        let key = *MasterKey::load(&data.join("master.key")).expect("the key").derive("index");
        let index = Index::open(&index_of(data), key, Settings::default()).expect("opens");
        index.reset().expect("emptied");
        let kept = IndexedDocument {
            document: first.0,
            office: office as u64,
            details: Details { title: "blencong penanda".into(), ..Details::default() },
            ..IndexedDocument::default()
        };
        index.apply(vec![Change::Replace(kept)], -since).expect("begun");
    })
    .await;
    let clerk = app.actor(Actor::Clerk);
    until(REBUILT, "the rest is found", async || clerk.search("blencong").await["total"] == 4).await;
    app.settled().await;
    assert_eq!(clerk.search("penanda").await["total"], 1, "what was there was not read again");
    until(REBUILT, "the index is whole", async || app.app.index.cursor() == since).await;
    app.finish().await;
}

/// One damaged object among a million must not end the search for all: its document is found by its title meanwhile.
/// The text of a document, taken out of the store.
async fn taken_text(app: &TestApp, document: DocumentId) -> (ObjectName, SealedBody) {
    let text = "SELECT d.object FROM derivation d JOIN version v ON v.id = d.version WHERE v.document = $1 AND d.kind = 'text'";
    let (object,): (String,) = app.app.db.one(text, vec![document.into()]).await.expect("asked").expect("its text");
    let name: ObjectName = object.parse().expect("a name");
    let mut sealed = app.app.store.get(&name, None).await.expect("there");
    let mut bytes = Vec::new();
    while let Some(piece) = sealed.stream.next().await {
        bytes.extend_from_slice(&piece.expect("whole"));
    }
    app.app.store.delete(&name).await.expect("taken away");
    (name, SealedBody::from_bytes(bytes.into()))
}

async fn touch(app: &TestApp, documents: &[DocumentId]) {
    let mut tx = app.app.db.write().await.expect("a transaction");
    for document in documents {
        touch_index(&mut tx, &app.clock, *document).await.expect("touched");
    }
    tx.commit().await.expect("committed");
    app.app.indexing.notify_one();
}

async fn lost_text(stack: Stack) {
    let mut app = TestApp::start(stack).await;
    archive(&app.actor(Actor::Clerk), 3).await;
    let harmed = letter(&app.actor(Actor::Clerk), "perahu blencong", json!({ "title": "Berita acara" })).await;
    app.settled().await;
    let document: DocumentId = harmed.parse().expect("an id");
    let (name, text) = taken_text(&app, document).await;
    app.restart_after(|data| fs::remove_dir_all(index_of(data)).expect("it was there")).await;
    let clerk = app.actor(Actor::Clerk);
    until(REBUILT, "the others are found", async || counted(&clerk, "blencong").await == 3).await;
    until(REBUILT, "it is found by its title", async || clerk.finds("berita").await == [harmed.clone()]).await;
    app.app.store.put(&name, &text).await.expect("brought back");
    touch(&app, &[document]).await;
    until(REBUILT, "its words are found again", async || counted(&clerk, "blencong").await == 4).await;
    app.finish().await;
}

/// As where a store and a database do not belong together: an index that is whole is worth more than one without texts.
async fn many_lost_texts(stack: Stack) {
    const DOCUMENTS: usize = 12;
    let mut app = TestApp::start(stack).await;
    let clerk = app.actor(Actor::Clerk);
    let documents = archive(&clerk, DOCUMENTS).await;
    app.settled().await;
    let documents: Vec<DocumentId> = documents.iter().map(|id| id.parse().expect("an id")).collect();
    let mut taken = Vec::new();
    for document in &documents {
        taken.push(taken_text(&app, *document).await);
    }
    let (before, held) = (app.app.index.cursor(), app.app.index.size().0);
    touch(&app, &documents).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!((app.app.index.cursor(), app.app.index.size().0), (before, held));
    // Nobody looks before all of them are back: a few lost texts hold up nothing.
    app.stop().await;
    for (name, text) in taken {
        app.app.store.put(&name, &text).await.expect("brought back");
    }
    app.restart().await;
    let clerk = app.actor(Actor::Clerk);
    until(REBUILT, "indexing goes on by itself", async || app.app.index.cursor() > before).await;
    assert_eq!(counted(&clerk, "blencong").await, DOCUMENTS as u64);
    app.finish().await;
}

async fn damaged_details(stack: Stack) {
    let mut app = TestApp::start(stack).await;
    let clerk = app.actor(Actor::Clerk);
    archive(&clerk, 2).await;
    let secret = json!({ "title": "Berita acara", "security_class": "rahasia" });
    let harmed: DocumentId = letter(&clerk, "perahu blencong", secret).await.parse().expect("an id");
    app.settled().await;
    let damage = "UPDATE document SET sealed = $2 WHERE id = $1";
    let mut tx = app.app.db.write().await.expect("a transaction");
    tx.execute(damage, vec![harmed.into(), vec![7_u8; 80].into()]).await.expect("damaged");
    tx.commit().await.expect("committed");
    touch(&app, &[harmed]).await;
    letter(&clerk, "jembatan blencong", untitled()).await;
    until(REBUILT, "what comes after it is found", async || counted(&clerk, "jembatan").await == 1).await;
    app.restart_after(|data| fs::remove_dir_all(index_of(data)).expect("it was there")).await;
    let clerk = app.actor(Actor::Clerk);
    until(REBUILT, "the others are found again", async || counted(&clerk, "blencong").await == 3).await;
    app.finish().await;
}

async fn cut_reindexing(stack: Stack) {
    const DOCUMENTS: usize = 60;
    let mut app = TestApp::start(stack).await;
    archive(&app.actor(Actor::Clerk), DOCUMENTS).await;
    app.settled().await;
    let before = app.clock.now().0 << 20;
    let mut command = Command::new(env!("CARGO_BIN_EXE_lumbung"));
    let asked = command.args(["reindex", "--config"]).arg(app.dir().join("lumbung.toml")).output().expect("it runs");
    assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
    app.restart().await;
    let clerk = app.actor(Actor::Clerk);
    clerk.get("/api/v1/documents").await.is(200);
    app.settled().await;
    let again = "SELECT CAST(COUNT(DISTINCT document) AS BIGINT) FROM index_change WHERE seq > $1";
    let (again,): (i64,) = app.app.db.one(again, vec![before.into()]).await.expect("asked").expect("a row");
    assert_eq!(again, DOCUMENTS as i64, "every document was read into the index again");
    assert_eq!(clerk.search("blencong").await["total"], DOCUMENTS);
    app.finish().await;
}

/// More than are gathered at once, so that the last ones wait gathered while the first are indexed and changes come in.
async fn trashed_meanwhile(stack: Stack) {
    const DOCUMENTS: usize = 230;
    const TRASHED: usize = 40;
    let mut app = TestApp::with(stack, &[("limits.api_requests_per_minute", "100000")]).await;
    let clerk = app.actor(Actor::Clerk);
    let uploads = stream::iter(0..DOCUMENTS).map(async |number| {
        let text = format!("tanggul blencong nomor {number}\n").into_bytes();
        let made = clerk.upload("surat.txt", text, json!({})).await;
        made["id"].as_str().expect("an id").to_owned()
    });
    let mut documents: Vec<String> = uploads.buffer_unordered(8).collect().await;
    documents.sort_unstable();
    app.settled().await;
    app.clock.advance(Duration::from_secs(600));
    app.restart_after(|data| fs::remove_dir_all(index_of(data)).expect("it was there")).await;
    let clerk = app.actor(Actor::Clerk);
    for document in &documents[DOCUMENTS - TRASHED..] {
        clerk.delete(&format!("/api/v1/documents/{document}")).await.is(204);
    }
    until(REBUILT, "the index is whole", async || !app.app.index.is_fresh()).await;
    app.settled().await;
    until(REBUILT, "those that were not trashed are found", async || {
        clerk.search("blencong").await["total"] == DOCUMENTS - TRASHED
    })
    .await;
    app.finish().await;
}
