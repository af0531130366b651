//! From the bucket and the recovery identity alone.

use super::*;
use crate::support::client::Answer;
use crate::support::postgres;
use crate::support::regency::PASSWORD;

async fn everything_comes_back(stack: Stack) {
    let mut app = TestApp::with(stack, &[("records.every_seconds", "50")]).await;
    let archive = Archive::fill(&app).await;
    assert!(app.app.records.flush().await.expect("a full record"), "everything is recorded");
    let clerk = app.actor(Actor::Clerk);
    let late = id(&clerk.upload("z.txt", b"terakhir".to_vec(), json!({ "title": "Terakhir" })).await);
    app.settled().await;
    let before = archive.seen(&known(&app)).await;
    let entries = audit(&app.actor(Actor::Auditor)).await;
    assert!(app.app.records.flush().await.expect("a record of changes"));
    assert!(!app.app.records.flush().await.expect("asked"), "nothing is left to record");
    let status = app.actor(Actor::Clerk).get("/api/v1/status").await.is(200).json();
    assert_eq!(status["records"]["behind_seconds"], 0, "{status}");
    let objects = originals(stored(&app, None).await);
    app.stop().await;

    let url = match stack {
        Stack::Embedded => None,
        Stack::Networked => Some(tokio::task::spawn_blocking(postgres::fresh_database).await.expect("a database")),
    };
    let machine = Machine::with_store_of(&app, url);
    let key = machine.path("recovery.txt");
    let report = machine.done(&["restore", "--from-bucket", "--recovery-key", &key, "--json"]);
    assert_eq!(report["documents"], 7, "{report}");
    says_what_is_missing(&app, &report);
    let running = machine.serve(app.clock.clone()).await;
    indexed(&running.app, 6).await;
    let callers = log_in(&machine, &running, &app).await;
    let after = archive.seen(&callers).await;
    assert_same(&before, &after);
    let now = audit(&callers["Auditor"]).await;
    for entry in &entries {
        assert!(now.contains(entry), "an entry of the audit is lost: {entry}");
    }
    assert!(now.iter().any(|entry| entry["action"] == "installation.restore"));
    callers["Clerk"].get(&format!("/api/v1/documents/{late}")).await.is(200);

    let nobody = Client::nobody(&base(&running));
    links_hold(&nobody, &archive.handed).await;
    let old = app.actor(Actor::Clerk);
    Client::nobody(&base(&running)).with_token(&old.account().token).get("/api/v1/me").await.is(401);
    assert!(running.app.records.flush().await.expect("records go on"));
    assert_eq!(originals(stored(&app, Some(&machine)).await), objects, "no object is rewritten");
    bring(&nobody, &archive.handed.drop).await.is(201);
    running.stop().await;
}

/// Whoever has a link in their hands is let in, or is not, as before.
async fn links_hold(nobody: &Client, handed: &HandedOut) {
    open(nobody, &handed.live, json!({})).await.is(200);
    open(nobody, &handed.live, json!({})).await.is(200);
    open(nobody, &handed.live, json!({})).await.refusal(404, "link-unusable");
    open(nobody, &handed.revoked, json!({})).await.refusal(404, "link-unusable");
    open(nobody, &handed.by_mail, json!({})).await.refusal(401, "link-code");
    let path = format!("/api/v1/shared/{}/code", handed.by_mail.public);
    nobody.post(&path, json!({ "secret": handed.by_mail.secret, "email": handed.address })).await.is(202);
    let letter = mail::wait_for(&handed.address, 1).await;
    let code: String = letter.text.lines().next().expect("a line").chars().filter(char::is_ascii_digit).collect();
    open(nobody, &handed.by_mail, json!({ "code": code })).await.is(200);
}

