//! `lumbung upload`: folders, cuts, other runs, watching, and an honest summary.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::Terminal;
use crate::support::client::Client;
use crate::support::program::Program;
use crate::support::regency::{Actor, Stack};
use crate::support::server::free_port;

async fn names(caller: &Client) -> Vec<String> {
    let listed = caller.get("/api/v1/documents").await.is(200).json();
    let items = listed["items"].as_array().expect("items");
    let mut names: Vec<String> =
        items.iter().map(|item| item["file_name"].as_str().expect("a name").to_owned()).collect();
    names.sort();
    names
}

fn paths(list: &Value) -> Vec<&str> {
    list.as_array().expect("a list").iter().map(|item| item["path"].as_str().expect("a path")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn files_and_folders_are_uploaded_and_what_failed_is_named_with_the_reason() {
    let program = Program::start(Stack::Embedded, &[("upload.max_bytes", "100000")]).await;
    let (terminal, clerk) = (Terminal::of(&program, Actor::Clerk), program.actor(Actor::Clerk));
    terminal.file("one.bin", &[1; 900]);
    for name in ["in/a.bin", "in/below/b.bin", "in/.hidden", "in/.folder/c.bin"] {
        terminal.file(name, name.as_bytes());
    }
    std::os::unix::fs::symlink("../one.bin", terminal.dir.join("in/link.bin")).expect("linked");
    std::os::unix::fs::symlink("..", terminal.dir.join("in/circle")).expect("linked");
    let told = terminal.run(&["upload", "one.bin", "in"]).await.ends(0);
    let lines: Vec<String> = told.out().lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines.iter().all(|line| line.starts_with("doc_")) && lines[0].ends_with("  one.bin"), "{lines:?}");
    assert!(told.err().contains("one.bin: 900 B / 900 B"), "progress goes to standard error: {}", told.err());
    assert!(told.err().contains("3 diunggah / uploaded, 0 gagal / failed"), "{}", told.err());
    assert_eq!(names(&clerk).await, ["a.bin", "b.bin", "one.bin"]);

    terminal.file("mixed/1-empty.bin", b"");
    terminal.file("mixed/2-large.bin", &[2; 200_000]);
    terminal.file("mixed/3-good.bin", &[3; 2000]);
    let told = terminal.run(&["upload", "mixed", "--json", "--class", "rahasia"]).await.ends(1);
    let report = told.json();
    assert_eq!(paths(&report["uploaded"]), ["mixed/3-good.bin"]);
    assert_eq!(paths(&report["failed"]), ["mixed/1-empty.bin", "mixed/2-large.bin"]);
    let why = |n: usize| report["failed"][n]["why"].as_str().expect("a reason").to_owned();
    assert!(why(0).contains("The file is empty."), "{}", why(0));
    assert!(why(1).contains("larger than 100000 bytes"), "{}", why(1));
    let document = report["uploaded"][0]["document"].as_str().expect("an id");
    let shown = program.actor(Actor::Head).get(&format!("/api/v1/documents/{document}")).await.is(200).json();
    assert_eq!(shown["security_class"], "rahasia");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_were_in_the_archive_before_are_named_in_the_summary() {
    let program = Program::start(Stack::Embedded, &[]).await;
    let (terminal, clerk) = (Terminal::of(&program, Actor::Clerk), program.actor(Actor::Clerk));
    let first = clerk.upload("lama.bin", vec![7; 900], serde_json::json!({})).await;
    let first = first["id"].as_str().expect("an id");
    terminal.file("in/fresh.bin", &[8; 900]);
    terminal.file("in/known.bin", &[7; 900]);
    let told = terminal.run(&["upload", "in", "--json"]).await.ends(0);
    let report = told.json();
    let uploaded = &report["uploaded"];
    assert_eq!(paths(uploaded), ["in/fresh.bin", "in/known.bin"]);
    assert!(uploaded[0].get("duplicate_of").is_none(), "{uploaded}");
    assert_eq!(uploaded[1]["duplicate_of"], first, "{uploaded}");

    terminal.file("new/other.bin", &[9; 900]);
    let told = terminal.run(&["upload", "new"]).await.ends(0);
    assert!(!told.err().contains("in the archive before"), "{}", told.err());
    let named = format!("in/known.bin: sama dengan / the same as {first}");
    let told = terminal.run(&["upload", "in/known.bin"]).await.ends(0);
    told.says(&[
        "1 diunggah / uploaded, 0 gagal / failed",
        "1 sudah ada di arsip / were in the archive before",
        &named,
    ]);

    // Whoever may bring in and not look is told of none, and the file is taken.
    let asked =
        serde_json::json!({ "label": "mesin pindai", "scopes": ["upload"], "expires_at": "2030-01-01T00:00:00Z" });
    let made = clerk.post(&format!("/api/v1/offices/{}/tokens", clerk.office()), asked).await.is(201).json();
    terminal.file("scanner", made["token"].as_str().expect("shown once").as_bytes());
    let told = terminal.run(&["upload", "in/known.bin", "--json", "--token-file", "scanner"]).await.ends(0);
    assert_eq!(paths(&told.json()["uploaded"]), ["in/known.bin"]);
    assert!(told.json()["uploaded"][0].get("duplicate_of").is_none(), "{}", told.out());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_path_token_or_address_is_told_before_anything_is_sent() {
    let program = Program::start(Stack::Embedded, &[]).await;
    let terminal = Terminal::of(&program, Actor::Clerk);
    terminal.file("a.bin", &[1; 100]);
    let told = terminal.run(&["upload", "a.bin", "absent", "b.bin"]).await.ends(2);
    told.says(&["absent", "b.bin"]);
    assert!(names(&program.actor(Actor::Clerk)).await.is_empty());
    terminal.file("wrong", b"lmb_wrong");
    let wrong = ["upload", "a.bin", "--token-file", "wrong"];
    terminal.run(&wrong).await.ends(2).says(&["does not accept the token in wrong"]);
    let started = Instant::now();
    let nowhere = format!("http://127.0.0.1:{}", free_port());
    terminal.run(&["upload", "a.bin", "--server", &nowhere]).await.ends(3).says(&["cannot be reached"]);
    assert!(started.elapsed() < Duration::from_secs(10), "an address that never answered is not waited for");
    // A token that may not upload: nothing else would work either, and the summary still says so.
    let reader = program.actor(Actor::Auditor).account().token.clone();
    terminal.file("auditor", reader.as_bytes());
    let refused = terminal.run(&["upload", "a.bin", "--json", "--token-file", "auditor"]).await.ends(2);
    assert_eq!(paths(&refused.json()["failed"]), ["a.bin"]);
}

/// Waits until this many parts of resumable uploads lie in the store.
async fn parts(program: &Program, wanted: usize) {
    fn files(folder: &Path) -> usize {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| if entry.path().is_dir() { files(&entry.path()) } else { 1 }).sum()
    }
    let started = Instant::now();
    while files(&program.home.dir.join("store/u")) < wanted {
        assert!(started.elapsed() < Duration::from_secs(60), "no {wanted} parts arrive");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Many small parts, each made durable: slow enough to be cut in the midst.
const SLOW: [(&str, &str); 1] = [("upload.part_bytes", "65536")];

fn large() -> Vec<u8> {
    (0..24_u32 << 18).flat_map(|word| word.wrapping_mul(2_654_435_761).to_le_bytes()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_goes_on_by_itself_when_the_server_was_killed_in_its_midst() {
    let mut program = Program::start(Stack::Embedded, &SLOW).await;
    let terminal = Terminal::of(&program, Actor::Clerk);
    let bytes = large();
    terminal.file("large.bin", &bytes);
    let mut upload = terminal.command(&["upload", "large.bin", "--json"]);
    let upload = upload.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program runs");
    parts(&program, 20).await;
    program.cut_and_restart().await;
    let told = tokio::task::spawn_blocking(|| upload.wait_with_output()).await.expect("waited").expect("it ended");
    let report: Value = serde_json::from_slice(&told.stdout).expect("JSON");
    let said = String::from_utf8_lossy(&told.stderr).into_owned();
    assert_eq!(told.status.code(), Some(0), "{report} {said}");
    assert!(said.contains("cut off, reconnecting"), "it was cut in its midst: {said}");
    let document = report["uploaded"][0]["document"].as_str().expect("an id");
    let content = program.actor(Actor::Clerk).get(&format!("/api/v1/documents/{document}/content")).await.is(200);
    assert!(content.body == bytes, "other bytes than were sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_run_goes_on_where_the_first_was_killed() {
    let program = Program::start(Stack::Embedded, &SLOW).await;
    let terminal = Terminal::of(&program, Actor::Clerk);
    let bytes = large();
    terminal.file("large.bin", &bytes);
    let mut first = terminal.command(&["upload", "large.bin"]);
    let mut first = first.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program runs");
    parts(&program, 150).await;
    first.kill().expect("killed");
    first.wait().expect("ended");
    assert!(names(&program.actor(Actor::Clerk)).await.is_empty(), "it was too fast to be cut");
    let told = terminal.run(&["upload", "large.bin", "--json"]).await.ends(0);
    // A part that was being stored when its client died may stay for the sweep, but there is no second upload.
    let uploads = std::fs::read_dir(program.home.dir.join("store/u")).map_or(0, |folder| folder.count());
    assert!(uploads <= 1, "the second run did not go on with the first one's upload");
    let report = told.json();
    let document = report["uploaded"][0]["document"].as_str().expect("an id");
    let content = program.actor(Actor::Clerk).get(&format!("/api/v1/documents/{document}/content")).await.is(200);
    assert!(content.body == bytes, "other bytes than were sent");
}

/// A running `lumbung upload --watch`; what it says is read line by line.
struct Watching {
    child: Child,
    lines: tokio::sync::mpsc::UnboundedReceiver<String>,
}

impl Watching {
    fn start(terminal: &Terminal, folder: &str) -> Watching {
        let mut command = terminal.command(&["upload", folder, "--watch"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program runs");
        let out = child.stdout.take().expect("piped");
        let (tell, lines) = tokio::sync::mpsc::unbounded_channel();
        std::thread::spawn(move || {
            BufReader::new(out).lines().map_while(Result::ok).try_for_each(|line| tell.send(line))
        });
        Watching { child, lines }
    }

    /// The name of the next file that became a document.
    async fn next(&mut self) -> String {
        let line = tokio::time::timeout(Duration::from_secs(20), self.lines.recv()).await.expect("in time");
        let line = line.expect("it goes on");
        line.rsplit('/').next().expect("a name").to_owned()
    }

    /// Asked to stop as a service manager asks; true if it ended well.
    async fn stop(mut self) -> bool {
        let id = self.child.id().to_string();
        std::process::Command::new("/bin/kill").args(["-TERM", &id]).status().expect("kill runs");
        let ended = tokio::task::spawn_blocking(move || self.child.wait()).await.expect("waited");
        ended.expect("it ended").success()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watched_folder_uploads_what_appears_once() {
    let program = Program::start(Stack::Embedded, &[]).await;
    let (terminal, clerk) = (Terminal::of(&program, Actor::Clerk), program.actor(Actor::Clerk));
    terminal.file("scans/first.bin", &[1; 500]);
    let mut watching = Watching::start(&terminal, "scans");
    assert_eq!(watching.next().await, "first.bin");
    // A scanner writes under another name, or in pieces; neither is taken before it is whole.
    let slow = terminal.file("scans/second.bin", &[2; 300]);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut more = std::fs::OpenOptions::new().append(true).open(&slow).expect("our folder");
    std::io::Write::write_all(&mut more, &[2; 300]).expect("our folder");
    assert_eq!(watching.next().await, "second.bin");
    terminal.file("scans/.third.part", &[3; 100]);
    std::fs::rename(terminal.dir.join("scans/.third.part"), terminal.dir.join("scans/third.bin")).expect("renamed");
    assert_eq!(watching.next().await, "third.bin");
    assert!(watching.stop().await);
    assert_eq!(names(&clerk).await, ["first.bin", "second.bin", "third.bin"]);

    let mut again = Watching::start(&terminal, "scans");
    terminal.file("scans/fourth.bin", &[4; 100]);
    assert_eq!(again.next().await, "fourth.bin", "what was uploaded before is passed over");
    assert!(again.stop().await);
    assert_eq!(names(&clerk).await.len(), 4);
    // The same folder for another office is another matter.
    let token = terminal.file("other", program.actor(Actor::OtherClerk).account().token.as_bytes());
    let terminal = terminal.with("LUMBUNG_TOKEN_FILE", token.to_str().expect("a path"));
    let mut other = Watching::start(&terminal, "scans");
    assert_eq!(other.next().await, "first.bin");
    assert!(other.stop().await);
}
