//! Servers that are replaced one by one while the others go on.

use serde_json::json;

use crate::finding::{counted, letter, untitled};
use crate::support::program::Program;
use crate::support::regency::{Actor, Stack};

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
