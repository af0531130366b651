//! The mirror follows documents as they arrive, is compared, and mends what is damaged.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::finding::until;
use crate::flow::id;
use crate::support::client::Client;
use crate::support::program::{Launch, Program};
use crate::support::regency::{Actor, Stack};

const PATIENCE: Duration = Duration::from_secs(30);

struct Mirrored {
    program: Program,
    clerk: Client,
    second: PathBuf,
    _second: tempfile::TempDir,
}

impl Mirrored {
    async fn start() -> Mirrored {
        Mirrored::with(&[]).await
    }

    async fn with(more: &[(&str, &str)]) -> Mirrored {
        let holder = tempfile::tempdir().expect("a folder");
        let second = holder.path().join("second");
        let folder = second.to_string_lossy().into_owned();
        let mirror = [("storage.mirror.kind", "folder"), ("storage.mirror.folder", folder.as_str())];
        let settings: Vec<_> = mirror.into_iter().chain(more.iter().copied()).collect();
        let program = Program::start(Stack::Embedded, &settings).await;
        let clerk = program.actor(Actor::Clerk);
        Mirrored { program, clerk, second, _second: holder }
    }

    fn store(&self) -> PathBuf {
        self.program.home.dir.join("store")
    }

    async fn status(&self) -> Value {
        self.clerk.get("/api/v1/status").await.is(200).json()["vault"].clone()
    }

