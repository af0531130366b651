//! Keys change while people work: no object is rewritten, everything opens and is found, the former key opens nothing.

use std::process::{Command, Output};
use std::time::Duration;

use lumbung::clock::Clock;
use lumbung::config::Config;
use lumbung::db::Db;
use lumbung::office::OfficeKeys;
use lumbung::seal::{MasterKey, RecoveryIdentity};
use serde_json::{Value, json};

use super::id;
use crate::reading::support::letter_pdf;
use crate::support::app::{TestApp, both_stacks};
use crate::support::blobs::{Ground, many_blobs};
use crate::support::client::Client;
use crate::support::program::Program;
use crate::support::regency::{Actor, Stack};

fn lumbung(app: &TestApp, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lumbung"));
    command.args(args).arg("--config").arg(app.dir().join("lumbung.toml"));
    let output = command.output().expect("the program runs");
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

async fn count(db: &Db, sql: &'static str) -> i64 {
    let row: Option<(i64,)> = db.one(sql, vec![]).await.expect("the database answers");
    row.map_or(0, |(count,)| count)
}

const FORMER_KEYS: &str = "SELECT CAST(COUNT(*) AS BIGINT) FROM blob_key WHERE version = 1";

/// Two documents of the clerk, one of them hidden, with their bytes.
async fn two_letters(clerk: &Client) -> [(String, Vec<u8>); 2] {
    let [one, other] = [letter_pdf(&["tanggul jebol"]), letter_pdf(&["tanggul rahasia"])];
    let hidden = json!({ "title": "Sangat tertutup", "security_class": "rahasia" });
    let first = id(&clerk.upload_and_read("a.pdf", one.clone(), json!({ "title": "Tanggul" })).await);
    let second = id(&clerk.upload_and_read("b.pdf", other.clone(), hidden).await);
    [(first, one), (second, other)]
}

async fn all_is_well(clerk: &Client, letters: &[(String, Vec<u8>)]) {
    for (document, bytes) in letters {
        let path = format!("/api/v1/documents/{document}");
        assert_eq!(&clerk.get(&format!("{path}/content")).await.is(200).body, bytes);
        assert!(clerk.get(&format!("{path}/pages/1/text")).await.is(200).text().contains("tanggul"));
    }
    assert_eq!(clerk.get(&format!("/api/v1/documents/{}", letters[1].0)).await.json()["title"], "Sangat tertutup");
    let mut found = clerk.finds("tanggul").await;
    found.sort();
    let mut all: Vec<String> = letters.iter().map(|(document, _)| document.clone()).collect();
    all.sort();
    assert_eq!(found, all);
}

both_stacks!(after_a_rotation_of_the_offices_keys_everything_opens_and_no_object_changed, async |app: &TestApp| {
    let letters = two_letters(&app.actor(Actor::Clerk)).await;
    app.settled().await;
    let names: Vec<(String,)> = app.app.db.all("SELECT object FROM blob ORDER BY object", vec![]).await.expect("names");
    let told: Value = serde_json::from_slice(&lumbung(app, &["key", "rotate", "--json"]).stdout).expect("JSON");
    assert!(told["step"] == "offices" && told["job"].as_str().is_some_and(|job| job.starts_with("job_")), "{told}");
    app.settled().await;
    assert_eq!(count(&app.app.db, FORMER_KEYS).await, 0);
    all_is_well(&app.actor(Actor::Clerk), &letters).await;
    let after: Vec<(String,)> = app.app.db.all("SELECT object FROM blob ORDER BY object", vec![]).await.expect("names");
    assert_eq!(after, names);
    app.actor(Actor::Clerk).upload("c.bin", vec![0xf7, 1, 2], json!({})).await;
    assert_eq!(count(&app.app.db, FORMER_KEYS).await, 0, "new keys are wrapped under the new version");
    app.clock.advance(Duration::from_secs(301));
    app.settled().await;
    all_is_well(&app.actor(Actor::Clerk), &letters).await;
    let audit = app.actor(Actor::Auditor).get("/api/v1/audit?action=key.rotate.end").await.is(200).json();
    assert_eq!(audit["items"].as_array().map(Vec::len), Some(1), "{audit}");
});

async fn the_master_key_changes(stack: Stack) {
    let mut program = Program::start(stack, &[]).await;
    let clerk = program.actor(Actor::Clerk);
    let letters = two_letters(&clerk).await;
    let path = program.home.dir.join("master.key");
    let former = MasterKey::load(&path).expect("a key");
    let rotate = ["key", "rotate", "--master"];
    let ground = ground(&program).await;
    assert!(program.command(&rotate).status.success());
    program.cut_and_restart().await;
    assert!(program.command(&rotate).status.success());
    let started = std::time::Instant::now();
    let in_force = async || lumbung::db::installation(&ground.db, "master_fingerprint").await.expect("asked");
    while in_force().await == Some(former.fingerprint()) {
        assert!(started.elapsed() < Duration::from_secs(30), "the database does not go over");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    all_is_well(&clerk, &letters).await;
    program.cut_and_restart().await;
    assert!(program.command(&rotate).status.success());
    program.cut_and_restart().await;
    while clerk.finds("tanggul").await.len() < 2 {
        assert!(started.elapsed() < Duration::from_secs(60), "the index does not come back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    all_is_well(&clerk, &letters).await;
    let theirs = lumbung::db::installation(&ground.db, "master_fingerprint").await.expect("asked").expect("set up");
    assert!(former.clone().fitting(&theirs).is_none(), "the former key fits no more");
    let thief = OfficeKeys::new(ground.db.clone(), &former);
    assert!(thief.kek(clerk.office().parse().expect("an id"), 1).await.is_err(), "it opens no office's key");
    let now = MasterKey::load(&path).expect("a key");
    assert!(now.other().is_none() && now.fingerprint() != former.fingerprint());
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_change_of_the_master_key_the_former_opens_nothing_embedded() {
    the_master_key_changes(Stack::Embedded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_change_of_the_master_key_the_former_opens_nothing_networked() {
    the_master_key_changes(Stack::Networked).await;
}

/// What stands in the database of a running program, beside it.
async fn ground(program: &Program) -> Ground {
    let config = Config::load(Some(&program.home.file), program.home.environment()).expect("a valid configuration");
    let db =
        Db::connect(&lumbung::app::database(&config).expect("settings"), &Clock::default()).await.expect("connects");
    let (master, _) = lumbung::app::unlocked(&db, &config).await.expect("it is set up");
    Ground { keys: OfficeKeys::new(db.clone(), &master), db, clock: Clock::default() }
}

async fn a_killed_rotation_goes_on(stack: Stack) {
    let settings = [("records.every_seconds", "50"), ("queue.lease_seconds", "10")];
    let mut program = Program::start(stack, &settings).await;
    let clerk = program.actor(Actor::Clerk);
    let letter = id(&clerk.upload("a.txt", b"isi surat".to_vec(), json!({})).await);
    let ground = ground(&program).await;
    many_blobs(&ground, clerk.office().parse().expect("an id"), 60_000).await;
    assert!(program.command(&["key", "rotate"]).status.success());
    while count(&ground.db, FORMER_KEYS).await > 60_000 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    program.cut_and_restart().await;
    assert!(count(&ground.db, FORMER_KEYS).await > 0, "it was cut in the midst");
    let started = std::time::Instant::now();
    while count(&ground.db, FORMER_KEYS).await > 0 {
        assert!(started.elapsed() < Duration::from_secs(100), "it does not go on");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let content = clerk.get(&format!("/api/v1/documents/{letter}/content")).await.is(200);
    assert_eq!(content.body, b"isi surat");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_that_is_killed_goes_on_after_the_restart_embedded() {
    a_killed_rotation_goes_on(Stack::Embedded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_that_is_killed_goes_on_after_the_restart_networked() {
    a_killed_rotation_goes_on(Stack::Networked).await;
}

both_stacks!(after_a_new_recovery_key_the_former_opens_no_object_that_is_kept, async |app: &TestApp| {
    let letters = two_letters(&app.actor(Actor::Clerk)).await;
    app.settled().await;
    let file = app.dir().join("recovery-new.txt");
    let told = lumbung(app, &["key", "recovery-new", "--json", "--recovery-out", &file.display().to_string()]);
    let told: Value = serde_json::from_slice(&told.stdout).expect("JSON");
    assert!(told["recipient"].as_str().is_some_and(|age| age.starts_with("age1")) && told["generation"] == 2, "{told}");
    app.settled().await;
    let former = RecoveryIdentity::parse(app.recovery_identity()).expect("an identity");
    let new = RecoveryIdentity::parse(&std::fs::read_to_string(&file).expect("a file")).expect("an identity");
    let third = app.actor(Actor::Clerk).upload("c.bin", vec![0xf7, 1, 2], json!({})).await;
    let objects: Vec<(String, i64)> = app
        .app
        .db
        .all("SELECT object, sealed_size FROM blob UNION SELECT object, sealed_size FROM derivation", vec![])
        .await
        .expect("names");
    assert!(objects.len() >= 5, "originals and texts: {objects:?}");
    for (object, size) in objects {
        let name = object.parse().expect("a name");
        let bytes = app.app.store.get(&name, None).await.expect("there").collect().await.expect("whole");
        assert!(new.recover(&bytes, size as u64).is_ok(), "{object} opens with the new key");
        assert!(former.recover(&bytes, size as u64).is_err(), "{object} opens with the former key");
    }
    let status = app.actor(Actor::Clerk).get("/api/v1/status").await.is(200).json();
    assert_eq!(status["former_recovery"], 0, "{status}");
    all_is_well(&app.actor(Actor::Clerk), &letters).await;
    // The last look, and then the deletion of what the new objects replace.
    app.clock.advance(Duration::from_secs(16 * 60));
    app.settled().await;
    assert_eq!(app.app.vault.clear().await.expect("the store answers"), 4, "originals and texts");
    all_is_well(&app.actor(Actor::Clerk), &letters).await;
    app.actor(Actor::Clerk).get(&format!("/api/v1/documents/{}/content", id(&third))).await.is(200);
});
