//! From a backup: the same database, secrets too, on either kind of database.

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