    /// Waits until nothing waits to be copied.
    async fn followed(&self) {
        let started = Instant::now();
        loop {
            let mirror = self.status().await["mirror"].clone();
            if mirror["waiting"] == 0 {
                assert_eq!(mirror["lag_seconds"], 0);
                return;
            }
            assert!(started.elapsed() < Duration::from_secs(30), "the mirror does not follow: {mirror}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    #[track_caller]
    fn verify(&self, args: &[&str], code: i32) -> Value {
        let done = self.program.command(&[&["verify", "--json"], args].concat());
        let told = String::from_utf8_lossy(&done.stdout).into_owned();
        assert_eq!(done.status.code(), Some(code), "{told}{}", String::from_utf8_lossy(&done.stderr));
        serde_json::from_str(&told).expect("one JSON object on standard output")
    }
}

fn objects(store: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for folder in std::fs::read_dir(store.join("o")).into_iter().flatten().flatten() {
        for object in std::fs::read_dir(folder.path()).expect("a folder of objects").flatten() {
            let (folder, object) = (folder.file_name(), object.file_name());
            found.push(format!("o/{}/{}", folder.to_string_lossy(), object.to_string_lossy()));
        }
    }
    found.sort();
    found
}

fn records(store: &Path) -> Vec<String> {
    let found = std::fs::read_dir(store.join("r")).into_iter().flatten().flatten();
    let mut found: Vec<String> = found.map(|record| format!("r/{}", record.file_name().to_string_lossy())).collect();
    found.sort();
    found
}

fn damage(store: &Path, object: &str) {
    let path = store.join(object);
    let mut bytes = std::fs::read(&path).expect("the object");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    std::fs::remove_file(&path).expect("removed");
    std::fs::write(&path, bytes).expect("written");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mirror_follows_and_mends_what_is_damaged_or_missing() {
    let archive = Mirrored::start().await;
    let mut documents = Vec::new();
    for n in 0..3_u8 {
        documents.push(id(&archive.clerk.upload(&format!("{n}.bin"), vec![n; 90_000], json!({})).await));
    }
    archive.clerk.upload_and_read("a.txt", b"Perihal: saluran irigasi\n".to_vec(), json!({})).await;
    archive.followed().await;
    let all = objects(&archive.store());
    assert_eq!(objects(&archive.second), all, "originals and derivations");
    assert_eq!(archive.verify(&["--deep"], 0)["mirror_waiting"], 0);

    damage(&archive.store(), &all[0]);
    std::fs::remove_file(archive.store().join(&all[1])).expect("removed");
    damage(&archive.second, &all[2]);
    let report = archive.verify(&["--scrub"], 1);
    let problem = |n: usize| &report["problems"][n];
    assert_eq!((&problem(0)["object"], &problem(0)["kind"]), (&json!(all[0]), &json!("digest")));
    assert_eq!((&problem(1)["object"], &problem(1)["kind"]), (&json!(all[1]), &json!("missing")));
    assert_eq!((&problem(2)["object"], &problem(2)["kind"]), (&json!(all[2]), &json!("digest")));
    assert_eq!((&problem(0)["where"], &problem(2)["where"]), (&Value::Null, &json!("mirror")));

    let report = archive.verify(&["--scrub", "--repair"], 0);
    assert!(
        report["problems"].as_array().expect("problems").iter().all(|problem| problem["mended"] == true),
        "{report}"
    );
    assert_eq!(archive.verify(&["--deep"], 0)["problems"], json!([]));
    assert!(archive.store().join("q").join(&all[0]).exists(), "the damaged bytes are set aside, not deleted");
    for (n, document) in documents.iter().enumerate() {
        let content = archive.clerk.get(&format!("/api/v1/documents/{document}/content")).await.is(200);
        assert!(content.body == vec![n as u8; 90_000]);
    }
}

/// An installation whose machine and bucket burned down.
#[tokio::test(flavor = "multi_thread")]
async fn the_mirror_and_the_recovery_key_alone_give_the_archive_back() {
    let mut archive = Mirrored::with(&[("records.every_seconds", "1")]).await;
    archive.clerk.upload_and_read("a.txt", b"Perihal: saluran irigasi\n".to_vec(), json!({})).await;
    let recorded = async || archive.clerk.get("/api/v1/status").await.is(200).json()["records"]["waiting"] == 0;
    until(PATIENCE, "it is recorded", recorded).await;
    archive.followed().await;
    let damaged = records(&archive.store()).pop().expect("a record");
    damage(&archive.store(), &damaged);
    let report = archive.verify(&["--scrub", "--repair"], 0);
    let problem = &report["problems"][0];
    assert_eq!((&problem["object"], &problem["kind"]), (&json!(damaged), &json!("digest")), "{report}");
    assert_eq!(problem["mended"], true, "{report}");

    archive.program.stop().await;
    let machine = tempfile::tempdir().expect("a folder");
    let path = |name: &str| machine.path().join(name).display().to_string();
    std::fs::write(path("recovery.txt"), archive.program.recovery_identity()).expect("our folder");
    let config = format!(
        "[data]\ndir = {:?}\n[storage]\nkind = \"folder\"\nfolder = {:?}\n[metrics]\nlisten = \"\"\n",
        path("data"),
        archive.second
    );
    std::fs::write(path("lumbung.toml"), config).expect("our folder");
    let run = |args: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_lumbung"));
        command.args(args).arg("--config").arg(path("lumbung.toml"));
        let done = command.output().expect("it runs");
        let told = String::from_utf8_lossy(&done.stdout).into_owned();
        assert_eq!(done.status.code(), Some(0), "{told}{}", String::from_utf8_lossy(&done.stderr));
        serde_json::from_str::<Value>(&told).expect("one JSON object")
    };
    let restored = run(&["restore", "--from-bucket", "--recovery-key", &path("recovery.txt"), "--json"]);
    assert_eq!(restored["documents"], 1, "{restored}");
    assert_eq!(run(&["verify", "--deep", "--json"])["problems"], json!([]));
}

/// The index had to do without it meanwhile; nobody has to ask for it to be read again.
#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_is_mended_is_found_by_its_words_again() {
    let mut archive = Mirrored::start().await;
    let text = b"Perihal: saluran irigasi\n".to_vec();
    let details = json!({ "title": "Berita acara" });
    let document = id(&archive.clerk.upload_and_read("a.txt", text, details).await);
    archive.followed().await;
    archive.program.stop().await;
    for object in objects(&archive.store()) {
        std::fs::remove_file(archive.store().join(object)).expect("removed");
    }
    std::fs::remove_dir_all(archive.program.home.dir.join("index")).expect("removed");
    archive.program.start_again().await;
    let found = async |word: &str| archive.clerk.finds(word).await == [document.clone()];
    until(PATIENCE, "it is found by its title", async || found("berita").await).await;
    assert!(!found("irigasi").await, "its text is gone");
    archive.verify(&["--scrub", "--repair"], 0);
    until(PATIENCE, "it is found by its words", async || found("irigasi").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_the_disk_does_not_give_back_keeps_no_other_from_being_copied() {
    let mut program = Program::start(Stack::Embedded, &[]).await;
    let clerk = program.actor(Actor::Clerk);
    for n in 0..4_u8 {
        clerk.upload(&format!("{n}.bin"), vec![n; 9_000], json!({})).await;
    }
    program.stop().await;
    let (store, second) = (program.home.dir.join("store"), program.home.dir.join("second"));
    let all = objects(&store);
    let (bad, folder) = (store.join(&all[0]).display().to_string(), second.display().to_string());
    let under = ["strace", "-f", "-qq", "-o", "/dev/null", "-P", &bad, "-e", "inject=read,pread64:error=EIO"];
    let environment = [("LUMBUNG__STORAGE__MIRROR__KIND", "folder"), ("LUMBUNG__STORAGE__MIRROR__FOLDER", &folder)];
    program.launch_again(&Launch { under: &under, environment: &environment, ..Launch::default() });
    assert!(program.becomes_ready().await, "{}", program.output());
    until(PATIENCE, "the others are copied", async || objects(&second) == all[1..]).await;
    let vault = async || clerk.get("/api/v1/status").await.is(200).json()["vault"].clone();
    until(PATIENCE, "the damage is told", async || vault().await["verify"]["findings"] == 1).await;
    assert_eq!(vault().await["mirror"]["waiting"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_damaged_in_both_places_is_said_to_be_beyond_repair_and_left_alone() {
    let archive = Mirrored::start().await;
    archive.clerk.upload("a.bin", vec![1; 90_000], json!({})).await;
    archive.followed().await;
    let all = objects(&archive.store());
    damage(&archive.store(), &all[0]);
    damage(&archive.second, &all[0]);
    let report = archive.verify(&["--scrub", "--repair"], 1);
    assert_eq!(report["problems"][0]["mended"], false, "{report}");
    assert_eq!((objects(&archive.store()), objects(&archive.second)), (all.clone(), all), "nothing is deleted");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_destroyed_leaves_the_mirror_too() {
    let archive = Mirrored::start().await;
    let document = id(&archive.clerk.upload_and_read("a.txt", b"Perihal: talud\n".to_vec(), json!({})).await);
    archive.followed().await;
    assert!(objects(&archive.second).len() >= 2);
    archive.clerk.delete(&format!("/api/v1/documents/{document}")).await.is(204);
    let done = archive.program.command(&["destroy", &document, "--reason", "uji", "--json"]);
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    let report: Value = serde_json::from_slice(&done.stdout).expect("one JSON object");
    assert_eq!((&report["remains"], &report["newest_backup"]), (&json!([]), &Value::Null), "{report}");
    assert_eq!((objects(&archive.store()).len(), objects(&archive.second).len()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn repair_without_a_mirror_says_what_is_missing() {
    let program = Program::start(Stack::Embedded, &[]).await;
    let done = program.command(&["verify", "--repair"]);
    assert_eq!(done.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&done.stderr).contains("storage.mirror"));
}
