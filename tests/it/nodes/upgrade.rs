//! Servers that are replaced one by one while the others go on.

use std::time::Duration;

use serde_json::json;

use super::load::Load;
use crate::finding::{counted, letter, path, until, untitled};
use crate::share::{DAY, anyone, content, link, open};
use crate::support::client::Client;
use crate::support::program::{Launch, Program};
use crate::support::regency::{Actor, Stack};

/// Names a program of schema 7, which `tools/former-program` builds.
const FORMER: &str = "LUMBUNG_TEST_FORMER";
/// Takes back what the files after the seventh have added, so that there is something to migrate.
const BACK_TO_SEVEN: [&str; 11] = [
    "ALTER TABLE version DROP COLUMN personal_data",
    "ALTER TABLE record_head DROP COLUMN destroyed",
    "ALTER TABLE record_head DROP COLUMN forgotten",
    "ALTER TABLE record_object DROP COLUMN mirrored_at",
    "DROP INDEX blob_by_twin",
    "CREATE INDEX blob_by_dedupe ON blob (dedupe, state)",
    "ALTER TABLE version DROP COLUMN scan",
    "ALTER TABLE version DROP COLUMN scan_found",
    "DROP INDEX blob_by_office",
    "ALTER TABLE office DROP COLUMN quota",
    "DELETE FROM schema_migration WHERE number > 7",
];
/// Within which a node finds what another one took in.
const FOLLOWS: Duration = Duration::from_secs(120);

