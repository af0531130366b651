//! Setting up, and getting originals back without any Lumbung: a key, an object of the store, and the stock `age`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::json;

use super::id;
use crate::reading::support::letter_pdf;
use crate::support::client::{Answer, Client};
use crate::support::program::Program;
use crate::support::regency::{Actor, PASSWORD, Stack};
use crate::support::server::{self, Server, free_port};
use crate::support::tools;

fn lumbung(data: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lumbung"));
    command.args(args).env("LUMBUNG__DATA__DIR", data).current_dir(data.parent().expect("a folder above"));
    command.output().expect("the program runs")
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[track_caller]
fn ends_with(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "{}", said(output));
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display())).permissions().mode() & 0o777
}

/// The README's second command.
fn age_opens(folder: &Path, keys: &str, object: &[u8]) -> Option<Vec<u8>> {
    fs::write(folder.join("keys.txt"), keys).expect("our folder");
    fs::write(folder.join("object"), object).expect("our folder");
    let _ = fs::remove_file(folder.join("letter.pdf"));
    let mut age = Command::new(tools::program("age"));
    age.current_dir(folder).args(["-d", "-i", "keys.txt", "-o", "letter.pdf", "object"]);
    let done = age.output().expect("age runs");
    if done.status.success() { Some(fs::read(folder.join("letter.pdf")).expect("it was written")) } else { None }
}

async fn stored(program: &Program, object: &str) -> Vec<u8> {
    match &program.bucket {
        Some(bucket) => bucket.read(object).await,
        None => fs::read(program.home.dir.join("store").join(object)).expect("the object is in the store"),
    }
}

