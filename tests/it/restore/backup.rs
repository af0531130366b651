//! From a backup: the same database, secrets too, on either kind of database.

use std::time::Duration;

use super::*;
use crate::support::postgres;

/// What `stack` backed up comes back on the other kind of database.
async fn a_backup_comes_back_on(stack: Stack, url: Option<String>) {
    let mut app = TestApp::with(stack, &[("records.every_seconds", "50")]).await;
    let archive = Archive::fill(&app).await;
    let before = archive.seen(&known(&app)).await;
    let entries = audit(&app.actor(Actor::Auditor)).await;
    let home = app.dir().join("lumbung.toml");
    let backup = server::scratch("backup").join("lumbung.age");
    let mut command = Command::new(env!("CARGO_BIN_EXE_lumbung"));
    let done = command.args(["backup", "--json", "--out"]).arg(&backup).arg("--config").arg(&home).output();
    let done = done.expect("the program runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let sealed = std::fs::read(&backup).expect("a backup");
    assert!(sealed.starts_with(b"age-encryption.org/v1\n"), "an age file");
    app.stop().await;

    let machine = Machine::with_store_of(&app, url);
    std::fs::copy(app.dir().join("master.key"), machine.dir.join("master.key")).expect("the key is kept elsewhere");
    let from = backup.display().to_string();
    let refused = machine.command(&["restore", "--from-backup", &from]);
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && told.contains("--from-bucket"), "the bucket knows more: {told}");
    let report = machine.done(&["restore", "--from-backup", &from, "--discard-newer", "--json"]);
    assert_eq!(report["documents"], 6, "{report}");
    let running = machine.serve(app.clock.clone()).await;
    indexed(&running.app, 5).await;
    let callers =
        WATCHERS.iter().map(|actor| (format!("{actor:?}"), Client::of(&base(&running), app.account(*actor)))).collect();
    let after = archive.seen(&callers).await;
    for (who, theirs) in before.as_object().expect("by actor") {
        for (what, value) in theirs.as_object().expect("by question") {
            assert_eq!(&after[who][what], value, "{who}: {what}");
        }
    }
    let now = audit(&callers["Auditor"]).await;
    assert!(entries.iter().all(|entry| now.contains(entry)), "the audit is whole");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_sqlite_comes_back_on_postgresql() {
    let url = tokio::task::spawn_blocking(postgres::fresh_database).await.expect("a database");
    a_backup_comes_back_on(Stack::Embedded, Some(url)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_postgresql_comes_back_on_sqlite() {
    a_backup_comes_back_on(Stack::Networked, None).await;
}

/// A backup is taken first and the store copied afterwards: what the backup names must still be there.
async fn deletions_wait(stack: Stack) {
    let app = TestApp::with(stack, &[("records.every_seconds", "50")]).await;
    let clerk = app.actor(Actor::Clerk);
    let bytes = b"Perihal: yang dibuang sebelum cadangan".to_vec();
    let document = clerk.upload_and_read("lama.txt", bytes.clone(), json!({})).await;
    let path = format!("/api/v1/documents/{}", document["id"].as_str().expect("an id"));
    clerk.delete(&path).await.is(204);
    // A twin's own object is needed by nothing.
    for _ in 0..2 {
        clerk.upload("kembar.bin", vec![7; 5000], json!({})).await;
    }
    app.settled().await;
    let days = Duration::from_secs(31 * 86_400);
    app.clock.advance(days);
    let backup = server::scratch("backup").join("lumbung.age");
    let mut command = Command::new(env!("CARGO_BIN_EXE_lumbung"));
    command.args(["backup", "--json", "--hold-hours", "24", "--out"]).arg(&backup);
    command.arg("--config").arg(app.dir().join("lumbung.toml")).env("LUMBUNG_CLOCK_AHEAD", days.as_secs().to_string());
    let done = command.output().expect("the program runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let told: Value = serde_json::from_slice(&done.stdout).expect("JSON");
    let until = lumbung::clock::Time::parse(told["deletions_held_to"].as_str().expect("a time")).expect("RFC 3339");
    let held = until.since(app.clock.now());
    assert!((Duration::from_secs(23 * 3600)..Duration::from_secs(25 * 3600)).contains(&held), "{held:?}");

    let before = originals(stored(&app, None).await);
    let vault = &app.app.vault;
    for _ in 0..3 {
        vault.sweep(true).await.expect("swept");
        assert_eq!(vault.empty_trash().await.expect("looked"), 0, "the trash is not emptied");
        assert_eq!(vault.clear().await.expect("looked"), 0, "nothing is deleted");
        app.clock.advance(Duration::from_secs(7 * 3600));
    }
    let after = originals(stored(&app, None).await);
    assert!(
        before.iter().all(|(name, sealed)| after.get(name) == Some(sealed)),
        "an object that the backup names is gone"
    );

    app.clock.advance(Duration::from_secs(4 * 3600));
    assert_eq!(vault.empty_trash().await.expect("looked"), 1);
    vault.sweep(true).await.expect("swept");
    let left = originals(stored(&app, None).await);
    assert!(left.len() + 2 <= after.len(), "{} of {} are left", left.len(), after.len());
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_holds_every_deletion_back_until_its_hours_are_over_embedded() {
    deletions_wait(Stack::Embedded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_holds_every_deletion_back_until_its_hours_are_over_networked() {
    deletions_wait(Stack::Networked).await;
}