/// What the next version's migration would leave: a table more, a column more, and how old a program may be.
async fn migrate_further(program: &Program, oldest: i64) {
    let db = program.home.open_database().await;
    let mut tx = db.write().await.expect("a transaction");
    for change in ["CREATE TABLE next_version (id TEXT)", "ALTER TABLE document ADD COLUMN next_version TEXT"] {
        tx.execute(change, vec![]).await.expect("added");
    }
    let applied = "INSERT INTO schema_migration (number, name, checksum, applied_at) VALUES (9000, 'next', 'x', 0)";
    tx.execute(applied, vec![]).await.expect("added");
    lumbung::db::set_installation(&mut tx, "min_program", &oldest.to_string()).await.expect("said");
    tx.commit().await.expect("committed");
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_of_two_versions_work_side_by_side_while_the_newer_only_adds() {
    let mut old = Program::start(Stack::Networked, &[]).await;
    let clerk = old.actor(Actor::Clerk);
    letter(&clerk, "tanggul blencong", untitled()).await;
    migrate_further(&old, 1).await;
    let document = letter(&clerk, "jembatan kalijodo", untitled()).await;
    clerk.patch(&format!("/api/v1/documents/{document}"), json!({ "title": "Jembatan" })).await.is(200);
    old.cut_and_restart().await;
    let beside = old.beside().await;
    for program in [&old, &beside] {
        let clerk = program.actor(Actor::Clerk);
        letter(&clerk, "saluran cikarang", untitled()).await;
        assert_eq!(counted(&clerk, "kalijodo").await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_too_old_for_the_new_schema_says_so_and_changes_nothing() {
    let mut old = Program::start(Stack::Networked, &[]).await;
    migrate_further(&old, 9000).await;
    old.ask_to_stop();
    assert!(old.dies_within(std::time::Duration::from_secs(40)).await);
    let said = old.refuses_to_start().await;
    assert!(said.contains("9000") && said.contains("Install the newer version"), "{said}");
}

/// An installation as the former program leaves it: two of its nodes, with everything that ours has added taken back.
async fn of_the_former_version(former: &Launch<'_>) -> (Program, Program) {
    let mut first = Program::start(Stack::Networked, &[]).await;
    first.stop().await;
    let db = first.home.open_database().await;
    let mut tx = db.write().await.expect("a transaction");
    for change in BACK_TO_SEVEN {
        tx.execute(change, vec![]).await.expect("taken back");
    }
    tx.commit().await.expect("committed");
    db.close().await;
    // A key that came later; the former program refuses what it does not know.
    let settings = std::fs::read_to_string(&first.home.file).expect("our own file");
    std::fs::write(&first.home.file, settings.replace("gather_milliseconds = 20\n", "")).expect("our own file");
    first.launch_again(former);
    assert!(first.becomes_ready().await, "the former program does not start:\n{}", first.output());
    assert_eq!(newest_file(&first).await, 7);
    let second = first.beside_as(former).await;
    (first, second)
}

async fn newest_file(program: &Program) -> i64 {
    let db = program.home.open_database().await;
    let row: Option<(i64,)> = db.one("SELECT MAX(number) FROM schema_migration", vec![]).await.expect("asked");
    db.close().await;
    row.expect("a row").0
}

/// What either takes in is found by both; what is taken away on one is gone on the other.
async fn work_as_one(one: &Client, other: &Client, word: &str) {
    for owner in [one, other] {
        let document = letter(owner, word, untitled()).await;
        for clerk in [one, other] {
            let took = until(FOLLOWS, word, async || clerk.search(word).await["total"] == 1).await;
            eprintln!("{word}: found after {took:.1?}");
            assert_eq!(counted(clerk, word).await, 1);
        }
        share_as_one(one, other, &document).await;
        one.delete(&path(&document)).await.is(204);
        for clerk in [one, other] {
            assert_eq!(counted(clerk, word).await, 0, "{word} is in the trash");
        }
    }
}

/// A link that one makes and revokes is opened, and then refused, by the other.
async fn share_as_one(one: &Client, other: &Client, document: &str) {
    let until = lumbung::clock::Clock::default().now().plus(DAY).rfc3339();
    let terms = json!({ "audience": anyone(), "rights": "download", "expires_at": until });
    let made = link(one, document, &terms).await;
    let opened = open(other, &made, json!({})).await.is(200);
    let stranger = other.with_token(opened.json()["grant"].as_str().expect("a grant"));
    stranger.get(&content(&made)).await.is(200);
    one.delete(&format!("/api/v1/links/{}", made.id)).await.is(204);
    stranger.get(&content(&made)).await.refusal(404, "link-unusable");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_of_the_former_version_are_replaced_one_by_one_under_load() {
    let Ok(former) = std::env::var(FORMER) else {
        eprintln!("SKIPPED: {FORMER} names no program of the former version; ./test --full builds one");
        return;
    };
    let (mut first, mut second) = of_the_former_version(&Launch { program: Some(&former), ..Launch::default() }).await;
    let [one, other] = [&first, &second].map(|program| program.actor(Actor::Clerk));
    let load = Load::begin([one.clone(), other.clone()]);
    work_as_one(&one, &other, "kalijodo").await;

    first.stop().await;
    first.start_again().await;
    let newest = lumbung::db::MIGRATIONS.last().map(|migration| migration.number);
    assert_eq!(
        Some(newest_file(&first).await),
        newest,
        "our program adds its files beside a node of the former version"
    );
    work_as_one(&one, &other, "cikarang").await;
    work_as_one(&other, &one, "sukatani").await;

    second.stop().await;
    second.start_again().await;
    work_as_one(&one, &other, "muaragembong").await;
    let kept = load.end().await;
    assert!(kept.len() > 40, "{} letters are no load", kept.len());
    for (document, bytes) in &kept {
        assert_eq!(other.get(&format!("{}/content", path(document))).await.is(200).body, *bytes);
        assert_eq!(one.settled(document).await["state"], "ready");
    }
    let found = async || one.search("blencong").await["total"].as_u64().expect("a total");
    until(FOLLOWS, "every letter is found", async || found().await >= kept.len() as u64).await;
    eprintln!("{} letters were acknowledged while two nodes were replaced, 0 lost", kept.len());
}