async fn an_original_opens_with_the_exported_key(stack: Stack) {
    let program = Program::start(stack, &[]).await;
    let clerk = program.actor(Actor::Clerk);
    let bytes = letter_pdf(&["surat undangan"]);
    let document = id(&clerk.upload_and_read("undangan.pdf", bytes.clone(), json!({})).await);
    let other = id(&clerk.upload_and_read("lain.pdf", letter_pdf(&["surat lain"]), json!({})).await);

    let exported = program.command(&["key", "export", "--document", &document]);
    ends_with(&exported, 0);
    let keys = String::from_utf8(exported.stdout).expect("text");
    let lines: Vec<&str> = keys.lines().collect();
    assert_eq!(lines.len(), 2, "a comment and a key: {keys}");
    let object = lines[0].strip_prefix(&format!("# {document} ")).expect("document and object are named");
    assert!(lines[1].starts_with("AGE-SECRET-KEY-1"));
    let stored = stored(&program, object).await;
    let folder = server::scratch("age");
    assert_eq!(age_opens(&folder, &keys, &stored).expect("age opens it"), bytes);
    assert_eq!(age_opens(&folder, program.recovery_identity(), &stored).expect("the recovery key opens it"), bytes);
    let foreign = program.command(&["key", "export", "--document", &other]);
    assert!(age_opens(&folder, &String::from_utf8_lossy(&foreign.stdout), &stored).is_none(), "a key opens one object");

    let office = program.command(&["key", "export", "--office", clerk.office()]);
    let office = String::from_utf8(office.stdout).expect("text");
    assert_eq!(office.matches("AGE-SECRET-KEY-1").count(), 2, "{office}");
    assert!(office.contains(lines[1]));
    assert_eq!(age_opens(&folder, &office, &stored).expect("one of them opens it"), bytes);
    let all = program.command(&["key", "export", "--all"]);
    let all = String::from_utf8(all.stdout).expect("text");
    assert!(all.matches("AGE-SECRET-KEY-1").count() > 2, "derivations have keys too: {all}");

    ends_with(&program.command(&["key", "export", "--document", "doc_nothing"]), 2);
    let unknown = lumbung::id::DocumentId::fresh(&lumbung::clock::Clock::default()).to_string();
    let unknown = program.command(&["key", "export", "--document", &unknown]);
    ends_with(&unknown, 1);
    assert!(unknown.stdout.is_empty());
    let audit = program.actor(Actor::Auditor).get("/api/v1/audit").await.is(200).json();
    let noted = audit["items"].as_array().expect("items").iter().filter(|item| item["action"] == "key.export").count();
    assert!(noted >= 4, "what is exported on the machine is in the audit: {audit}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stock_age_opens_an_original_with_the_exported_key_embedded() {
    an_original_opens_with_the_exported_key(Stack::Embedded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stock_age_opens_an_original_with_the_exported_key_networked() {
    an_original_opens_with_the_exported_key(Stack::Networked).await;
}

/// The names of all records that are in the store.
async fn records(program: &Program) -> Vec<String> {
    let names: Vec<String> = match &program.bucket {
        Some(bucket) => bucket.objects().await.into_iter().map(|(name, _)| name).collect(),
        None => {
            let listed = fs::read_dir(program.home.dir.join("store/r")).expect("a folder of records");
            listed.flatten().map(|entry| format!("r/{}", entry.file_name().to_string_lossy())).collect()
        }
    };
    names.into_iter().filter(|name| name.starts_with("r/")).collect()
}

/// Waits until the records hold everything.
async fn recorded(clerk: &Client) {
    let begun = Instant::now();
    while clerk.get("/api/v1/status").await.is(200).json()["records"]["waiting"] != 0 {
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing is recorded");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn exported(program: &Program, which: &[&str]) -> String {
    let done = program.command(&[["key", "export"].as_slice(), which].concat());
    ends_with(&done, 0);
    String::from_utf8(done.stdout).expect("text")
}

/// The exported key that stands below a comment.
fn below<'a>(keys: &'a str, comment: &str) -> &'a str {
    let key = keys.lines().skip_while(|line| *line != comment).nth(1);
    key.unwrap_or_else(|| panic!("no key below {comment:?}: {keys}"))
}

async fn what_is_derived_and_recorded_opens(stack: Stack) {
    let program = Program::start(stack, &[("records.every_seconds", "2")]).await;
    let clerk = program.actor(Actor::Clerk);
    let read = clerk.upload_and_read("undangan.pdf", letter_pdf(&["surat undangan"]), json!({})).await;
    let document = id(&read);
    recorded(&clerk).await;
    let original = exported(&program, &["--document", &document]);
    let all = exported(&program, &["--all"]);
    let folder = server::scratch("age");

    let of_document = format!("# {document} ");
    let objects = all.lines().filter_map(|line| line.strip_prefix(&of_document));
    let mut has_text = false;
    for object in objects.filter(|object| !original.contains(*object)) {
        let key = below(&all, &format!("{of_document}{object}"));
        let derived = age_opens(&folder, key, &stored(&program, object).await).expect("age opens what was derived");
        has_text |= super::holds(&derived, "undangan");
    }
    assert!(has_text, "the text of the letter's page is among them: {all}");

    let key = below(&all, "# r/* lumbung backup");
    let mut is_told = false;
    for record in records(&program).await {
        let rows = age_opens(&folder, key, &stored(&program, &record).await).expect("age opens a record");
        is_told |= super::holds(&rows, "undangan.pdf");
    }
    assert!(is_told, "the letter is in the records");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stock_age_opens_page_texts_and_records_with_all_the_keys_embedded() {
    what_is_derived_and_recorded_opens(Stack::Embedded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stock_age_opens_page_texts_and_records_with_all_the_keys_networked() {
    what_is_derived_and_recorded_opens(Stack::Networked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_folder_is_set_up_once_and_then_serves() {
    let home = server::scratch("init");
    let (data, recovery) = (home.join("data"), home.join("recovery.txt"));
    let args = ["init", "--recovery-out", recovery.to_str().expect("a path")];
    let done = lumbung(&data, &args);
    ends_with(&done, 0);
    for file in [&recovery, &data.join("master.key"), &data.join("activation-admin.txt")] {
        assert_eq!(mode(file), 0o600, "{}", file.display());
    }
    let identity = fs::read_to_string(&recovery).expect("text");
    assert!(identity.contains("# public key: age1") && identity.contains("AGE-SECRET-KEY-1"), "an age identity file");
    let link = fs::read_to_string(data.join("activation-admin.txt")).expect("text");
    let (_, secret) = link.trim().split_once('#').expect("the secret is the fragment");
    let told = said(&done);
    assert!(!told.contains(secret) && !told.contains("AGE-SECRET-KEY"), "secrets go to files only: {told}");
    assert!(told.contains("lumbung serve"), "{told}");

    let key = fs::read(data.join("master.key")).expect("a key");
    let again = home.join("again.txt");
    let repeated = lumbung(&data, &["init", "--recovery-out", again.to_str().expect("a path")]);
    ends_with(&repeated, 2);
    assert_eq!(fs::read(data.join("master.key")).expect("a key"), key, "nothing is overwritten");
    assert!(!again.exists(), "an identity that opens nothing is not left behind");
    assert_eq!(activate(&data, secret).await.is(200).json()["person"]["login"], "admin");
}

/// Serves the folder, and uses the first admin's link.
async fn activate(data: &Path, secret: &str) -> Answer {
    let port = free_port();
    let mut serve = Command::new(env!("CARGO_BIN_EXE_lumbung"));
    serve.arg("serve").env("LUMBUNG__DATA__DIR", data).env("LUMBUNG__READING__REQUIRE_JAIL", "false");
    serve.env("LUMBUNG__SERVER__LISTEN", format!("127.0.0.1:{port}"));
    let mut server = Server::start("lumbung", server::throw_away("serve"), "TERM", &serve);
    server.wait_for_port(port);
    let nobody = Client::nobody(&format!("http://127.0.0.1:{port}"));
    nobody.post("/api/v1/activations", json!({ "secret": secret, "password": PASSWORD })).await
}

#[test]
fn a_recovery_recipient_that_was_made_elsewhere_leaves_no_identity_here() {
    let home = server::scratch("init");
    let made = Command::new(tools::program("age-keygen")).output().expect("age-keygen runs");
    let identity = String::from_utf8(made.stdout).expect("text");
    let recipient = identity.lines().find_map(|line| line.strip_prefix("# public key: ")).expect("a recipient");
    let data = home.join("data");
    ends_with(&lumbung(&data, &["init", "--recovery-recipient", recipient]), 0);
    assert!(data.join("master.key").exists() && data.join("activation-admin.txt").exists());
    for entry in fs::read_dir(&data).expect("the folder").flatten().filter(|entry| entry.path().is_file()) {
        let bytes = fs::read(entry.path()).expect("a file");
        assert!(!super::holds(&bytes, "AGE-SECRET-KEY"), "{}", entry.path().display());
    }
}

#[test]
fn setting_up_without_or_with_a_wrong_recovery_key_is_refused_and_leaves_nothing() {
    let home = server::scratch("init");
    let data = home.join("data");
    ends_with(&lumbung(&data, &["init"]), 2);
    let wrong = lumbung(&data, &["init", "--recovery-recipient", "age1salah"]);
    ends_with(&wrong, 2);
    assert!(said(&wrong).contains("age1…"), "{}", said(&wrong));
    assert!(!data.join("master.key").exists() && !data.join("lumbung.db").exists());
}