/// One more file by an upload-only link.
async fn bring(nobody: &Client, (public, secret): &(String, String)) -> Answer {
    let part = reqwest::multipart::Part::bytes(b"laporan".to_vec()).file_name("laporan.txt");
    let form = reqwest::multipart::Form::new().part("file", part);
    let request = nobody.request(Method::POST, &format!("/api/v1/drops/{public}/files"));
    send(request.header("Lumbung-Secret", secret).multipart(form)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bucket_and_the_recovery_key_give_everything_back_embedded() {
    everything_comes_back(Stack::Embedded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bucket_and_the_recovery_key_give_everything_back_networked() {
    everything_comes_back(Stack::Networked).await;
}

/// Each kind of thing that a record leaves out because it is secret or had not been acknowledged, and what to do about it.
fn says_what_is_missing(app: &TestApp, report: &Value) {
    let missing = report["not_restored"].as_array().expect("a list");
    let kinds: Vec<&str> = missing.iter().filter_map(|one| one["what"].as_str()).collect();
    assert_eq!(kinds, ["passwords", "sessions", "tokens", "activations", "uploads"], "{report}");
    for one in missing {
        let told = |language: &str| one[language].as_str().is_some_and(|said| said.len() > 20);
        assert!(told("id") && told("en"), "{one}");
    }
    let mut logins: Vec<&str> =
        missing[0]["logins"].as_array().expect("logins").iter().flat_map(Value::as_str).collect();
    let mut everybody: Vec<String> = Actor::ALL.iter().map(|actor| app.account(*actor).login).collect();
    logins.sort_unstable();
    everybody.sort_unstable();
    assert_eq!(logins, everybody, "who has no password now");
}

/// Nobody's password survives: each gets a new activation link on the machine, and logs in.
async fn log_in(machine: &Machine, running: &serve::Running, app: &TestApp) -> BTreeMap<String, Client> {
    let nobody = Client::nobody(&base(running));
    let mut callers = BTreeMap::new();
    for actor in WATCHERS {
        let login = app.account(actor).login;
        nobody.log_in(&login, PASSWORD).await.is(401);
        let out = machine.path(&format!("{login}.txt"));
        machine.done(&["account", "reset", &login, "--out", &out]);
        let link = std::fs::read_to_string(&out).expect("a link");
        let (_, secret) = link.trim().split_once('#').expect("a fragment");
        nobody.post("/api/v1/activations", json!({ "secret": secret, "password": PASSWORD })).await.is(200);
        let session = nobody.log_in(&login, PASSWORD).await.is(201).json();
        let token = session["access_token"].as_str().expect("a token");
        callers.insert(format!("{actor:?}"), nobody.with_token(token));
    }
    callers
}

fn assert_same(before: &Value, after: &Value) {
    for (who, theirs) in before.as_object().expect("by actor") {
        for (what, value) in theirs.as_object().expect("by question") {
            assert_eq!(&after[who][what], value, "{who}: {what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_restore_serves_nobody_and_is_run_again() {
    let mut app = TestApp::with(Stack::Embedded, &[("records.every_seconds", "50")]).await;
    let clerk = app.actor(Actor::Clerk);
    let first = id(&clerk.upload("a.txt", b"pertama".to_vec(), json!({})).await);
    app.settled().await;
    app.app.records.flush().await.expect("a full record");
    // So many that the record of changes has several chunks, and its last one can be damaged alone.
    let mut second = String::new();
    for number in 0..40 {
        let metadata = json!({ "title": format!("Surat {number}"), "summary": "ringkasan ".repeat(100) });
        second = id(&clerk.upload("b.bin", vec![0xf7, 0, number], metadata).await);
    }
    app.settled().await;
    app.app.records.flush().await.expect("a record of changes");
    app.stop().await;
    let machine = Machine::with_store_of(&app, None);
    let newest = machine.newest_record();
    let whole = std::fs::read(&newest).expect("a record");
    let mut damaged = whole.clone();
    *damaged.last_mut().expect("bytes") ^= 1;
    std::fs::write(&newest, damaged).expect("our folder");
    let key = machine.path("recovery.txt");
    let args = ["restore", "--from-bucket", "--recovery-key", &key, "--json"];
    assert!(!machine.command(&args).status.success(), "a damaged record is refused");
    std::fs::write(&newest, whole).expect("our folder");
    assert!(!machine.command(&["verify"]).status.success(), "half an archive serves nobody");
    let report = machine.done(&args);
    assert_eq!(report["documents"], 41, "{report}");
    assert!(!machine.command(&args).status.success(), "a whole archive is not written over");
    let all = machine.command(&["key", "export", "--all"]);
    let all = String::from_utf8_lossy(&all.stdout).into_owned();
    assert!(all.contains(&first) && all.contains(&second), "{all}");
}

#[tokio::test(flavor = "multi_thread")]
async fn newer_records_that_do_not_open_are_told_and_the_rest_comes_back() {
    let mut app = TestApp::with(Stack::Embedded, &[("records.every_seconds", "50")]).await;
    let clerk = app.actor(Actor::Clerk);
    let mut documents = Vec::new();
    for name in ["a.txt", "b.txt"] {
        let letter = format!("Perihal: surat {name}").into_bytes();
        documents.push(id(&clerk.upload_and_read(name, letter, json!({})).await));
        app.settled().await;
        assert!(app.app.records.flush().await.expect("a record"), "{name} is recorded");
    }
    assert!(!app.app.records.flush().await.expect("asked"), "nothing is left to record");
    app.stop().await;
    let machine = Machine::with_store_of(&app, None);
    let newest = machine.newest_record();
    let mut damaged = std::fs::read(&newest).expect("a record");
    // A bit of the header, behind the line with which every age file begins.
    damaged[40] ^= 1;
    std::fs::write(&newest, damaged).expect("our folder");

    let key = machine.path("recovery.txt");
    let done = machine.command(&["restore", "--from-bucket", "--recovery-key", &key]);
    let told = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(1), "a script takes this for no success: {told}");
    assert!(told.contains("1 of the newest records do not open"), "{told}");
    assert!(String::from_utf8_lossy(&done.stdout).starts_with("1 dokumen kembali"), "the rest is back");
    let all = machine.command(&["key", "export", "--all"]);
    let all = String::from_utf8_lossy(&all.stdout).into_owned();
    assert!(all.contains(&documents[0]) && !all.contains(&documents[1]), "{all}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_record_ends_the_former_chain_and_a_wrong_key_opens_none() {
    let mut app = TestApp::with(Stack::Embedded, &[("records.every_seconds", "50")]).await;
    for name in ["a.txt", "b.txt", "c.txt"] {
        app.actor(Actor::Clerk).upload(name, name.as_bytes().to_vec(), json!({})).await;
        app.app.records.flush().await.expect("a record");
    }
    let records = |all: BTreeMap<String, Vec<u8>>| all.into_keys().filter(|name| name.starts_with("r/")).count();
    assert!(records(stored(&app, None).await) >= 3);
    let mut tx = app.app.db.write().await.expect("a transaction");
    lumbung::record::ask_for_full(&mut tx).await.expect("asked");
    tx.commit().await.expect("committed");
    app.settled().await;
    app.app.records.flush().await.expect("a full record");
    app.app.vault.clear().await.expect("the store answers");
    assert_eq!(records(stored(&app, None).await), 1);
    app.stop().await;
    let machine = Machine::with_store_of(&app, None);
    let foreign = machine.path("foreign.txt");
    let identity = lumbung::seal::RecoveryIdentity::generate();
    std::fs::write(&foreign, identity.identity_file().as_bytes()).expect("our folder");
    assert!(!machine.command(&["restore", "--from-bucket", "--recovery-key", &foreign]).status.success());
    let key = machine.path("recovery.txt");
    assert_eq!(machine.done(&["restore", "--from-bucket", "--recovery-key", &key, "--json"])["documents"], 3);
}

/// What an operator copies at two in the morning.
#[tokio::test(flavor = "multi_thread")]
async fn the_lines_of_the_readme_bring_the_archive_back() {
    let mut app = TestApp::with(Stack::Embedded, &[("records.every_seconds", "50")]).await;
    app.actor(Actor::Clerk).upload("a.txt", b"Perihal: tanggul".to_vec(), json!({})).await;
    app.settled().await;
    app.app.records.flush().await.expect("a record");
    app.stop().await;
    let machine = Machine::with_store_of(&app, None);
    let (key, link, login) =
        (machine.path("recovery.txt"), machine.path("admin.txt"), app.account(Actor::PlatformAdmin).login);
    let here = |word| match word {
        "/media/usb/recovery.txt" => key.as_str(),
        "admin.txt" => link.as_str(),
        "admin" => login.as_str(),
        word => word,
    };
    let readme = std::fs::read_to_string("README.md").expect("README.md");
    let drill = readme.split("\n## When everything but the store is lost\n\n").nth(1).expect("the drill");
    for line in drill.lines().take_while(|line| line.starts_with("    ")) {
        let words: Vec<&str> = line.split('#').next().unwrap_or("").split_whitespace().map(here).collect();
        let ["lumbung", args @ ..] = &words[..] else { panic!("no command: {line}") };
        if args == ["serve"] {
            let running = machine.serve(app.clock.clone()).await;
            indexed(&running.app, 1).await;
            running.stop().await;
            return assert!(std::path::Path::new(&link).exists(), "somebody can log in");
        }
        let done = machine.command(args);
        assert!(done.status.success(), "{line}: {}", String::from_utf8_lossy(&done.stderr));
    }
    panic!("nothing was served in the end");
}
